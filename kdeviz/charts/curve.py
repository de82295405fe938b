"""The curve from log density to probability."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.parts import bare_axis, graded_axis, scatter, threshold_line
from kdeviz.charts.score_ranges import drawn_range
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, drawn
from kdeviz.decision import Decision
from kdeviz.wording import capital, number, percent

_POINTS = 200


class CurveNumbers(NamedTuple):
    """The probability curve over the drawn log densities."""

    log_density: NDArray[Any]
    probability: NDArray[Any]
    saturated: float
    """Share of inspected samples whose probability is 0 or 1 to three digits."""
    threshold: float
    threshold_probability: float
    name: str
    """What to call the probabilities."""


def curve_numbers(decision: Decision, ends: tuple[float, float] | None = None) -> CurveNumbers:
    """The probability curve from one log density to another; over the range of the histograms if None."""
    analysis, curve, threshold = decision.analysis, decision.curve, decision.threshold
    log_density = np.linspace(*(ends or drawn_range(analysis, threshold)), _POINTS)
    probabilities = curve(analysis.scores.astype(np.float64))
    saturated = (probabilities < 0.0005) | (probabilities >= 0.9995)
    return CurveNumbers(
        log_density,
        curve(log_density),
        float(saturated.mean()),
        threshold,
        float(curve(np.array([threshold], dtype=np.float64))[0]),
        curve.name,
    )


def curve(decision: Decision, theme: Theme = NOTEBOOK) -> go.Figure:
    """The probability of being anomalous at each log density, and the threshold."""
    return draw_curve(curve_numbers(decision), theme)


def draw_curve(numbers: CurveNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    ends = [numbers.log_density[0], numbers.log_density[-1]]
    layout = {
        "xaxis": bare_axis("log density, nats · lower is more anomalous", range=ends),
        "yaxis": graded_axis(numbers.name, theme, tickformat=".0%", nticks=6, range=[-0.02, 1.04]),
        "showlegend": False,
        **threshold_line(numbers.threshold, theme),
    }
    title = f"The threshold lies at {numbers.name} {number(numbers.threshold_probability)}"
    saturated = f" · {percent(numbers.saturated)} of samples sit at 0 or 1" if numbers.saturated else ""
    subtitle = f"{capital(numbers.name)} of being anomalous{saturated}"
    return drawn([probability_line(numbers, theme)], theme, title, subtitle, layout)


def probability_line(numbers: CurveNumbers, theme: Theme) -> Part:
    """The curve, on its own or behind the histograms."""
    return scatter(
        numbers.log_density,
        numbers.probability,
        "lines",
        numbers.name,
        line={"color": theme.muted, "width": 2, "dash": "dot"},
        hovertemplate="log density %{x:.4g}<br>probability %{y:.3f}<extra></extra>",
    )
