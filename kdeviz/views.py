"""The numbers behind each chart: an analysis in, NamedTuples of arrays out. Nothing here draws."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from kdeviz.analysis import Analysis
from kdeviz.calibration import ProbabilityCurve
from kdeviz.data import ANOMALOUS, NORMAL, UNKNOWN, EmbeddingSet
from kdeviz.errors import OptionError

__all__ = [
    "LABEL_WORDS",
    "Contours",
    "CurveView",
    "HistogramView",
    "MapView",
    "SampleView",
    "ScreeView",
    "Summary",
    "colour_choices",
    "contours",
    "density_histogram",
    "map_view",
    "probability_curve",
    "ranking",
    "rows_inside",
    "sample_view",
    "score_range",
    "score_table",
    "scree",
    "summary",
]

LABEL_WORDS = {NORMAL: "normal", ANOMALOUS: "anomalous", UNKNOWN: "not labelled"}
MOST_POINTS = 5000
CONTOUR_SHARES = (0.5, 0.9, 0.99)
_GRID = 56
_CONTOUR_SAMPLE = 2000
_BINS = 48


class Summary(NamedTuple):
    """The headline numbers."""

    flagged: int
    inspected: int
    expected_alarm_rate: float
    """Share of training samples whose leave-one-out score is below the threshold."""
    auroc: float | None
    """None without labels of both kinds."""
    seconds: float
    threshold: float


class MapView(NamedTuple):
    """Inspected samples in two or three of the model's components."""

    coordinates: NDArray[Any]
    """(S, 2 or 3) of the samples that are drawn."""
    rows: NDArray[np.int64]
    """(S,) which inspected rows these are."""
    components: tuple[int, ...]
    """0-based."""
    colour: NDArray[Any]
    """(S,) numbers, or strings for categories."""
    colour_name: str
    flagged: NDArray[np.bool_]
    """(S,) below the threshold."""
    total: int
    """Inspected samples in all; more than S when normals were thinned."""
    background: tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None
    """x centres, y centres and counts of the bulk of all samples, when not every one is drawn."""
    variance_shares: tuple[float, ...]
    """Share of the training variance along each drawn component."""


class Contours(NamedTuple):
    """The fitted model's exact marginal density over two components."""

    x: NDArray[Any]
    y: NDArray[Any]
    log_density: NDArray[Any]
    """(len(y), len(x)), nats."""
    levels: tuple[float, ...]
    """Log densities whose contour encloses `shares` of the training samples."""
    shares: tuple[float, ...]
    corners: NDArray[Any]
    """(2, 2): lower left and upper right of the widest region."""


class ScreeView(NamedTuple):
    """How much of the variance each component carries."""

    shares: NDArray[Any]
    cumulative: NDArray[Any]
    kept: int


class HistogramView(NamedTuple):
    """Log densities in common bins."""

    edges: NDArray[Any]
    """(B + 1,) nats; samples beyond either end are counted in the outermost bins."""
    counts: dict[str, NDArray[np.int64]]
    """Per series, B counts. The first is the training samples."""
    sizes: dict[str, int]
    threshold: float
    alarm_rate: float
    """Share of training samples below the threshold."""
    below_range: int
    """Samples further left than the drawn range."""


class CurveView(NamedTuple):
    """The probability curve over the drawn log densities."""

    log_density: NDArray[Any]
    probability: NDArray[Any]
    saturated: float
    """Share of inspected samples whose probability is 0 or 1 to three digits."""
    threshold: float
    threshold_probability: float


class SampleView(NamedTuple):
    """One inspected sample."""

    name: str
    label: str
    """In words; empty when the set has no labels."""
    rank: int
    total: int
    log_density: float
    probability: float
    flagged: bool
    above_threshold: float
    """Nats; negative below."""
    more_unusual_than: float
    """Share of the training samples with a higher leave-one-out score."""


def summary(analysis: Analysis, threshold: float) -> Summary:
    """Headline numbers at a threshold."""
    from kdeviz.metrics import auroc, has_both_labels

    labels = analysis.inspected.labels
    separation = auroc(analysis.scores, labels) if labels is not None and has_both_labels(labels) else None
    return Summary(
        flagged=int((analysis.scores < threshold).sum()),
        inspected=len(analysis.scores),
        expected_alarm_rate=float((analysis.train_scores < threshold).mean()),
        auroc=separation,
        seconds=sum(analysis.timings.values()),
        threshold=threshold,
    )


def colour_choices(analysis: Analysis) -> list[str]:
    """What the map can be coloured by; log density comes first."""
    own = _own_colours(analysis)
    return [*own, *_metadata_columns(analysis.inspected, own)]


def _own_colours(analysis: Analysis) -> list[str]:
    known = ["label"] if analysis.inspected.labels is not None else []
    return ["log density", "verdict", *known]


def _metadata_columns(inspected: EmbeddingSet, taken: Collection[str]) -> dict[str, pd.Series[Any]]:
    """Metadata by the name to show: a string, with "_in_file" added while that name is taken."""
    metadata = inspected.metadata
    columns: dict[str, pd.Series[Any]] = {}
    if metadata is None:
        return columns
    for position, name in enumerate(metadata.columns):
        shown = str(name)
        while shown in taken or shown in columns:
            shown += "_in_file"
        columns[shown] = metadata.iloc[:, position]
    return columns


def map_view(
    analysis: Analysis, components: tuple[int, ...], colour_by: str, threshold: float, most: int = MOST_POINTS
) -> MapView:
    """Inspected samples in two or three components.

    Above `most`, every flagged sample is drawn, and of the others a sample thinned by local density: crowded
    places lose most, lone points none.

    Raises:
        OptionError: there is no such component or colour.
    """
    _check_drawable(analysis, components, (2, 3))
    points = analysis.coordinates[:, components]
    flagged = analysis.scores < threshold
    rows = _thinned(points[:, :2], flagged, most)
    share = analysis.classifier.pca_model.explained_variance_ratio.cpu().numpy()
    return MapView(
        coordinates=points[rows],
        rows=rows,
        components=components,
        colour=_colour(analysis, colour_by, flagged)[rows],
        colour_name=colour_by,
        flagged=flagged[rows],
        total=len(points),
        background=_counts(points) if len(rows) < len(points) else None,
        variance_shares=tuple(float(share[c]) for c in components),
    )


def _check_drawable(analysis: Analysis, components: tuple[int, ...], lengths: tuple[int, ...]) -> None:
    k = analysis.classifier.n_components_
    if k < 2:
        raise OptionError("a map needs two components, this model keeps one: raise the number of components")
    different = len(set(components)) == len(components)
    if len(components) not in lengths or not different or not all(0 <= c < k for c in components):
        choose = " or ".join(map(str, lengths))
        raise OptionError(
            f"components={components} cannot be drawn: choose {choose} different ones from 0 to {k - 1}"
        )


def _colour(analysis: Analysis, colour_by: str, flagged: NDArray[np.bool_]) -> NDArray[Any]:
    if colour_by == "log density":
        return analysis.scores
    if colour_by == "verdict":
        return np.where(flagged, "flagged", "normal")
    if colour_by == "label" and analysis.inspected.labels is not None:
        return np.array([LABEL_WORDS[int(label)] for label in analysis.inspected.labels])
    choices = colour_choices(analysis)
    if colour_by not in choices:
        raise OptionError(f"colour_by={colour_by!r} is not known: choose from {choices}")
    column = _metadata_columns(analysis.inspected, _own_colours(analysis))[colour_by]
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return column.astype("string").fillna("(none)").to_numpy(dtype=np.str_)


def _thinned(points: NDArray[Any], keep: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
    """All of `keep`, and of the rest as many as fit, each cell of a grid giving up its crowd first."""
    others = np.flatnonzero(~keep)
    room = max(most - int(keep.sum()), 0)
    if len(others) <= room:
        return np.arange(len(points))
    cells = _cells(points[others])
    # Rank within the cell, in an order that does not depend on the order of the file's neighbours.
    shuffled = np.random.default_rng(0).permutation(len(others))
    by_cell = shuffled[np.argsort(cells[shuffled], kind="stable")]
    sorted_cells = cells[by_cell]
    rank = np.arange(len(by_cell)) - np.searchsorted(sorted_cells, sorted_cells)
    chosen = by_cell[np.argsort(rank, kind="stable")[:room]]
    return np.sort(np.concatenate([np.flatnonzero(keep), others[chosen]]))


def _cells(points: NDArray[Any], per_side: int = 64) -> NDArray[np.int64]:
    low, high = np.quantile(points, [0.001, 0.999], axis=0)
    place = (points - low) / np.where(high > low, high - low, 1)
    # Clipped first: a far outlier's cell number would not fit an integer.
    column = np.clip(place * per_side, 0, per_side - 1).astype(np.int64)
    cells: NDArray[np.int64] = column[:, 0] * per_side + column[:, 1]
    return cells


def _counts(points: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None:
    if points.shape[1] != 2:
        return None
    # The bulk, as in `_cells`: one far sample must not leave all others in one bin.
    bulk = np.quantile(points, [0.001, 0.999], axis=0).T
    bulk[:, 1] += np.where(bulk[:, 1] > bulk[:, 0], 0, 1)
    counts, x, y = np.histogram2d(points[:, 0], points[:, 1], bins=80, range=bulk)
    return (x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2, counts.T


def rows_inside(
    analysis: Analysis,
    components: tuple[int, ...],
    box: tuple[tuple[float, float], tuple[float, float]] | None = None,
    lasso: NDArray[Any] | None = None,
) -> NDArray[np.int64]:
    """Which inspected rows, drawn or not, lie in a box ((x0, x1), (y0, y1)) or a lasso polygon (V, 2)."""
    _check_drawable(analysis, components, (2, 3))
    points = analysis.coordinates[:, components[:2]].astype(np.float64)
    if box is not None:
        (x0, x1), (y0, y1) = sorted(box[0]), sorted(box[1])
        x, y = points.T
        return np.flatnonzero((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1))
    if lasso is not None and len(lasso) >= 3:
        return np.flatnonzero(_inside_polygon(points, np.asarray(lasso, dtype=np.float64)))
    return np.empty(0, dtype=np.int64)


def _inside_polygon(points: NDArray[Any], corners: NDArray[Any]) -> NDArray[np.bool_]:
    """Even-odd rule: a ray to the right of an inside point crosses the outline an odd number of times."""
    x, y = points.T
    inside = np.zeros(len(points), dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        spans = (y0 > y) != (y1 > y)
        if y0 != y1:
            inside ^= spans & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside


def contours(analysis: Analysis, components: tuple[int, int]) -> Contours:
    """The exact marginal of the fitted density over two components.

    Its levels are the log densities above which at least `CONTOUR_SHARES` of the training samples lie: the
    smallest regions that hold that share of what is normal. The grid spans the widest of these regions, so
    that a far outlier does not leave it without a line.

    Raises:
        OptionError: these are not two of the model's components.
    """
    _check_drawable(analysis, components, (2,))
    marginal = analysis.classifier.kde_model.marginal(components)
    train = analysis.train_coordinates[:, components]
    train = train[:: max(1, len(train) // _CONTOUR_SAMPLE)]
    at_train = marginal.log_prob(train).cpu().numpy()
    levels = np.quantile(at_train, [1 - share for share in CONTOUR_SHARES], method="lower")
    within = train[at_train >= levels[-1]]
    inverse = torch.linalg.inv(marginal.bw_transform)
    kernel_widths = (inverse.T @ inverse).diagonal().sqrt().tolist()
    x, y = (_padded_range(within[:, i], 3 * kernel_widths[i]) for i in (0, 1))
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    log_density = marginal.log_prob(grid.astype(np.float32)).cpu().numpy().reshape(len(y), len(x))
    # With narrow kernels the region is islands round the samples, which may all lie between grid points.
    held = np.concatenate([within, grid[log_density.ravel() >= levels[-1]]])
    return Contours(
        x=x,
        y=y,
        log_density=log_density,
        levels=tuple(float(level) for level in levels),
        shares=CONTOUR_SHARES,
        corners=np.stack([held.min(0), held.max(0)]),
    )


def _padded_range(values: NDArray[Any], pad: float) -> NDArray[Any]:
    return np.linspace(float(values.min()) - pad, float(values.max()) + pad, _GRID)


def scree(analysis: Analysis) -> ScreeView:
    """Share of the variance per component, and where the model cuts."""
    spectrum = analysis.classifier.pca_model.spectrum.cpu().numpy()
    shares = spectrum / spectrum.sum()
    return ScreeView(shares, np.cumsum(shares), analysis.classifier.n_components_)


def density_histogram(analysis: Analysis, threshold: float, bins: int = _BINS) -> HistogramView:
    """Training (leave-one-out) and inspected log densities in common bins.

    The range covers the bulk of the training scores, eight times over to the left; a tail further out is
    counted in the first bin, and `below_range` says how many samples that hides.
    """
    inspected = _inspected_series(analysis)
    series = {"training": analysis.train_scores, **inspected}
    # Inspected training samples are in two series, and still one sample each.
    samples = inspected if inspected and analysis.inspects_training else series
    edges = np.linspace(*_drawn_range(analysis, threshold), bins + 1)
    inside = {name: np.clip(scores, edges[0], edges[-1]) for name, scores in series.items()}
    return HistogramView(
        edges=edges,
        counts={name: np.histogram(scores, edges)[0] for name, scores in inside.items()},
        sizes={name: len(scores) for name, scores in series.items()},
        threshold=threshold,
        alarm_rate=float((analysis.train_scores < threshold).mean()),
        below_range=int(sum((scores < edges[0]).sum() for scores in samples.values())),
    )


def _inspected_series(analysis: Analysis) -> dict[str, NDArray[Any]]:
    labels = analysis.inspected.labels
    if analysis.inspects_training and labels is None:
        return {}
    if labels is None:
        return {"scored": analysis.scores}
    names = {NORMAL: "scored, normal", ANOMALOUS: "scored, anomalous", UNKNOWN: "scored, not labelled"}
    split = {name: analysis.scores[labels == label] for label, name in names.items()}
    return {name: scores for name, scores in split.items() if len(scores)}


def _drawn_range(analysis: Analysis, threshold: float) -> tuple[float, float]:
    low, middle, high = np.quantile(analysis.train_scores.astype(np.float64), [0.01, 0.5, 1.0])
    spread = max(middle - low, high - middle, 1e-6)
    lowest, highest = float(analysis.scores.min()), float(analysis.scores.max())
    left = max(min(lowest, float(analysis.train_scores.min())), middle - 8 * spread)
    right = max(high, min(highest, middle + 8 * spread))
    if np.isfinite(threshold):
        left, right = min(left, threshold - spread / 4), max(right, threshold + spread / 4)
    if right - left < 1e-3:  # all scores are equal
        return left - 0.5, right + 0.5
    return left, right + 0.02 * (right - left)


def probability_curve(
    analysis: Analysis, curve: ProbabilityCurve, threshold: float, edges: NDArray[Any]
) -> CurveView:
    """The probability curve over the range of a histogram's edges."""
    log_density = np.linspace(edges[0], edges[-1], 200)
    probabilities = curve(analysis.scores.astype(np.float64))
    saturated = (probabilities < 0.0005) | (probabilities >= 0.9995)
    return CurveView(
        log_density,
        curve(log_density),
        float(saturated.mean()),
        threshold,
        float(curve(np.array([threshold], dtype=np.float64))[0]),
    )


def score_range(analysis: Analysis) -> tuple[float, float]:
    """Log densities that a colour scale should tell apart: the bulk, with a far tail sharing its end."""
    low, middle, high = np.quantile(analysis.train_scores.astype(np.float64), [0.01, 0.5, 1.0])
    lowest = float(min(analysis.scores.min(), low))
    return max(lowest, middle - 2.5 * (middle - low)), float(max(high, analysis.scores.max()))


def sample_view(analysis: Analysis, row: int, threshold: float, curve: ProbabilityCurve) -> SampleView:
    """What there is to say about one inspected row."""
    inspected, score = analysis.inspected, analysis.scores[row]
    return SampleView(
        name=str(inspected.ids[row]),
        label="" if inspected.labels is None else LABEL_WORDS[int(inspected.labels[row])],
        rank=int((analysis.scores < score).sum()) + 1,
        total=len(analysis.scores),
        log_density=float(score),
        probability=float(curve(analysis.scores[row : row + 1])[0]),
        flagged=bool(score < threshold),
        above_threshold=float(score) - threshold,
        more_unusual_than=float((analysis.train_scores > score).mean()),
    )


def ranking(analysis: Analysis, threshold: float, curve: ProbabilityCurve) -> pd.DataFrame:
    """Every inspected sample, the most anomalous first; columns as in `score_table`."""
    return score_table(analysis.inspected, analysis.scores, threshold, curve)


def score_table(
    inspected: EmbeddingSet, scores: NDArray[Any], threshold: float, curve: ProbabilityCurve
) -> pd.DataFrame:
    """Every scored sample, the most anomalous first.

    Columns: row (in the inspected set), rank (1 is the most anomalous), id, label (in words; only when the
    set has labels), log_density, probability, flagged, then the metadata, with "_in_file" added to names that
    are taken.
    """
    order = np.argsort(scores, kind="stable")
    columns: dict[str, Any] = {
        "row": order,
        "rank": np.arange(1, len(order) + 1),
        "id": inspected.ids[order],
    }
    if inspected.labels is not None:
        columns["label"] = [LABEL_WORDS[int(label)] for label in inspected.labels[order]]
    columns["log_density"] = scores[order]
    columns["probability"] = curve(scores[order])
    columns["flagged"] = scores[order] < threshold
    for name, column in _metadata_columns(inspected, tuple(columns)).items():
        columns[name] = column.iloc[order].reset_index(drop=True)
    return pd.DataFrame(columns)
