"""Which log densities a chart shows, and which of them its colours tell apart."""

from __future__ import annotations

import numpy as np

from kdeviz.analysis import Analysis


def drawn_range(analysis: Analysis, threshold: float) -> tuple[float, float]:
    """The bulk of the training scores, with room for a tail to the left, and for the threshold."""
    low, middle, high = np.quantile(analysis.reference.astype(np.float64), [0.01, 0.5, 1.0])
    spread = max(middle - low, high - middle, 1e-6)
    lowest, highest = float(analysis.scores.min()), float(analysis.scores.max())
    left = max(min(lowest, float(analysis.reference.min())), middle - 8 * spread)
    right = max(high, min(highest, middle + 8 * spread))
    if np.isfinite(threshold):
        left, right = min(left, threshold - spread / 4), max(right, threshold + spread / 4)
    if right - left < 1e-3:  # all scores are equal
        return left - 0.5, right + 0.5
    return left, right + 0.02 * (right - left)


def score_range(analysis: Analysis) -> tuple[float, float]:
    """Log densities that a colour scale should tell apart: the bulk, with a far tail sharing its end."""
    low, middle, high = np.quantile(analysis.reference.astype(np.float64), [0.01, 0.5, 1.0])
    lowest = float(min(analysis.scores.min(), low))
    highest = float(max(high, analysis.scores.max()))
    return apart(max(lowest, middle - 2.5 * (middle - low)), highest, rounding=1e-6)  # of float32


def apart(low: float, high: float, rounding: float = 1e-12) -> tuple[float, float]:
    """The ends of a scale; wider where rounding alone, a share of the values, tells them apart."""
    size = max(abs(low), abs(high)) or 1.0
    return (low, high) if high - low > rounding * size else (low - size / 2, high + size / 2)
