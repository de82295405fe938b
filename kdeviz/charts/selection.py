"""Which rows lie in a region of a map."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.map_axes import AnyAxes, placed
from kdeviz.decision import Decision

_ROOM, _LEAST_ROOM = 0.08, 0.01  # of the ranges of the rows, and of all


def rows_inside(
    decision: Decision,
    axes: AnyAxes,
    box: tuple[tuple[float, float], tuple[float, float]] | None = None,
    lasso: NDArray[Any] | None = None,
) -> NDArray[np.int64]:
    """Which inspected rows, drawn or not, lie in a box ((x0, x1), (y0, y1)) or a lasso polygon (V, 2)."""
    points = _points(decision, axes)[:, :2].astype(np.float64)
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


def box_around(points: NDArray[Any], rows: NDArray[np.int64]) -> tuple[tuple[float, float], ...] | None:
    """Ranges of the axes that show these rows of (M, 2 or 3) points, with some room; None without rows."""
    if not len(rows):
        return None
    low, high = (end(points[rows].astype(np.float64), axis=0) for end in (np.min, np.max))
    whole = np.ptp(points.astype(np.float64), axis=0)
    room = np.maximum(_ROOM * (high - low), _LEAST_ROOM * np.where(whole > 0, whole, 1))
    return tuple(zip((low - room).tolist(), (high + room).tolist(), strict=True))


def zoom_to(figure: go.Figure, decision: Decision, axes: AnyAxes, rows: NDArray[np.int64] | None) -> None:
    """Let a map with these axes show these inspected rows, which fill it; all of them if None or none."""
    box = None if rows is None else box_around(_points(decision, axes), rows)
    if box is not None:
        ranges = {f"{name}axis": {"range": list(ends)} for name, ends in zip("xyz", box, strict=False)}
        figure.update_layout(ranges if len(box) == 2 else {"scene": ranges})


def _points(decision: Decision, axes: AnyAxes) -> NDArray[Any]:
    return placed(decision.analysis, decision.threshold, axes).inspected
