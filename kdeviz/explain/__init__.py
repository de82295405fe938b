"""Why one row has its density: neighbours, components, the way back to normal, and what PCA cannot see."""

from kdeviz.explain.residual import UNUSUAL_RESIDUAL, Residual, residuals
from kdeviz.explain.row import Components, Direction, Explanation, Neighbours, explain
from kdeviz.explain.slice import Slice, slice_density

__all__ = [
    "UNUSUAL_RESIDUAL",
    "Components",
    "Direction",
    "Explanation",
    "Neighbours",
    "Residual",
    "Slice",
    "explain",
    "residuals",
    "slice_density",
]
