"""Estimated against true log density, for made-up data whose true density is known."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.charts.parts import dotted_line, graded_axis, hovered, ring, scatter
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, drawn
from kdeviz.charts.thinning import crowd_of, thinned
from kdeviz.data import ANOMALOUS
from kdeviz.decision import Decision, auroc, has_both_labels
from kdeviz.errors import DataError
from kdeviz.model import KDEClassifier
from kdeviz.wording import count, number

_MOST_POINTS = 2000
_MOST_PAIRED = 50_000


class TruthNumbers(NamedTuple):
    """S samples whose true log density is known."""

    rows: NDArray[np.int64]
    """(S,) which inspected rows they are."""
    true: NDArray[np.float64]
    """(S,) nats, of the features."""
    estimated: NDArray[np.float64]
    """(S,) nats: of the features too if `comparable`, otherwise of what the model looks at."""
    anomalous: NDArray[np.bool_]
    """(S,) True for samples labelled anomalous, or flagged where there are no labels."""
    comparable: bool
    """Whether the model looks at every direction and at lengths, so that both are densities of one thing."""
    factor: float
    """How far off the estimate typically is: half of the samples not `anomalous` are nearer to the truth; NaN
    unless `comparable`."""
    in_order: float
    """Share of pairs of samples that the estimate puts in their true order."""
    separation: tuple[float, float] | None
    """AUROC of the estimate and of the truth itself, which no model beats but by chance where anomalies are
    spread evenly; None without labels of both kinds."""
    looked_at: str
    """What the model looks at where that is not everything, in words."""

    @property
    def ranges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Of both axes: the usual samples, and as much room again below; the others stand at the edge."""
        usual = ~self.anomalous if not self.anomalous.all() else self.anomalous
        both = self.true[usual], self.estimated[usual]
        ranges = [_with_room(float(side.min()), float(side.max())) for side in both]
        if self.comparable:
            ranges = [(min(low for low, _ in ranges), max(high for _, high in ranges))] * 2
        return ranges[0], ranges[1]

    @property
    def places(self) -> NDArray[np.float64]:
        """(S, 2) where each is drawn: true and estimated log density, within the ranges."""
        across, up = self.ranges
        return np.column_stack([np.clip(self.true, *across), np.clip(self.estimated, *up)])

    @property
    def pairs(self) -> NDArray[np.float64]:
        """(S, 2) estimated and true log density of each, wherever it is drawn."""
        return np.column_stack([self.estimated, self.true])

    def chosen(self, picked: int | None) -> NDArray[np.int64]:
        """Which of the S are drawn: with many, all anomalous, this inspected row, and some of the others."""
        return thinned(crowd_of(self.places), self.anomalous | (self.rows == picked), _MOST_POINTS)


def truth_numbers(decision: Decision) -> TruthNumbers:
    """How the estimate compares with the truth that the file of the inspected samples tells.

    The model estimates the density of scaled PCA scores. Where it keeps every direction and lengths, the
    density of the features is that times the constant volume of the change of coordinates.

    Raises:
        DataError: the file does not tell the true log density of two samples or more.
    """
    analysis = decision.analysis
    flagged = None if decision.labelled else decision.flagged.tobytes()
    return _numbers(analysis, flagged)


@cached
def _numbers(analysis: Analysis, flagged: bytes | None) -> TruthNumbers:
    truth = analysis.inspected.true_log_density
    rows = np.empty(0, np.int64) if truth is None else np.flatnonzero(np.isfinite(truth))
    if truth is None or len(rows) < 2:
        raise DataError("the file does not say how dense the samples truly lie: no column “true log density”")
    labels, classifier = analysis.inspected.labels, analysis.classifier
    anomalous = np.frombuffer(flagged, bool) if flagged is not None else np.asarray(labels) == ANOMALOUS
    true, anomalous = truth[rows], anomalous[rows]
    volume = feature_volume(classifier)
    estimated = analysis.scores[rows].astype(np.float64) + (volume or 0.0)
    gaps = np.abs(estimated - true)[~anomalous]
    separation = None
    if labels is not None and has_both_labels(labels[rows]):
        separation = auroc(estimated, labels[rows]), auroc(true, labels[rows])
    return TruthNumbers(
        rows=rows,
        true=true,
        estimated=estimated,
        anomalous=anomalous,
        comparable=volume is not None,
        factor=math.exp(np.median(gaps)) if volume is not None and len(gaps) else math.nan,
        in_order=_in_order(true, estimated),
        separation=separation,
        looked_at=_looked_at(classifier),
    )


def feature_volume(classifier: KDEClassifier) -> float | None:
    """What to add to this model's log density, in nats, for that of the features; None where that is unknown.

    It is log |d z / d x| for scaled scores z = (x - m) diag(w) V / L: the axes V are orthonormal. Where the
    model drops directions or lengths, the density of the features does not follow from its own.
    """
    pca = classifier.pca_model
    if classifier.n_components_ < len(pca.mean) or not classifier.settings.scaling.is_unit:
        return None
    scaled = classifier.settings.scaling.log_volume(classifier.n_components_, classifier.max_length)
    return scaled + float(pca.weights.double().log().sum())


def _looked_at(classifier: KDEClassifier) -> str:
    kept, every = classifier.n_components_, len(classifier.pca_model.mean)
    if kept < every:
        return f"{count(kept)} of {count(every)} directions"
    return "" if classifier.settings.scaling.is_unit else "directions without lengths"


def _in_order(true: NDArray[np.float64], estimated: NDArray[np.float64]) -> float:
    """Share of pairs, ties counted half, by Kendall's tau; of evenly chosen samples where there are many."""
    from scipy.stats import kendalltau  # slow to import

    some = np.unique(np.linspace(0, len(true) - 1, min(len(true), _MOST_PAIRED)).astype(np.int64))
    tau = kendalltau(true[some], estimated[some]).statistic
    return 0.5 if math.isnan(tau) else (1 + float(tau)) / 2


def _with_room(low: float, high: float) -> tuple[float, float]:
    spread = high - low or 1.0
    return low - spread, high + 0.05 * spread


# --- the picture


def truth(decision: Decision, picked: int | None = None, theme: Theme = NOTEBOOK) -> go.Figure:
    """Estimated against true log density of each sample; the inspected row that is `picked` is ringed.

    Raises:
        DataError: the file does not tell the true log density.
    """
    names = decision.analysis.inspected.ids
    return draw_truth(truth_numbers(decision), theme, names, picked, decision.labelled)


def draw_truth(
    numbers: TruthNumbers, theme: Theme, names: NDArray[np.str_], picked: int | None, labelled: bool
) -> go.Figure:
    """The figure of these numbers, with the names of all inspected samples."""
    (across, up), places, chosen = numbers.ranges, numbers.places, numbers.chosen(picked)
    groups = ("normal", "anomalous") if labelled else ("not flagged", "flagged")
    colours = (theme.normal, theme.anomalous)
    traces = [
        _points(numbers, places, chosen[numbers.anomalous[chosen] == side], names, name, colour)
        for side, (name, colour) in enumerate(zip(groups, colours, strict=True))
    ]
    if numbers.comparable:
        traces.insert(0, {**dotted_line(across, across, "the truth", theme), "showlegend": False})
    traces += [_ring(place, theme) for place in places[numbers.rows == picked]]
    what = f" of {numbers.looked_at}" if numbers.looked_at else ""
    layout = {
        "xaxis": graded_axis("true log density, nats", theme, range=list(across), nticks=7),
        "yaxis": graded_axis(f"estimated{what}, nats", theme, range=list(up), nticks=7),
        "legend": {"x": 0.01, "y": 0.99, "yanchor": "top", "font": {"size": 12}},
    }
    return drawn(traces, theme, title_words(numbers), subtitle_words(numbers), layout)


def title_words(numbers: TruthNumbers) -> str:
    """How far estimate and truth differ, in a sentence."""
    if math.isfinite(numbers.factor):
        return f"The estimate is typically off by a factor of {number(numbers.factor)}"
    return f"{number(100 * numbers.in_order, 2)} of 100 pairs of samples are in their true order"


def subtitle_words(numbers: TruthNumbers) -> str:
    """What else is known of the difference."""
    parts = [f"{count(len(numbers.rows))} samples"]
    if numbers.comparable:
        parts.append(f"{number(100 * numbers.in_order, 2)} of 100 pairs in their true order")
    else:
        parts.append(f"the model sees {numbers.looked_at}, so only the order compares")
    if numbers.separation is not None:
        ours, best = map(number, numbers.separation)
        parts.append(f"AUROC {ours}, by the truth {best}")
    return " · ".join(parts)


def _points(
    numbers: TruthNumbers,
    places: NDArray[np.float64],
    chosen: NDArray[np.int64],
    names: NDArray[np.str_],
    name: str,
    colour: str,
) -> Part:
    return scatter(
        places[chosen, 0],
        places[chosen, 1],
        "markers",
        name,
        cliponaxis=False,
        customdata=numbers.pairs[chosen],
        text=[hovered(str(names[row])) for row in numbers.rows[chosen]],
        marker={"color": colour, "size": 5, "opacity": 0.7},
        hovertemplate="%{text}<br>estimated %{customdata[0]:.4g}, true %{customdata[1]:.4g}<extra></extra>",
    )


def _ring(at: NDArray[np.float64], theme: Theme) -> Part:
    more = {"marker": ring(14, theme), "showlegend": False, "hoverinfo": "skip", "cliponaxis": False}
    return scatter(at[:1], at[1:], "markers", "picked", **more)
