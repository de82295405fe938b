"""Which of many samples are drawn, and how many of all lie where."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Crowd(NamedTuple):
    """Points by the cells of a grid."""

    rows: NDArray[np.int64]
    """(M,) their numbers, cell by cell; within one in an order that does not depend on that of the file."""
    cells: NDArray[np.int64]
    """(M,) the cell of each, ascending."""


def crowd_of(points: NDArray[Any]) -> Crowd:
    """(M, 2) points by cell."""
    cells = _cells(points)
    shuffled = np.random.default_rng(0).permutation(len(points))
    rows: NDArray[np.int64] = shuffled[np.argsort(cells[shuffled], kind="stable")]
    return Crowd(rows, cells[rows])


def thinned(crowd: Crowd, keep: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
    """All of `keep`, and of the rest as many as fit, each cell giving up its crowd first."""
    others = ~keep[crowd.rows]
    rows, cells = crowd.rows[others], crowd.cells[others]
    room = max(most - int(keep.sum()), 0)
    if len(rows) <= room:
        return np.arange(len(keep))
    sizes = np.bincount(cells)
    ranks = np.arange(len(rows)) - (np.cumsum(sizes) - sizes)[cells]
    full = int(np.searchsorted(np.cumsum(np.bincount(ranks)), room, side="right"))
    whole = rows[ranks < full]
    chosen = np.concatenate([whole, rows[ranks == full][: room - len(whole)]])
    return np.sort(np.concatenate([np.flatnonzero(keep), chosen]))


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
    if not len(points):  # a quantile of nothing cannot be indexed
        return np.empty(0, np.int64)
    low, high = np.quantile(points, [0.001, 0.999], axis=0)
    place = (points - low) / np.where(high > low, high - low, 1)
    # Clipped first: a far outlier's cell number would not fit an integer.
    column = np.clip(place * per_side, 0, per_side - 1).astype(np.int64)
    cells: NDArray[np.int64] = column[:, 0] * per_side + column[:, 1]
    return cells
