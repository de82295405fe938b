"""Reliability: how often samples were anomalous that were given about the same probability."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from kdeviz.analysis import Analysis, cached
from kdeviz.charts.operating import MANNERS
from kdeviz.charts.parts import dotted_line, interval, rate_axes, scatter
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, drawn
from kdeviz.data import UNKNOWN
from kdeviz.decision import Decision, PlattFit, Reliability, platt
from kdeviz.model import ProbabilityCurve
from kdeviz.wording import number


def reliability_numbers(decision: Decision) -> PlattFit:
    """The curve that fits the labels, and how reliable the present one and that one are; see `platt`.

    Raises:
        DataError: there are too few labels, or they contradict the scores.
    """
    return _fitted(decision.analysis, decision.curve)


@cached
def _fitted(analysis: Analysis, curve: ProbabilityCurve) -> PlattFit:
    labels = analysis.inspected.labels
    unknown = np.full(len(analysis.scores), UNKNOWN, np.int8)
    return platt(analysis.scores, unknown if labels is None else labels, before=curve)


def reliability(decision: Decision, theme: Theme = NOTEBOOK) -> go.Figure:
    """How reliable the probabilities are, of the present curve and of one fitted to the labels.

    Raises:
        DataError: there are too few labels, or they contradict the scores.
    """
    return draw_reliability(reliability_numbers(decision), theme)


def draw_reliability(numbers: PlattFit, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    traces = [
        {**dotted_line([0, 1], [0, 1], "guessing", theme), "showlegend": False},
        _bins(numbers.reliability_before, "present curve", theme.muted),
        _bins(numbers.reliability_after, "fitted to the labels", theme.normal),
    ]
    before, after = number(numbers.brier_before), number(numbers.brier_after)
    title = f"Fitting does not lower the probability error, {before}"
    if numbers.brier_after < numbers.brier_before and after != before:
        title = f"Fitting lowers the probability error from {before} to {after}"
    layout = {
        **MANNERS,
        **rate_axes("probability given", "share that was anomalous", theme),
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "font": {"size": 12}},
    }
    subtitle = "Reliability · on the dotted line, probabilities mean what they say"
    return drawn(traces, theme, title, subtitle, layout)


def _bins(numbers: Reliability, name: str, colour: str) -> Part:
    return scatter(
        numbers.mean_prediction,
        numbers.observed,
        "lines+markers",
        name,
        customdata=numbers.counts,
        error_y=interval(numbers.observed, numbers.low, numbers.high),
        line={"color": colour, "width": 2},
        marker={"size": 7},
        hovertemplate=f"{name}: %{{y:.1%}} of %{{customdata}} samples anomalous<br>"
        "said %{x:.1%}<extra></extra>",
    )
