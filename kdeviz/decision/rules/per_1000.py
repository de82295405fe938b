"""A budget of false alarms, as a count per 1 000 normal samples."""

from kdeviz.decision.rules.rule import Asked, Rule, Scores, below_k, share_of


class Per1000(Rule):
    """At most so many of 1 000 training rows lie below the threshold."""

    name = "per_1000"
    title = "Alarms per 1 000 normal samples"
    address = "alarms"
    takes = "how many of 1000 normal samples may be flagged, above 0 and below 1000"
    aims_at = "so that at most {value} of 1 000 normal samples are flagged"
    explained = (
        "At most so many of 1 000 new normal samples are flagged: the same budget as a share, in other words."
    )
    formula = r"$\#\{i : s_i < t\} \le a\,n / 1000$"
    asks = Asked("Alarms per 1 000 normal samples", 10.0, 0.1, 500.0)
    of_training = True

    def allowed(self) -> bool:
        """Above 0 and below 1000."""
        return 0 < self.value < 1000

    def threshold(self, scores: Scores) -> float:
        """The lowest training score that the budget does not reach."""
        return below_k(scores.train, share_of(self.value / 1000, len(scores.train)))
