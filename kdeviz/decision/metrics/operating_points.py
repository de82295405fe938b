"""Every operating point that a threshold can give: what the ROC, precision-recall and F1 curves draw."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.decision.given import check_whole
from kdeviz.decision.metrics.separation import labelled_rows

_FEWEST = 20


class OperatingPoints(NamedTuple):
    """Counts of labelled samples at T thresholds, from "nothing flagged" to "everything flagged".

    A sample is flagged when its score is strictly below the threshold, so that each threshold can be used
    as it is. The first may be -inf.
    """

    thresholds: NDArray[np.float64]  # (T,) nats, ascending
    true_positives: NDArray[np.int64]  # (T,)
    false_positives: NDArray[np.int64]  # (T,)

    @property
    def fpr(self) -> NDArray[np.float64]:
        """False-positive rate, (T,): the share of the normal samples that is flagged."""
        return _shares(self.false_positives, self.false_positives[-1])

    @property
    def tpr(self) -> NDArray[np.float64]:
        """True-positive rate, or recall, (T,): the share of the anomalous samples that is flagged."""
        return _shares(self.true_positives, self.true_positives[-1])

    @property
    def precision(self) -> NDArray[np.float64]:
        """Share of the flagged that is anomalous, (T,); 1 where nothing is flagged, as in scikit-learn."""
        flagged = self.true_positives + self.false_positives
        return np.where(flagged > 0, _shares(self.true_positives, np.maximum(flagged, 1)), 1.0)

    @property
    def f1(self) -> NDArray[np.float64]:
        """Harmonic mean of precision and recall, (T,); 0 where nothing is flagged."""
        flagged = self.true_positives + self.false_positives
        return _shares(2 * self.true_positives, flagged + self.true_positives[-1])

    def thinned(self, most: int = 500) -> OperatingPoints:
        """At most that many of these points, for drawing; all of them when they are few enough.

        Kept are both ends, the point of the best F1 and, exactly, the start of the ROC curve: every corner at
        the first `most / 10` different counts of false positives. All others are spread evenly over what the
        curves show: false- and true-positive rate, and their logarithms, which a logarithmic axis and the
        left end of the precision-recall curve need.

        Args:
            most: 20 or more.

        Raises:
            OptionError: fewer.
        """
        check_whole("most", most, _FEWEST)
        if len(self.thresholds) <= most:
            return self
        steps = np.flatnonzero(np.diff(self.false_positives))[: most // 10]
        kept = np.concatenate([steps, steps + 1, [np.argmax(self.f1)]])
        chosen = np.union1d(kept, self._spread_evenly(most - len(kept)))
        return OperatingPoints(*(values[chosen] for values in self))

    def _spread_evenly(self, count: int) -> NDArray[np.intp]:
        """Indices of `count` points or fewer, equally far apart along the curves, both ends among them."""
        way = np.zeros(len(self.thresholds))
        for values in (self.true_positives, self.false_positives):
            way += values / values[-1] + np.log1p(values) / np.log1p(values[-1]) / 2
        chosen = np.searchsorted(way, np.linspace(0, way[-1], count))
        # A tie can jump over several of them: its start is kept too, or the line would begin too early.
        chosen[1:] -= chosen[1:] == chosen[:-1]
        return chosen


def operating_points(scores: NDArray[Any], labels: NDArray[np.int8]) -> OperatingPoints:
    """All points that differ, on the labelled rows; the thresholds are those rows' distinct scores.

    Args:
        scores: (M,) log densities in nats; -inf is allowed.
        labels: (M,) of NORMAL, ANOMALOUS, UNKNOWN.

    Returns:
        One point per distinct score, which flags what is below it, and one that flags everything: T is at
        most M + 1. The points are those of scikit-learn's `roc_curve` with `drop_intermediate=False`.

    Raises:
        DataError: a label does not occur, or a score is NaN or +inf.
    """
    rows, anomalous = labelled_rows(scores, labels)
    distinct, group = np.unique(rows, return_inverse=True)
    above_all = np.nextafter(distinct[-1:], np.inf, dtype=distinct.dtype)

    def below(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        counts = np.bincount(group[chosen], minlength=len(distinct))
        return np.append(0, np.cumsum(counts))

    return OperatingPoints(
        np.append(distinct, above_all).astype(np.float64), below(anomalous), below(~anomalous)
    )


def _shares(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(part / whole, np.float64)
