"""Two models on the same samples: where these lie among the training samples of each."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.parts import bare_axis, bars, graded_axis, horizontal_line, note, placed
from kdeviz.charts.theme import NOTEBOOK, SIDES, Part, Theme, drawn, faint, side_colours
from kdeviz.comparison import Comparison
from kdeviz.wording import count, percent

_EVEN = {
    False: "normal samples alone would spread evenly",
    True: "these are the training samples:<br>they spread evenly by themselves",
}


class PercentilesNumbers(NamedTuple):
    """How the common samples spread over the percentiles of each model's training samples, in B bins."""

    edges: NDArray[np.float64]
    """(B + 1,) from 0 to 100."""
    counts: tuple[NDArray[np.int64], NDArray[np.int64]]
    """(B,) samples by the first, and by the second."""
    below: tuple[float, float]
    """Share of the samples below percentile 1."""
    total: int
    """Common samples."""
    of_training: bool
    """Whether they spread evenly by construction, see `Comparison.of_training`."""

    @property
    def middles(self) -> NDArray[np.float64]:
        """(B,) of the bins."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    @property
    def shares(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(B,) of the samples, by each."""
        return self.counts[0] / self.total, self.counts[1] / self.total

    @property
    def even(self) -> float:
        """The share of each bin if the samples spread evenly, as normal ones do."""
        return 1 / len(self.counts[0])


def percentiles_numbers(comparison: Comparison, bins: int = 20) -> PercentilesNumbers:
    """The histograms of both."""
    edges = np.linspace(0, 100, bins + 1)
    first, second = (np.histogram(place, edges)[0] for place in comparison.percentiles)
    below, total = shares_below(comparison), len(comparison.ids)
    return PercentilesNumbers(edges, (first, second), below, total, comparison.of_training)


def shares_below(comparison: Comparison, percentile: float = 1.0) -> tuple[float, float]:
    """Share of the common samples below a percentile (0 to 100) of each one's training samples."""
    first, second = comparison.percentiles
    return float((first < percentile).mean()), float((second < percentile).mean())


# --- the picture


def percentiles(comparison: Comparison, theme: Theme = NOTEBOOK) -> go.Figure:
    """Where the common samples lie among the training samples of each of the two."""
    return draw_percentiles(percentiles_numbers(comparison), theme)


def draw_percentiles(numbers: PercentilesNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    even = {**placed("x", 1, "right", "x domain"), **placed("y", numbers.even, "bottom")}
    words, top = _EVEN[numbers.of_training], max(numbers.even, *map(max, numbers.shares))
    layout = {
        "barmode": "group",
        "bargap": 0.18,
        "bargroupgap": 0,
        "xaxis": bare_axis("percentile · 0 is more anomalous than all of them", range=[0, 100], dtick=20),
        "yaxis": graded_axis("share of samples", theme, tickformat="~%", range=[0, 1.15 * top], nticks=5),
        "shapes": [horizontal_line(numbers.even, theme.muted, 1.2, "dot")],
        "annotations": [note(words, theme, 12, bgcolor=faint(theme.paper, 0.8), **even)],
        "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
        "margin": {"t": 88},
    }
    traces = [_bars(numbers, side, colour) for side, colour in enumerate(side_colours(theme))]
    subtitle = f"{count(numbers.total)} samples by their place among the training samples of each"
    return drawn(traces, theme, _title(numbers), subtitle, layout)


def _bars(numbers: PercentilesNumbers, side: int, colour: str) -> Part:
    name = SIDES[side]
    return bars(
        numbers.middles,
        numbers.shares[side],
        colour,
        customdata=numbers.counts[side],
        hovertext=[f"{low:g} to {high:g}" for low, high in pairwise(numbers.edges)],
        name=f"the {name}",
        hovertemplate=f"percentile %{{hovertext}} by the {name}:<br>%{{customdata}} of "
        f"{count(numbers.total)} samples<extra></extra>",
    )


def _title(numbers: PercentilesNumbers) -> str:
    first, second = map(percent, numbers.below)
    if first == second:
        return f"Below percentile 1: {first} by either"
    return f"Below percentile 1: {first} by the first, {second} by the second"
