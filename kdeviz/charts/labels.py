"""Words beside lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Heights moved as little as needed, in least squares, for all to lie a gap apart, in their order."""
    from scipy.optimize import isotonic_regression  # slow to import

    order = np.argsort(heights, kind="stable")
    room, moved = gap * np.arange(len(order)), np.empty(len(order))
    if len(order):
        moved[order] = isotonic_regression(np.asarray(heights)[order] - room).x + room
    return moved.tolist()
