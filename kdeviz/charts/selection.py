"""Which rows lie in a region of a map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.charts.map_axes import MapAxes, placed
from kdeviz.decision import Decision


def rows_inside(
    decision: Decision,
    axes: MapAxes | tuple[int, ...],
    box: tuple[tuple[float, float], tuple[float, float]] | None = None,
    lasso: NDArray[Any] | None = None,
) -> NDArray[np.int64]:
    """Which inspected rows, drawn or not, lie in a box ((x0, x1), (y0, y1)) or a lasso polygon (V, 2)."""
    points = placed(decision.analysis, decision.threshold, axes).inspected[:, :2].astype(np.float64)
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
