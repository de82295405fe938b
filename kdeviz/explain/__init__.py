"""Why one row has its density: neighbours, components, the way back to normal, what PCA cannot see.

And where the anomalous as a whole stand out.
"""

from kdeviz.explain.discriminant import Separating, separating
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
    "Separating",
    "Slice",
    "explain",
    "residuals",
    "separating",
    "slice_density",
]
