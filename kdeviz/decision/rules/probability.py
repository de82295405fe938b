"""A threshold on the probability of being anomalous."""

from kdeviz.decision.rules.rule import Asked, Rule, Scores


class Probability(Rule):
    """The threshold is the log density that has this probability on the curve."""

    name = "probability"
    title = "A probability that I choose"
    address = "p"
    takes = "a probability above 0 and below 1"
    aims_at = "where the probability of being anomalous is {value} on the curve"
    explained = "Samples with a higher probability on the curve below are flagged."
    formula = r"$1 / (1 + e^{s(\log p(x) - m)}) > P$"
    asks = Asked("Probability of being anomalous", 0.5, 0.001, 0.999, 0.01, format="%.3f")
    of_training = True
    on_the_scale = True

    def threshold(self, scores: Scores) -> float:
        """Read off the curve."""
        return scores.curve.inverse(self.value)

    def remark(self, scores: Scores, flagged: int) -> str:
        """Whether the curve knows anything of the data."""
        if not scores.curve.is_default:
            return ""
        return "this probability is uncalibrated, read off a curve that knows nothing of these data"
