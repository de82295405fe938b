"""F1, precision and recall against the threshold."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.operating import (
    AT,
    MANNERS,
    OperatingNumbers,
    operating_numbers,
    present_threshold,
    threshold_curve,
)
from kdeviz.charts.parts import bare_axis, rate_axes
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, drawn
from kdeviz.decision import Decision
from kdeviz.wording import number


def f1(decision: Decision, theme: Theme = NOTEBOOK) -> go.Figure:
    """F1, precision and recall at every threshold.

    Raises:
        OptionError: there are no labels of both kinds.
    """
    return draw_f1(operating_numbers(decision), theme)


def draw_f1(numbers: OperatingNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    points, here = numbers.points, numbers.at[3]
    lowest, highest = numbers.shown
    along = (numbers.threshold - lowest) / (highest - lowest)
    beside = {"color": theme.muted, "width": 1.6}
    traces = [
        {**_steps(numbers, points.precision, "precision", {"dash": "dot", **beside}), "mode": "lines"},
        {**_steps(numbers, points.tpr, "recall", {"dash": "dash", **beside}), "mode": "lines"},
        _steps(numbers, points.f1, "F1", {"dash": "solid", "color": theme.normal, "width": 2.4}),
        *present_threshold(numbers.threshold, here, along, numbers.threshold, theme),
    ]
    best, best_threshold = numbers.best_f1
    title = f"F1 is {number(here)}; the best, {number(best)}, is at {number(best_threshold)} nats"
    layout = {
        **MANNERS,
        **rate_axes("", "value", theme),
        "xaxis": bare_axis("threshold on log density, nats", nticks=6, range=[lowest, highest]),
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "font": {"size": 12}},
    }
    return drawn(traces, theme, title, "F1, precision and recall at every threshold", layout)


def _steps(numbers: OperatingNumbers, values: NDArray[Any], name: str, line: Part) -> Part:
    thresholds, line = numbers.points.thresholds, {"shape": "vh", **line}
    return threshold_curve(thresholds, values, thresholds[:, None], line, f"{name} %{{y:.3f}} at {AT}", name)
