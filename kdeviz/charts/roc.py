"""The ROC curve: caught share of the anomalous samples against flagged share of the normal ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.operating import (
    AT,
    MANNERS,
    OperatingNumbers,
    operating_numbers,
    present_threshold,
    threshold_curve,
    with_interval,
)
from kdeviz.charts.parts import dotted_line, rate_axes
from kdeviz.charts.theme import NOTEBOOK, Theme, drawn
from kdeviz.decision import Decision
from kdeviz.wording import percent


class RocNumbers(NamedTuple):
    """Where the curve and the present threshold lie on the x axis."""

    operating: OperatingNumbers
    fpr: NDArray[Any]
    """(T,) as drawn: a logarithmic axis has no place for zero, so half a sample stands for none."""
    here: float
    """That of the present threshold."""
    along: float
    """Share of the x axis to the left of it."""
    exponent: float | None
    """Power of ten at which a logarithmic axis begins."""
    chance: NDArray[Any]
    """Points of the line of guessing, which a logarithmic axis bends."""
    hovered: NDArray[Any]
    """(T, 2) thresholds and true rates."""


def roc_numbers(decision: Decision, log_fpr: bool = False) -> RocNumbers:
    """The ROC curve, on a linear or a logarithmic axis of false-positive rates.

    Raises:
        OptionError: there are no labels of both kinds.
    """
    return roc_of(operating_numbers(decision), log_fpr)


def roc_of(operating: OperatingNumbers, log_fpr: bool) -> RocNumbers:
    """The same from the numbers of every threshold."""
    points, here = operating.points, operating.at[0]
    hovered = np.stack([points.thresholds, points.fpr], axis=1)
    if not log_fpr:
        return RocNumbers(operating, points.fpr, here, here, None, np.array([0.0, 1.0]), hovered)
    lowest = 0.5 / operating.normal
    here = max(here, lowest)
    return RocNumbers(
        operating,
        np.maximum(points.fpr, lowest),
        here,
        float(1 - np.log(here) / np.log(lowest)),
        float(np.log10(lowest)),
        np.geomspace(lowest, 1, 50),
        hovered,
    )


def roc(decision: Decision, log_fpr: bool = False, theme: Theme = NOTEBOOK) -> go.Figure:
    """Caught share of the anomalous samples against flagged share of the normal ones, at every threshold.

    With `log_fpr` the axis of false-positive rates is logarithmic.

    Raises:
        OptionError: there are no labels of both kinds.
    """
    return draw_roc(roc_numbers(decision, log_fpr), theme)


def draw_roc(numbers: RocNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    operating = numbers.operating
    alarms, caught = operating.at[:2]
    hover = f"{AT}<br>%{{y:.1%}} of the anomalous caught<br>%{{customdata[1]:.2%}} of the normal flagged"
    line = {"color": theme.normal, "width": 2.4}
    traces = [
        threshold_curve(numbers.fpr, operating.points.tpr, numbers.hovered, line, hover),
        dotted_line(numbers.chance, numbers.chance, "guessing", theme),
        *present_threshold(numbers.here, caught, numbers.along, operating.threshold, theme),
    ]
    axes = rate_axes(
        "normal samples flagged (false-positive rate)", "anomalous samples caught", theme, numbers.exponent
    )
    title = f"{percent(caught)} of the anomalous caught, {percent(alarms)} of the normal flagged"
    subtitle = f"ROC curve · area (AUROC) {with_interval(operating.metrics.auroc)}"
    return drawn(traces, theme, title, subtitle, {**MANNERS, **axes})
