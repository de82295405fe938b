"""The scores for people who never heard of a density: how unusual the samples are, and where the line is."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from kdeviz.charts.densities import DensitiesNumbers, densities_numbers, series_trace
from kdeviz.charts.parts import bare_axis, bars, graded_axis, note, placed, vertical_line
from kdeviz.charts.picked import PickedNumbers, picked_numbers
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, plain
from kdeviz.decision import Decision
from kdeviz.wording import count

_DIRECTIONS = ("◀ more unusual", "left"), ("more usual ▶", "right")
_WORDS = {
    "training": "normal samples it has seen",
    "scored": "samples to judge",
    "scored, normal": "known to be normal",
    "scored, anomalous": "known to be anomalous",
    "scored, not labelled": "nobody knows",
}


def plain_histogram(decision: Decision, picked: int | None = None, theme: Theme = NOTEBOOK) -> go.Figure:
    """How many samples are how unusual, and where one of them stands."""
    ringed = picked_numbers(decision, picked)
    return draw_plain_histogram(densities_numbers(decision), theme, ringed)


def draw_plain_histogram(
    numbers: DensitiesNumbers, theme: Theme, picked: PickedNumbers | None = None
) -> go.Figure:
    """The figure of these numbers."""
    traces = [_shape(name, numbers, theme) for name in numbers.counts]
    layout = {**_axes(numbers, theme), "barmode": "overlay", "bargap": 0.04}
    if picked is not None:
        named = _pointed_at(numbers.inside(picked.log_density), numbers, theme)
        layout |= {**named, "annotations": [*layout["annotations"], *named["annotations"]]}
    return plain(traces, theme, "How many samples are how unusual", layout)


def plain_line(decision: Decision, theme: Theme = NOTEBOOK) -> go.Figure:
    """What lies on each side of the threshold."""
    sides = decision.n_flagged, len(decision.flagged) - decision.n_flagged
    return draw_plain_line(densities_numbers(decision), theme, sides)


def draw_plain_line(numbers: DensitiesNumbers, theme: Theme, sides: tuple[int, int]) -> go.Figure:
    """The figure of these numbers, and of how many samples are flagged and how many are not."""
    line = numbers.threshold
    # Where the line cuts through a bar, most of the bar decides its colour.
    colours = [theme.anomalous if middle < line else theme.normal for middle in numbers.middles]
    traces = [
        {
            **bars(numbers.middles, numbers.inspected, colours, name="samples"),
            "hovertemplate": "%{y} samples<extra></extra>",
        }
    ]
    layout = {**_axes(numbers, theme, "samples"), "bargap": 0.04, "showlegend": False}
    if math.isfinite(line):
        layout |= {
            "shapes": [vertical_line(line, theme.text, 2.5)],
            "annotations": [
                *layout["annotations"],
                _side(f"◀ flagged: {count(sides[0])}", "left", theme.anomalous),
                _side(f"not flagged: {count(sides[1])} ▶", "right", theme.normal),
            ],
        }
    return plain(traces, theme, f"The line, with {count(sides[0])} samples flagged below it", layout)


def _side(words: str, side: str, colour: str) -> Part:
    """Above one end of the chart: beside the line there may be no room."""
    above = {**placed("x", float(side == "right"), side, "x domain"), **placed("y", 1, "bottom", "y domain")}
    return {"text": words, "font": {"color": colour, "size": 14}, "showarrow": False, **above}


def _pointed_at(x: float, numbers: DensitiesNumbers, theme: Theme) -> Part:
    """A line at the sample's score, and words beside it: on the left, unless there is no room."""
    low, high = float(numbers.edges[0]), float(numbers.edges[-1])
    side = "left" if (x - low) / (high - low) < 0.2 else "right"
    beside = {**placed("x", x, side), **placed("y", 1, "top", "y domain")}
    return {
        "shapes": [vertical_line(x, theme.text, 2, "solid")],
        "annotations": [note("this sample", theme, 14, **beside, xshift=6 if side == "left" else -6)],
    }


def _axes(numbers: DensitiesNumbers, theme: Theme, y: str = "share of each kind") -> Part:
    ends = [numbers.edges[0], numbers.edges[-1]]
    across: Part = {"tickformat": ".0%"}
    if y == "samples":
        across = {"tickformat": "~s", **({"dtick": 1} if numbers.few else {})}
    return {
        "xaxis": bare_axis("", range=ends, showticklabels=False, fixedrange=True),
        "yaxis": graded_axis(y, theme, **across, rangemode="tozero", nticks=4, fixedrange=True),
        "annotations": [_direction(words, side, theme) for words, side in _DIRECTIONS],
        "margin": {"t": 34, "l": 4, "r": 4, "b": 30},
    }


def _direction(words: str, side: str, theme: Theme) -> Part:
    """Below one end of the x axis."""
    below = {**placed("x", float(side == "right"), side, "x domain"), **placed("y", 0, "top", "y domain")}
    return note(words, theme, 13, yshift=-4, **below)


def _shape(name: str, numbers: DensitiesNumbers, theme: Theme) -> Part:
    words = _WORDS[name]
    shown = f"{words} ({count(numbers.sizes[name])})"
    return series_trace(name, numbers, theme, shown, f"%{{customdata}} {words}", 0.4, 2.5)
