"""The precision-recall curve: how much of the flagged is anomalous, against how much is caught."""

from __future__ import annotations

import plotly.graph_objects as go

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


def precision_recall(decision: Decision, theme: Theme = NOTEBOOK) -> go.Figure:
    """Share of the flagged that is anomalous against caught share of the anomalous samples.

    Raises:
        OptionError: there are no labels of both kinds.
    """
    return draw_precision_recall(operating_numbers(decision), theme)


def draw_precision_recall(numbers: OperatingNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    hover = f"{AT}<br>%{{x:.1%}} of the anomalous caught<br>%{{y:.1%}} of the flagged anomalous"
    line = {"color": theme.normal, "width": 2.4}
    points, (_, recall, precision, _) = numbers.points, numbers.at
    traces = [
        threshold_curve(points.tpr, points.precision, points.thresholds[:, None], line, hover),
        dotted_line([0, 1], [numbers.base_rate] * 2, "guessing", theme),
        *present_threshold(recall, precision, recall, numbers.threshold, theme),
    ]
    title = f"{percent(precision)} of the flagged are anomalous"
    if not numbers.some_flagged:
        title = "No labelled sample is flagged at this threshold"
    average = with_interval(numbers.metrics.average_precision)
    subtitle = f"{percent(recall)} of all anomalous caught · average precision {average}"
    axes = rate_axes("anomalous samples caught (recall)", "flagged samples anomalous (precision)", theme)
    return drawn(traces, theme, title, subtitle, {**MANNERS, **axes})
