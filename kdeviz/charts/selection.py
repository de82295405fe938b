"""Which components can be drawn, and which rows lie in a region of the projection."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.analysis import Analysis
from kdeviz.decision import Decision
from kdeviz.errors import OptionError

_ROOM, _LEAST_ROOM = 0.08, 0.01  # of the ranges of the rows, and of all


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


def rows_inside(
    decision: Decision,
    components: tuple[int, ...],
    box: tuple[tuple[float, float], tuple[float, float]] | None = None,
    lasso: NDArray[Any] | None = None,
) -> NDArray[np.int64]:
    """Which inspected rows, drawn or not, lie in a box ((x0, x1), (y0, y1)) or a lasso polygon (V, 2)."""
    analysis = decision.analysis
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


def box_around(points: NDArray[Any], rows: NDArray[np.int64]) -> tuple[tuple[float, float], ...] | None:
    """Ranges of the axes that show these rows of (M, 2 or 3) points, with some room; None without rows."""
    if not len(rows):
        return None
    low, high = (end(points[rows].astype(np.float64), axis=0) for end in (np.min, np.max))
    whole = np.ptp(points.astype(np.float64), axis=0)
    room = np.maximum(_ROOM * (high - low), _LEAST_ROOM * np.where(whole > 0, whole, 1))
    return tuple(zip((low - room).tolist(), (high + room).tolist(), strict=True))


def zoom_to(figure: go.Figure, points: NDArray[Any], rows: NDArray[np.int64] | None) -> None:
    """Let a map of (M, 2 or 3) points show these rows, which fill it; all of them if None or none."""
    box = None if rows is None else box_around(points, rows)
    if box is not None:
        axes = {f"{name}axis": {"range": list(ends)} for name, ends in zip("xyz", box, strict=False)}
        figure.update_layout(axes if len(box) == 2 else {"scene": axes})
