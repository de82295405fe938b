"""A threshold that somebody chose."""

import math

from kdeviz.decision.rules.rule import Asked, Rule, Scores

# Beyond every log density, and still a number in float32.
_FAR = 1e30


class LogDensity(Rule):
    """The value is the threshold."""

    name = "log_density"
    title = "A log density that I choose"
    address = "nats"
    takes = "a finite log density in nats"
    aims_at = "where somebody chose to put it"
    explained = (
        "Samples below this very log density are flagged; one nat lower is a density 2.72 times smaller."
    )
    formula = r"$\log p(x) < t$"
    asks = Asked("Log density, nats", 0.0, -_FAR, _FAR, 0.5)
    of_training = True
    on_the_scale = True

    def allowed(self) -> bool:
        """A finite number."""
        return math.isfinite(self.value)

    def threshold(self, scores: Scores) -> float:
        """The value itself."""
        return float(self.value)
