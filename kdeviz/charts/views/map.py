"""The numbers behind the map: which samples are drawn, where, and in what colour."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.decision import LABEL_WORDS, metadata_columns
from kdeviz.errors import OptionError
from kdeviz.explain import residuals

MOST_POINTS = 5000


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


def colour_choices(analysis: Analysis) -> list[str]:
    """What the map can be coloured by; log density comes first."""
    own = _own_colours(analysis)
    return [*own, *metadata_columns(analysis.inspected, own)]


def _own_colours(analysis: Analysis) -> list[str]:
    known = ["label"] if analysis.inspected.labels is not None else []
    return ["log density", "verdict", *known, "residual"]


@cached
def map_view(
    analysis: Analysis, components: tuple[int, ...], colour_by: str, threshold: float, most: int = MOST_POINTS
) -> MapView:
    """Inspected samples in two or three components.

    Above `most`, every flagged sample is drawn, and of the others a sample thinned by local density: crowded
    places lose most, lone points none.

    Raises:
        OptionError: there is no such component or colour.
    """
    check_drawable(analysis, components, (2, 3))
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


def check_drawable(analysis: Analysis, components: tuple[int, ...], lengths: tuple[int, ...]) -> None:
    """Raise OptionError unless these are different components of the model, as many as one of `lengths`."""
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
        return np.where(flagged, "flagged", "not flagged")
    if colour_by == "residual":
        return residuals(analysis)
    if colour_by == "label" and analysis.inspected.labels is not None:
        return np.array([LABEL_WORDS[int(label)] for label in analysis.inspected.labels])
    choices = colour_choices(analysis)
    if colour_by not in choices:
        raise OptionError(f"colour_by={colour_by!r} is not known: choose from {choices}")
    column = metadata_columns(analysis.inspected, _own_colours(analysis))[colour_by]
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
    check_drawable(analysis, components, (2, 3))
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
