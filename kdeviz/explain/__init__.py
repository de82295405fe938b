"""Why one row has its density: neighbours, components, the way back to normal, and what PCA cannot see."""

from kdeviz.explain.reason import Strongest, reason, strongest_of
from kdeviz.explain.residual import UNUSUAL_RESIDUAL, Residual, residuals
from kdeviz.explain.row import Components, Direction, Explanation, Neighbours, explain
from kdeviz.explain.selection import SelectionView, describe
from kdeviz.explain.slice import Slice, slice_density
from kdeviz.explain.spread import feature_spread, in_spreads
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
    "Strongest",
    "describe",
    "explain",
    "feature_spread",
    "in_spreads",
    "reason",
    "residuals",
    "slice_density",
    "strongest_of",
]
