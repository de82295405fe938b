"""The numbers behind the threshold: what it flags, how sure that is, and every other threshold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.data import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.decision import (
    Bootstrap,
    Confusion,
    Interval,
    OperatingPoints,
    PlattFit,
    bootstrap,
    confusion,
    has_both_labels,
    operating_points,
    platt,
    rate_interval,
)
from kdeviz.errors import OptionError
from kdeviz.model import ProbabilityCurve

CELLS = ("caught", "false alarms", "missed", "passed")
"""The labelled samples by what the threshold makes of them, in the order of `Confusion`."""


class ThresholdView(NamedTuple):
    """What one threshold does."""

    threshold: float
    flagged: int
    inspected: int
    alarm_rate: float
    """Share of the training samples whose leave-one-out score is below the threshold."""
    alarm_interval: Interval
    """95 % interval of the share of new normal samples that will be flagged."""
    counts: Confusion | None
    """None without labels of both kinds; so are the metrics."""
    metrics: Bootstrap | None


class OperatingView(NamedTuple):
    """Every threshold on the labelled samples, and the present one among them."""

    points: OperatingPoints
    """Thinned for drawing."""
    threshold: float
    here: OperatingPoints
    """One point: the present threshold, with the ends that its rates need; see `at`."""
    metrics: Bootstrap
    normal: int
    anomalous: int

    @property
    def at(self) -> tuple[float, float, float, float]:
        """False-positive rate, recall, precision and F1 at the present threshold."""
        here = self.here
        return float(here.fpr[1]), float(here.tpr[1]), float(here.precision[1]), float(here.f1[1])


@cached
def threshold_view(analysis: Analysis, threshold: float) -> ThresholdView:
    """What is flagged at a threshold, with 95 % intervals."""
    labels, scores = analysis.inspected.labels, analysis.scores
    alarms, total = int((analysis.train_scores < threshold).sum()), len(analysis.train_scores)
    both = labels is not None and has_both_labels(labels)
    return ThresholdView(
        threshold=threshold,
        flagged=int((scores < threshold).sum()),
        inspected=len(scores),
        alarm_rate=alarms / total,
        alarm_interval=rate_interval(alarms, total),
        counts=confusion(scores, labels, threshold) if both and labels is not None else None,
        metrics=bootstrap(scores, labels, threshold) if both and labels is not None else None,
    )


@cached
def operating_view(analysis: Analysis, threshold: float) -> OperatingView:
    """The ROC, precision-recall and F1 curves.

    Raises:
        OptionError: there are no labels of both kinds.
    """
    labels, scores = analysis.inspected.labels, analysis.scores
    if labels is None or not has_both_labels(labels):
        raise OptionError(
            "these curves need samples labelled normal and anomalous: load labels, or mark some"
        )
    counts = confusion(scores, labels, threshold)
    normal, anomalous = int((labels == NORMAL).sum()), int((labels == ANOMALOUS).sum())
    here = OperatingPoints(
        np.array([-np.inf, threshold, np.inf]),
        np.array([0, counts.true_positives, anomalous]),
        np.array([0, counts.false_positives, normal]),
    )
    metrics = threshold_view(analysis, threshold).metrics
    assert metrics is not None
    points = operating_points(scores, labels).thinned()
    return OperatingView(points, threshold, here, metrics, normal, anomalous)


@cached
def platt_view(analysis: Analysis, curve: ProbabilityCurve) -> PlattFit:
    """The curve that fits the labels, and how reliable the present one and that one are; see `platt`.

    Raises:
        DataError: there are too few labels, or they contradict the scores.
    """
    labels = analysis.inspected.labels
    unknown = np.full(len(analysis.scores), UNKNOWN, np.int8)
    return platt(analysis.scores, unknown if labels is None else labels, before=curve)


def rows_in_cell(analysis: Analysis, threshold: float, cell: str) -> NDArray[np.int64]:
    """Which inspected rows are in one cell of the confusion table.

    Raises:
        OptionError: there is no such cell, or there are no labels.
    """
    labels = analysis.inspected.labels
    if cell not in CELLS:
        raise OptionError(f"{cell!r} is no cell of labelled samples: choose {', '.join(CELLS)}")
    if labels is None:
        raise OptionError(f"no sample is labelled, so none is among the {cell}: load labels, or mark some")
    flagged = analysis.scores < threshold
    label = ANOMALOUS if cell in ("caught", "missed") else NORMAL
    return np.flatnonzero((labels == label) & (flagged == (cell in ("caught", "false alarms"))))
