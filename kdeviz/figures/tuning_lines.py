"""A sweep along one knob."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.figures.labels import spread
from kdeviz.figures.tuning_words import LOG_DENSITY, TICKS, hover, line_subtitle, line_title, ticks
from kdeviz.sweep import METRICS
from kdeviz.theme import Theme, finish
from kdeviz.views import KNOBS, LineView

__all__ = ["line_figure"]

_MOST_TICKS = 16
_APART = 0.12  # so that the intervals of two lines stand side by side


def line_figure(view: LineView, theme: Theme) -> go.Figure:
    """A metric along one knob with its intervals, one line per scaling."""
    figure = go.Figure()
    ends = []
    for line, name in enumerate(view.scalings):
        aside = _APART * (line - (len(view.scalings) - 1) / 2)
        x = np.arange(len(view.x), dtype=np.float64) + aside
        figure.add_trace(_line(view, line, x, theme))
        known = np.flatnonzero(~np.isnan(view.values[line]))
        if len(known):
            ends.append((float(x[known[-1]]), float(view.values[line][known[-1]]), name))
    _end_labels(figure, ends, _shown_range(view), theme)
    if view.best is not None and not np.isnan(view.values[view.best]):
        _best_ring(figure, view, theme)
    finish(figure, theme, line_title(view), line_subtitle(view))
    metric = METRICS[view.metric]
    unit = ", nats" if view.metric == LOG_DENSITY else ""
    positions, texts = ticks(view.across, view.x, _MOST_TICKS)
    figure.update_layout(
        xaxis={
            "title": {"text": KNOBS[view.across]},
            "tickvals": positions,
            "ticktext": texts,
            "showgrid": False,
            "zeroline": False,
            "range": [-0.5, max(len(view.x), 1) - 0.5],
        },
        yaxis={
            "title": {"text": metric.words + unit},
            "gridcolor": theme.line,
            "zeroline": False,
            "nticks": 6,
            **TICKS.get(metric.written, {}),
        },
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        uirevision="line",
        margin={"r": 56},  # for the names of the lines
    )
    return figure


def _line(view: LineView, line: int, x: NDArray[np.float64], theme: Theme) -> go.Scatter:
    values, low, high = view.values[line], view.low[line], view.high[line]
    colour, symbol = {"scale": (theme.categories[1], "circle"), "norm": (theme.categories[3], "diamond")}[
        view.scalings[line]
    ]
    return go.Scatter(
        x=x,
        y=values,
        customdata=view.rows[line],
        mode="lines+markers" if view.comparable else "markers",
        connectgaps=False,
        hovertext=[hover(view, (line, column)) for column in range(len(view.x))],
        hovertemplate="%{hovertext}<extra></extra>",
        line={"color": colour, "width": 2},
        marker={"size": 8, "symbol": symbol, "color": colour},
        error_y={
            "type": "data",
            "array": high - values,
            "arrayminus": values - low,
            "thickness": 1.2,
            "width": 0,
        },
        name=view.scalings[line],
    )


def _end_labels(
    figure: go.Figure, ends: Sequence[tuple[float, float, str]], shown: tuple[float, float], theme: Theme
) -> None:
    """The name of each line at its last point, moved apart where lines end close together."""
    low, high = shown
    heights = spread([end[1] for end in ends], 0.09 * (high - low))
    for (x, _, name), y in zip(ends, heights, strict=True):
        figure.add_annotation(
            x=x,
            y=y,
            text=html.escape(name),
            font={"size": 12.5, "color": theme.text},
            xanchor="left",
            xshift=8,
            showarrow=False,
        )


def _best_ring(figure: go.Figure, view: LineView, theme: Theme) -> None:
    assert view.best is not None
    line, column = view.best
    figure.add_trace(
        go.Scatter(
            x=[figure.data[line].x[column]],
            y=[view.values[view.best]],
            mode="markers+text",
            text=["best"],
            textposition="top center",
            textfont={"size": 12.5, "color": theme.text},
            marker={"symbol": "circle-open", "size": 16, "color": theme.text, "line": {"width": 2.5}},
            cliponaxis=False,
            hoverinfo="skip",
            name="best",
        )
    )


def _shown_range(view: LineView) -> tuple[float, float]:
    """From the lowest end of an interval to the highest."""
    drawn = np.concatenate([part.ravel() for part in (view.values, view.low, view.high)])
    finite = drawn[np.isfinite(drawn)]
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
