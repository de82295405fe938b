"""One sample for people who never heard of a density: its measurements, and what is usual for each."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.parts import note, placed, scatter, short, ticks
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, faint, plain
from kdeviz.decision import Decision
from kdeviz.explain import usual_range
from kdeviz.wording import number

_MOST = 6
_FARTHEST = 30.0
_DIGIT = 6.9  # pixels of a character


class PlainFeaturesNumbers(NamedTuple):
    """The F features of one sample that lie farthest from what is usual, the farthest first."""

    features: NDArray[np.int64]
    """(F,) which ones."""
    names: tuple[str, ...]
    values: NDArray[np.float64]
    """(F,)"""
    low: NDArray[np.float64]
    """(F,) lower end of what is usual."""
    high: NDArray[np.float64]
    places: NDArray[np.float64]
    """(F,) the usual being from -1 to 1."""

    @property
    def drawn(self) -> NDArray[np.float64]:
        """(F,) places, those too far away at the edge."""
        return np.clip(self.places, -_FARTHEST, _FARTHEST)

    @property
    def ends(self) -> list[float]:
        """Of the axis, with room for every drawn place."""
        drawn = self.drawn
        return [min(-1.5, float(drawn.min(initial=0)) - 0.5), max(1.5, float(drawn.max(initial=0)) + 0.5)]

    @property
    def usual(self) -> list[bool]:
        """F of them: whether this one is."""
        return [bool(abs(place) <= 1) for place in self.places]


def plain_features_numbers(decision: Decision, row: int) -> PlainFeaturesNumbers:
    """The features of one inspected row; those that are the same in the training rows are left out."""
    analysis = decision.analysis
    low, high = usual_range(analysis)
    values = np.asarray(analysis.inspected.features[row], dtype=np.float64)
    half = (high - low) / 2
    places = np.divide(values - (low + high) / 2, half, out=np.zeros_like(values), where=half > 0)
    chosen = np.argsort(-np.abs(places), kind="stable")[:_MOST]
    chosen = chosen[half[chosen] > 0]
    names = tuple(analysis.inspected.feature_name(int(feature)) for feature in chosen)
    return PlainFeaturesNumbers(chosen, names, values[chosen], low[chosen], high[chosen], places[chosen])


def plain_features(decision: Decision, row: int, theme: Theme = NOTEBOOK) -> go.Figure:
    """The measurements of one inspected row; see `plain_features_numbers`."""
    return draw_plain_features(plain_features_numbers(decision, row), theme)


def draw_plain_features(numbers: PlainFeaturesNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    names, words, drawn = ticks(numbers.names), _words(numbers), numbers.drawn.tolist()
    rows = list(range(len(names)))
    colours = [theme.normal if usual else theme.anomalous for usual in numbers.usual]
    marker = {"size": 13, "color": colours, "symbol": "diamond"}
    points = scatter(drawn, rows, "markers", "this sample", marker=marker, hoverinfo="skip", cliponaxis=False)
    layout = {
        "xaxis": _across(numbers.ends),
        "yaxis": {
            "tickvals": rows,
            "ticktext": names,
            "range": [len(names) - 0.4, -0.6],
            "showgrid": False,
            "zeroline": False,
            "tickfont": {"color": theme.text, "size": 13},
            "fixedrange": True,
        },
        "shapes": [_usual(theme), *map(partial(_way, theme), rows, drawn)],
        "showlegend": False,
        "annotations": [
            note(text, theme, 13, **placed("x", 1.01, "left", "paper"), **placed("y", row, "middle"))
            for row, text in enumerate(words)
        ],
        "margin": {"t": 8, "l": 4, "b": 4, "r": 16 + round(_DIGIT * max(map(len, words), default=0))},
    }
    first = short(numbers.names[0], 120) if names else ""
    title = f"{first} lies farthest from what is usual: {words[0]}" if names else "No measurement varies"
    return plain([points], theme, title, layout)


def _words(numbers: PlainFeaturesNumbers) -> list[str]:
    return [
        f"{number(value)}, usually {number(low)} to {number(high)}"
        for value, low, high in zip(numbers.values, numbers.low, numbers.high, strict=True)
    ]


def _across(ends: list[float]) -> Part:
    shown = {"tickvals": [0], "ticktext": ["usual: 9 in 10 normal samples"], "fixedrange": True}
    return {"range": ends, **shown, "showgrid": False, "zeroline": False}


def _usual(theme: Theme) -> Part:
    """A band where it is usual."""
    band = {"x0": -1, "x1": 1, "y0": 0, "y1": 1, "xref": "x", "yref": "y domain"}
    return {
        "type": "rect",
        **band,
        "fillcolor": faint(theme.normal, 0.25),
        "line": {"width": 0},
        "layer": "below",
    }


def _way(theme: Theme, row: int, place: float) -> Part:
    """From the band to the sample."""
    ends = {"x0": min(max(place, -1), 1), "x1": place, "y0": row, "y1": row, "xref": "x", "yref": "y"}
    return {"type": "line", **ends, "line": {"color": theme.anomalous, "width": 3}, "layer": "below"}
