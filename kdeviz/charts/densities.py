"""Histograms of log density, with the threshold and the probability curve."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.charts.curve import CurveNumbers, curve_numbers, probability_line
from kdeviz.charts.parts import (
    bare_axis,
    bars,
    graded_axis,
    hovered,
    ring,
    scatter,
    share_axis,
    threshold_line,
)
from kdeviz.charts.picked import PickedNumbers, picked_numbers
from kdeviz.charts.score_ranges import drawn_range
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, drawn, faint
from kdeviz.data import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.decision import Decision
from kdeviz.wording import count, number, percent

_BINS = 48


class DensitiesNumbers(NamedTuple):
    """Log densities in common bins."""

    edges: NDArray[np.float64]
    """(B + 1,) nats; samples beyond either end are counted in the outermost bins."""
    counts: dict[str, NDArray[np.int64]]
    """Per series, B counts. The first is the training samples, where some were held out."""
    sizes: dict[str, int]
    threshold: float
    alarm_rate: float | None
    """Share of training samples below the threshold; None where none of them was held out."""
    below_range: int
    """Samples further left than the drawn range."""

    @property
    def middles(self) -> NDArray[np.float64]:
        """(B,) of the bins."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    @property
    def shares(self) -> dict[str, NDArray[np.float64]]:
        """Per series, B shares of its samples."""
        return {name: counts / max(self.sizes[name], 1) for name, counts in self.counts.items()}

    @property
    def inspected(self) -> NDArray[np.int64]:
        """(B,) inspected samples of every kind; training samples where those are what is inspected."""
        others = [counts for name, counts in self.counts.items() if name != "training"]
        total: NDArray[np.int64] = np.sum(others or [self.counts["training"]], axis=0)
        return total

    @property
    def few(self) -> bool:
        """Whether no bar of inspected samples has more than three: an axis would show halves of them."""
        return int(self.inspected.max()) < 4

    def inside(self, log_density: float) -> float:
        """The nearest log density that is drawn."""
        return float(np.clip(log_density, self.edges[0], self.edges[-1]))


def densities_numbers(decision: Decision, bins: int = _BINS) -> DensitiesNumbers:
    """Training (held-out) and inspected log densities in common bins.

    The range covers the bulk of the training scores, eight times over to the left; a tail further out is
    counted in the first bin, and `below_range` says how many samples that hides.
    """
    rate = decision.expected_alarms.known_rate
    return _histograms(decision.analysis, decision.threshold, rate, bins)


@cached
def _histograms(analysis: Analysis, threshold: float, rate: float | None, bins: int) -> DensitiesNumbers:
    inspected = _inspected_series(analysis)
    training = {"training": analysis.held_out_scores} if analysis.calibrated else {}
    series = {**training, **inspected}
    # Inspected training samples are in two series, and still one sample each.
    samples = inspected if inspected and analysis.inspects_training else series
    edges = np.linspace(*drawn_range(analysis, threshold), bins + 1)
    inside = {name: np.clip(scores, edges[0], edges[-1]) for name, scores in series.items()}
    return DensitiesNumbers(
        edges=edges,
        counts={name: np.histogram(scores, edges)[0] for name, scores in inside.items()},
        sizes={name: len(scores) for name, scores in series.items()},
        threshold=threshold,
        alarm_rate=rate,
        below_range=int(sum((scores < edges[0]).sum() for scores in samples.values())),
    )


def _inspected_series(analysis: Analysis) -> dict[str, NDArray[Any]]:
    labels = analysis.inspected.labels
    if labels is None and analysis.scores_training and analysis.calibrated:
        return {}
    if labels is None:
        return {"scored": analysis.scores}
    names = {NORMAL: "scored, normal", ANOMALOUS: "scored, anomalous", UNKNOWN: "scored, not labelled"}
    split = {name: analysis.scores[labels == label] for label, name in names.items()}
    return {name: scores for name, scores in split.items() if len(scores)}


# --- the picture


def densities(
    decision: Decision,
    picked: int | None = None,
    theme: Theme = NOTEBOOK,
    neighbour: int | None = None,
) -> go.Figure:
    """Histograms of log density as shares of each group, the threshold, and the probability curve.

    Ringed is the inspected row that is `picked`, or in its place the training row `neighbour`.
    """
    ringed = picked_numbers(decision, picked, neighbour)
    return draw_densities(densities_numbers(decision), theme, curve_numbers(decision), ringed)


def draw_densities(
    numbers: DensitiesNumbers,
    theme: Theme,
    curve: CurveNumbers | None = None,
    picked: PickedNumbers | None = None,
) -> go.Figure:
    """The figure of these numbers; without a curve it has no second axis."""
    traces = [_histogram(name, numbers, theme) for name in numbers.counts]
    if curve is not None:
        traces.append({**probability_line(curve, theme), "yaxis": "y2"})
    if picked is not None and math.isfinite(picked.log_density):
        traces.append(_ring(picked, numbers, theme))
    ends = [numbers.edges[0], numbers.edges[-1]]
    layout = {
        "barmode": "overlay",
        "bargap": 0,
        "xaxis": bare_axis("log density, nats · lower is more anomalous", range=ends),
        "yaxis": graded_axis("share of group", theme, tickformat=".0%", rangemode="tozero", nticks=5),
        "yaxis2": {
            **share_axis("probability" if curve is None else curve.name),
            "visible": curve is not None,
        },
        "legend": {"orientation": "h", "x": -0.1, "y": -0.36, "yanchor": "top", "font": {"size": 11.5}},
        "margin": {"r": 56},
        **threshold_line(numbers.threshold, theme),
    }
    title = "No training sample was held out"
    if numbers.alarm_rate is not None:
        title = f"{percent(numbers.alarm_rate)} of training samples fall below the threshold"
    return drawn(traces, theme, title, _subtitle(numbers, curve), layout)


def _subtitle(numbers: DensitiesNumbers, curve: CurveNumbers | None) -> str:
    parts = ["Log density"]
    if curve is not None and curve.saturated:
        parts.append(f"{percent(curve.saturated)} of samples sit at probability 0 or 1")
    if numbers.below_range:
        parts.append(f"{count(numbers.below_range)} further left counted in the first bar")
    return " · ".join(parts)


def _histogram(name: str, numbers: DensitiesNumbers, theme: Theme) -> Part:
    size = count(numbers.sizes[name])
    hover = f"{name}: %{{customdata}} of {size}<br>log density near %{{x:.4g}}"
    return series_trace(name, numbers, theme, f"{name} ({size})", hover, 0.35, 2.2)


def series_trace(
    name: str, numbers: DensitiesNumbers, theme: Theme, shown: str, hover: str, opacity: float, width: float
) -> Part:
    """Bars of some opacity for the training samples, lines of some width for what is compared with them."""
    x, y = numbers.middles, numbers.shares[name]
    told = {"customdata": numbers.counts[name], "hovertemplate": f"{hover}<extra></extra>"}
    if name == "training":
        return bars(x, y, faint(theme.normal, opacity), name=shown, **told)
    colour = theme.anomalous if name.endswith("anomalous") else theme.normal
    colour = theme.muted if name.endswith("not labelled") else colour
    line = {"color": colour, "width": width, "shape": "hvh"}
    return scatter(x, y, "lines", shown, line=line, fill="tozeroy", fillcolor=faint(colour, 0.12), **told)


def _ring(picked: PickedNumbers, numbers: DensitiesNumbers, theme: Theme) -> Part:
    return scatter(
        [numbers.inside(picked.log_density)],
        [picked.probability],
        "markers",
        "picked",
        cliponaxis=False,
        yaxis="y2",
        showlegend=False,
        marker=ring(16, theme),
        text=[hovered(picked.name)],
        hovertemplate=f"%{{text}}: {number(picked.log_density, 4)} nats<extra></extra>",
    )
