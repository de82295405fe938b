"""Words beside lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Heights moved as little as needed for all to lie a gap apart, in their order.

    Least squares under that order, by pooling neighbours that are too close (Barlow, Bartholomew, Bremner and
    Brunk, Statistical Inference under Order Restrictions, 1972).
    """
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(order))
    groups: list[list[float]] = []  # what the heights would be without their gaps
    for value in np.asarray(heights, np.float64)[order] - steps:
        groups.append([float(value)])
        while len(groups) > 1 and np.mean(groups[-2]) >= np.mean(groups[-1]):
            last = groups.pop()
            groups[-1] += last
    levels = np.array([np.mean(group) for group in groups for _ in group]) + steps
    moved = np.empty(len(order))
    moved[order] = levels
    return moved.tolist()
