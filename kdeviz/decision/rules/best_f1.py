"""The threshold that agrees best with the labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.decision.metrics.operating_points import operating_points
from kdeviz.decision.rules.rule import Rule, Scores


class BestF1(Rule):
    """The threshold with the highest F1 on the labelled rows."""

    name = "best_f1"
    title = "Best F1 score on the labels"
    takes = "no value; it is found from the labels"
    usual = 0.0
    needs_labels = True

    def allowed(self) -> bool:
        """It takes none, so it does not matter."""
        return True

    @property
    def aim(self) -> str:
        """See `Rule.aim`."""
        return "where it fits the labels best, with few anomalous samples missed and few false alarms"

    def threshold(self, scores: Scores) -> float:
        """Of equally good thresholds the lowest."""
        return best_f1_threshold(scores.inspected, np.asarray(scores.labels))

    @classmethod
    def asked(cls, inspected: int) -> None:
        """Nothing to ask for."""
        return

    @property
    def in_words(self) -> str:
        """The name alone."""
        return self.name


def best_f1_threshold(scores: NDArray[Any], labels: NDArray[np.int8]) -> float:
    """The threshold with the highest F1 on the labelled rows; the lowest such threshold in a tie."""
    points = operating_points(scores, labels)
    return float(points.thresholds[np.argmax(points.f1)])
