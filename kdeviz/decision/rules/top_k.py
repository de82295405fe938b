"""A number of samples to flag."""

from kdeviz.decision.rules.rule import Asked, Rule, Scores, below_k
from kdeviz.wording import count


class TopK(Rule):
    """So many inspected rows lie below the threshold; fewer only where scores are equal."""

    name = "top_k"
    title = "The most anomalous few (top k)"
    address = "top_k"
    takes = "how many of the inspected samples to flag, a whole number, 0 or more"
    explained = "So many of the lowest scores are flagged, whatever they are."
    formula = r"$\#\{i : \log p(x_i) < t\} = k$"

    def allowed(self) -> bool:
        """A whole number, 0 or more."""
        return self.value >= 0 and float(self.value).is_integer()

    @property
    def aim(self) -> str:
        """See `Rule.aim`."""
        return f"so that the {count(int(self.value))} most unusual samples are flagged"

    def threshold(self, scores: Scores) -> float:
        """The lowest inspected score that is not among the k."""
        return below_k(scores.inspected, int(self.value))

    def for_rows(self, rows: int, of: int) -> float:
        """The same share of other rows."""
        return round(self.value * rows / of)

    @classmethod
    def asked(cls, inspected: int) -> Asked:
        """As a count."""
        return Asked("How many", min(20, inspected), 0, inspected, whole=True)
