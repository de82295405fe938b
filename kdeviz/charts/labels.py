"""Words beside lines."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Heights moved as little as needed for all to lie a gap apart, in their order.

    Least squares under that order, by pooling neighbours that are too close (Barlow, Bartholomew, Bremner and
    Brunk, Statistical Inference under Order Restrictions, 1972).
    """
    order = sorted(range(len(heights)), key=heights.__getitem__)
    groups: list[list[float]] = []  # what the heights would be without their gaps
    for place, line in enumerate(order):
        groups.append([heights[line] - gap * place])
        while len(groups) > 1 and fmean(groups[-2]) >= fmean(groups[-1]):
            last = groups.pop()
            groups[-1] += last
    levels = [fmean(group) for group in groups for _ in group]
    moved = [0.0] * len(order)
    for place, (line, level) in enumerate(zip(order, levels, strict=True)):
        moved[line] = level + gap * place
    return moved
