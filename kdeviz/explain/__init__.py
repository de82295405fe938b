"""Why one row has its density: neighbours, components, the way back to normal, and what PCA cannot see."""

from kdeviz.explain.residual import UNUSUAL_RESIDUAL, Residual, residuals
from kdeviz.explain.row import Components, Direction, Explanation, Neighbours, explain
from kdeviz.explain.selection import SelectionView, describe, longest_texts
from kdeviz.explain.slice import Slice, slice_density
from kdeviz.explain.standouts import MOST_READ, Standout

__all__ = [
    "MOST_READ",
    "UNUSUAL_RESIDUAL",
    "Components",
    "Direction",
    "Explanation",
    "Neighbours",
    "Residual",
    "SelectionView",
    "Slice",
    "Standout",
    "describe",
    "explain",
    "longest_texts",
    "residuals",
    "slice_density",
]
