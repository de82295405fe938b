"""A budget of false alarms, as a share of normal samples."""

from kdeviz.decision.rules.rule import Asked, Rule, Scores, below_k, share_of


class Quantile(Rule):
    """At most this share of the training rows lies below the threshold."""

    name = "quantile"
    title = "Alarm budget on normal data"
    address = "quantile_percent"
    takes = "the share of normal samples that may be flagged, above 0 and below 1"
    aims_at = "so that at most {percent} % of normal samples are flagged"
    explained = (
        "At most this share of new normal samples is flagged: the threshold is set on training samples, each "
        "judged by a model that has not seen it."
    )
    formula = r"$\#\{i : s_i < t\} \le q\,n$"
    asks = Asked("False alarms, % of normal samples", 0.01, 0.0001, 0.5, 0.001, unit=0.01)
    usual = 0.01
    of_training = True

    def threshold(self, scores: Scores) -> float:
        """The lowest training score that the budget does not reach."""
        return below_k(scores.train, share_of(self.value, len(scores.train)))
