"""The threshold that agrees best with the labels."""

import numpy as np

from kdeviz.decision.metrics.operating_points import operating_points
from kdeviz.decision.rules.rule import Rule, Scores


class BestF1(Rule):
    """The threshold with the highest F1 on the labelled rows."""

    name = "best_f1"
    title = "Best F1 score on the labels"
    takes = "no value; it is found from the labels"
    aims_at = "where it fits the labels best, with few anomalous samples missed and few false alarms"
    usual = 0.0
    needs_labels = True

    def allowed(self) -> bool:
        """It takes none, so it does not matter."""
        return True

    def threshold(self, scores: Scores) -> float:
        """Of equally good thresholds the lowest."""
        points = operating_points(scores.inspected, np.asarray(scores.labels))
        return float(points.thresholds[np.argmax(points.f1)])

    @classmethod
    def asked(cls, inspected: int) -> None:
        """Nothing to ask for."""
        return

    @property
    def in_words(self) -> str:
        """The name alone."""
        return self.name
