"""How usual the samples of a selection are, beside all others."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.parts import bare_axis, bars, graded_axis, scatter, threshold_line
from kdeviz.charts.score_ranges import drawn_range
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, drawn, faint
from kdeviz.decision import Decision, Mask
from kdeviz.wording import count, number

_BINS = 40


class SelectionScoresNumbers(NamedTuple):
    """Log densities of the samples selected and of the others, in common bins."""

    edges: NDArray[np.float64]
    """(B + 1,) nats; samples beyond either end are counted in the outermost bins."""
    counts: dict[str, NDArray[np.int64]]
    """Per side, B counts: of the samples "selected" and of "all others"."""
    medians: dict[str, float]
    """Per side; NaN for one without samples."""
    threshold: float

    @property
    def middles(self) -> NDArray[np.float64]:
        """(B,) of the bins."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    @property
    def sizes(self) -> dict[str, int]:
        """Per side, how many samples there are."""
        return {name: int(counts.sum()) for name, counts in self.counts.items()}

    @property
    def shares(self) -> dict[str, NDArray[np.float64]]:
        """Per side, B shares of its samples."""
        return {name: counts / max(self.sizes[name], 1) for name, counts in self.counts.items()}

    @property
    def flagged(self) -> NDArray[np.bool_]:
        """(B,) True for the bins whose middle is below the threshold."""
        below: NDArray[np.bool_] = self.middles < self.threshold
        return below


def selection_scores_numbers(decision: Decision, selected: Mask, bins: int = _BINS) -> SelectionScoresNumbers:
    """Log densities of a selection (M,) and of the other samples."""
    scores = decision.analysis.scores
    edges = _edges(decision, bins)
    sides = {"selected": scores[selected], "all others": scores[~selected]}
    return SelectionScoresNumbers(
        edges=edges,
        counts={
            name: np.histogram(np.clip(side, edges[0], edges[-1]), edges)[0] for name, side in sides.items()
        },
        medians={name: float(np.median(side)) if len(side) else math.nan for name, side in sides.items()},
        threshold=decision.threshold,
    )


def _edges(decision: Decision, bins: int) -> NDArray[np.float64]:
    """About so many bins, of which the threshold parts two, so that none holds both flagged and others."""
    low, high = drawn_range(decision.analysis, decision.threshold)
    if not np.isfinite(decision.threshold):
        return np.linspace(low, high, bins + 1)
    width = (high - low) / bins
    left = math.ceil((decision.threshold - low) / width)
    right = math.ceil((high - decision.threshold) / width)
    return np.float64(decision.threshold) + width * np.arange(-left, right + 1, dtype=np.float64)


def selection_scores(decision: Decision, selected: Mask, theme: Theme = NOTEBOOK) -> go.Figure:
    """A small histogram of log density: bars for a selection (M,), a line for the other samples."""
    return draw_selection_scores(selection_scores_numbers(decision, selected), theme)


def draw_selection_scores(numbers: SelectionScoresNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers; bars have the colour of the side of the threshold that they are on."""
    colours = [faint(theme.anomalous if low else theme.normal, 0.75) for low in numbers.flagged]
    line = {"color": theme.muted, "width": 1.8, "shape": "hvh"}
    x, (selected, others) = numbers.middles, numbers.shares.values()
    traces = [
        bars(x, selected, colours, **_named("selected", numbers)),
        scatter(x, others, "lines", **_named("all others", numbers), line=line),
    ]
    layout = {
        "bargap": 0,
        "xaxis": bare_axis("log density, nats · lower is more anomalous"),
        "yaxis": graded_axis("share of each", theme, tickformat=".0%", rangemode="tozero", nticks=4),
        "showlegend": False,
        **threshold_line(numbers.threshold, theme),
    }
    return drawn(traces, theme, _title(numbers), "Bars: selected · line: all others", layout)


def _title(numbers: SelectionScoresNumbers) -> str:
    here, there = numbers.medians.values()
    if not math.isfinite(there):
        return f"Median {number(here)}"
    return f"Median {number(here)}, of the others {number(there)}"


def _named(name: str, numbers: SelectionScoresNumbers) -> Part:
    hover = f"{name}: %{{customdata}} of {count(numbers.sizes[name])}<br>log density near %{{x:.4g}}"
    return {"name": name, "customdata": numbers.counts[name], "hovertemplate": f"{hover}<extra></extra>"}
