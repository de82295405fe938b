"""A bound on the false alarms among the flagged, without labels."""

import math

import numpy as np

from kdeviz.decision.rules.rule import Asked, Rule, Scores, below_k, midway
from kdeviz.errors import DataError
from kdeviz.wording import count, number, percent


class FalseDiscoveryRate(Rule):
    """At most this share of the flagged rows are false alarms, on average.

    The procedure of Benjamini and Hochberg (Journal of the Royal Statistical Society B 57, 1995) on the
    p-values of the inspected rows: with M of them in ascending order, those up to the last p_k <= q k / M are
    flagged. On conformal p-values the bound holds (Bates, Candes, Lei, Romano and Sesia, Annals of Statistics
    51, 2023). It is about these rows together: for others the same threshold promises nothing.
    """

    name = "fdr"
    title = "False alarms among the flagged"
    address = "fdr_percent"
    takes = "the share of the flagged samples that may be false alarms, above 0 and below 1"
    aims_at = "so that, on average, at most {percent} % of the flagged samples are false alarms"
    explained = (
        "On average at most this share of the flagged samples are false alarms (false discovery rate); it "
        "takes no labels and is about these samples together."
    )
    formula = r"$p_{(k)} \le q\,k / M$"
    asks = Asked("False alarms, % of the flagged", 0.1, 0.001, 0.5, 0.01, unit=0.01)
    usual = 0.1
    of_these_rows = True

    def threshold(self, scores: Scores) -> float:
        """Above the highest score that is flagged; below all scores where none is."""
        p_values = scores.p_values
        if p_values is None:
            raise DataError(
                "the fdr rule needs p-values, and this model has no held-out scores: fit it again, with "
                "fewer components or more rows, or choose another rule"
            )
        ordered = np.sort(p_values)
        ranks = np.arange(1, len(ordered) + 1)
        passed = np.flatnonzero(ordered <= self.value * ranks / len(ordered) * (1 + 1e-12))
        cutoff = ordered[passed[-1]] if len(passed) else -math.inf
        kept = scores.inspected[p_values > cutoff]
        if not len(kept):
            return below_k(scores.inspected, len(scores.inspected))
        return midway(scores.inspected, kept.min())

    def remark(self, scores: Scores, flagged: int) -> str:
        """How many false alarms to expect among the flagged, or why none is flagged."""
        q, M, n = self.value, len(scores.inspected), len(scores.train)
        if flagged:
            return (
                f"{count(flagged)} of {count(M)} are flagged; on average at most {percent(q)} of them, here "
                f"{number(q * flagged, 2)}, are false alarms"
            )
        needed = math.ceil(M / (q * (n + 1)))
        if needed > M:
            return (
                f"nothing can be flagged: with {count(n)} training rows no p-value is below 1 in "
                f"{count(n + 1)}, too coarse for {percent(q)}; use more training rows or allow more"
            )
        return (
            f"none is flagged: too few score low enough together; with {count(n)} training rows and "
            f"{count(M)} inspected ones the fewest that can be flagged are {count(needed)}, lower than all "
            "training rows"
        )
