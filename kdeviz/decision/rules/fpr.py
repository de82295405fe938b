"""A false-positive rate on the samples labelled normal."""

import numpy as np

from kdeviz.data import NORMAL
from kdeviz.decision.rules.rule import Asked, Rule, Scores, midway, share_of


class FalsePositiveRate(Rule):
    """At most this share of the inspected rows labelled normal lies below the threshold."""

    name = "fpr"
    title = "False-alarm rate on labelled normal samples"
    address = "fpr_percent"
    takes = "the share of samples labelled normal that may be flagged, from 0 to below 1"
    aims_at = "so that at most {percent} % of the samples labelled normal are flagged"
    explained = "At most this share of the inspected samples labelled normal is flagged."
    formula = r"$\#\{i \text{ normal} : \log p(x_i) < t\} \le q\,N$"
    asks = Asked("False alarms, % of normal samples", 0.01, 0.0001, 0.5, 0.001, unit=0.01)
    usual = 0.01
    needs_labels = True
    labels_needed = frozenset({NORMAL})

    def allowed(self) -> bool:
        """From 0 to below 1."""
        return 0 <= self.value < 1

    def threshold(self, scores: Scores) -> float:
        """Just below the lowest score of a normal row that the rate does not reach."""
        normal = scores.inspected[np.asarray(scores.labels) == NORMAL]
        limit = np.partition(normal, allowed := share_of(self.value, len(normal)))[allowed]
        return midway(scores.inspected, limit)
