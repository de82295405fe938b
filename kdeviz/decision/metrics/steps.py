"""What each of many thresholds does: exact counts, for a slider that is being dragged."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.data import ANOMALOUS, NORMAL
from kdeviz.decision.metrics.separation import Confusion, has_both_labels


class Steps(NamedTuple):
    """Counts at T thresholds, each as a `Decision` with that threshold has them."""

    thresholds: NDArray[np.float64]
    """(T,) nats, ascending."""
    flagged: NDArray[np.int64]
    """(T,) inspected rows below."""
    alarms: NDArray[np.int64]
    """(T,) training rows whose held-out score is below."""
    training: int
    """Training rows in all."""
    caught: NDArray[np.int64] | None
    """(T,) labelled anomalous rows below; None without labels of both kinds."""
    false_alarms: NDArray[np.int64] | None
    """(T,) labelled normal rows below."""
    anomalous: int
    normal: int

    def confusion(self, step: int) -> Confusion | None:
        """The labelled rows at one of the thresholds."""
        if self.caught is None or self.false_alarms is None:
            return None
        caught, false = int(self.caught[step]), int(self.false_alarms[step])
        return Confusion(caught, false, self.anomalous - caught, self.normal - false)


@cached
def threshold_steps(analysis: Analysis, low: float, high: float, steps: int) -> Steps:
    """Counts at so many steps, and one more, evenly spaced from low to high."""
    thresholds = np.linspace(low, high, steps + 1)
    scores, labels = analysis.scores, analysis.inspected.labels
    caught = false = None
    anomalous = normal = 0
    if labels is not None and has_both_labels(labels):
        groups = [np.sort(scores[labels == label]) for label in (ANOMALOUS, NORMAL)]
        caught, false = (_below(group, thresholds) for group in groups)
        anomalous, normal = map(len, groups)
    flagged = _below(np.sort(scores), thresholds)
    calibration = analysis.calibration  # sorted
    alarms = _below(calibration, thresholds)
    return Steps(thresholds, flagged, alarms, len(calibration), caught, false, anomalous, normal)


def _below(ascending: NDArray[np.floating], thresholds: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many scores lie below each; compared in their own precision, as numpy compares with one number."""
    return np.searchsorted(ascending, thresholds.astype(ascending.dtype)).astype(np.int64)
