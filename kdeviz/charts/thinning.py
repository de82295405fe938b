"""Which of many samples are drawn, and how many of all lie where."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def thinned(points: NDArray[Any], keep: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
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


def counts_of(
    points: NDArray[Any],
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None:
    """x centres, y centres and counts of the bulk of (M, 2) points; None in three dimensions."""
    if points.shape[1] != 2:
        return None
    # The bulk, as in `_cells`: one far sample must not leave all others in one bin.
    bulk = np.quantile(points, [0.001, 0.999], axis=0).T
    bulk[:, 1] += np.where(bulk[:, 1] > bulk[:, 0], 0, 1)
    counts, x, y = np.histogram2d(points[:, 0], points[:, 1], bins=80, range=bulk)
    return (x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2, counts.T


def _cells(points: NDArray[Any], per_side: int = 64) -> NDArray[np.int64]:
    low, high = np.quantile(points, [0.001, 0.999], axis=0)
    place = (points - low) / np.where(high > low, high - low, 1)
    # Clipped first: a far outlier's cell number would not fit an integer.
    column = np.clip(place * per_side, 0, per_side - 1).astype(np.int64)
    cells: NDArray[np.int64] = column[:, 0] * per_side + column[:, 1]
    return cells
