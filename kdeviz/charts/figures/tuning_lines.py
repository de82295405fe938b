"""A sweep along one knob."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import plotly.graph_objects as go

from kdeviz.charts.figures.parts import bare_axis, end_labels, graded_axis, interval, ring
from kdeviz.charts.figures.tuning_words import LOG_DENSITY, TICKS, hover, line_subtitle, line_title, ticks
from kdeviz.charts.theme import Part, Theme, drawn
from kdeviz.charts.views.tuning import KNOBS, LineView
from kdeviz.sweep import METRICS

_MOST_TICKS = 16
_APART = 0.12  # so that the intervals of two lines stand side by side


def line_figure(view: LineView, theme: Theme) -> go.Figure:
    """A metric along one knob with its intervals, one line per scaling."""
    lines = [_line(view, line, theme) for line in range(len(view.scalings))]
    best = _best_ring(view, lines, theme)
    metric = METRICS[view.metric]
    unit = ", nats" if view.metric == LOG_DENSITY else ""
    positions, texts = ticks(view.across, view.x, _MOST_TICKS)
    low, high = _shown_range(view)
    layout = {
        "xaxis": bare_axis(
            KNOBS[view.across],
            tickvals=positions,
            ticktext=texts,
            range=[-0.5, max(len(view.x), 1) - 0.5],
        ),
        "yaxis": graded_axis(metric.words + unit, theme, nticks=6, **TICKS.get(metric.written, {})),
        "annotations": end_labels(list(_ends(lines)), 0.09 * (high - low), 8, theme),
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": False,
        "margin": {"r": 56},  # for the names of the lines
    }
    return drawn([*lines, *best], theme, line_title(view), line_subtitle(view), layout)


def _line(view: LineView, line: int, theme: Theme) -> Part:
    values, low, high = view.values[line], view.low[line], view.high[line]
    colour, symbol = {"scale": (theme.categories[1], "circle"), "norm": (theme.categories[3], "diamond")}[
        view.scalings[line]
    ]
    return {
        "type": "scatter",
        "x": np.arange(len(view.x)) + _APART * (line - (len(view.scalings) - 1) / 2),
        "y": values,
        "customdata": view.rows[line],
        "mode": "lines+markers" if view.comparable else "markers",
        "connectgaps": False,
        "hovertext": [hover(view, (line, column)) for column in range(len(view.x))],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "line": {"color": colour, "width": 2},
        "marker": {"size": 8, "symbol": symbol, "color": colour},
        "error_y": interval(values, low, high),
        "name": view.scalings[line],
    }


def _ends(lines: Sequence[Part]) -> Iterator[tuple[float, float, str]]:
    """The last point of each line that has one, and the line's name."""
    for line in lines:
        known = np.flatnonzero(~np.isnan(line["y"]))
        if len(known):
            yield float(line["x"][known[-1]]), float(line["y"][known[-1]]), line["name"]


def _best_ring(view: LineView, lines: Sequence[Part], theme: Theme) -> list[Part]:
    """Round the best of all, with the word; nothing if it is not shown."""
    if view.best is None or np.isnan(view.values[view.best]):
        return []
    line, column = view.best
    return [
        {
            "type": "scatter",
            "x": [lines[line]["x"][column]],
            "y": [view.values[view.best]],
            "mode": "markers+text",
            "text": ["best"],
            "textposition": "top center",
            "textfont": {"size": 12.5, "color": theme.text},
            "marker": ring(16, theme),
            "cliponaxis": False,
            "hoverinfo": "skip",
            "name": "best",
        }
    ]


def _shown_range(view: LineView) -> tuple[float, float]:
    """From the lowest end of an interval to the highest."""
    drawn = np.concatenate([part.ravel() for part in (view.values, view.low, view.high)])
    finite = drawn[np.isfinite(drawn)]
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
