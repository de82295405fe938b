"""Why one row has its density: neighbours, components, the way back to normal, what PCA cannot see.

And where the anomalous as a whole stand out, what a component stands for, which features matter, and what
a selection has in common.
"""

from kdeviz.explain.alike import beside_normal, times_as_far, usual_distance
from kdeviz.explain.discriminant import Separating, separating
from kdeviz.explain.matters import Matters, features_that_matter, fold_by_fold
from kdeviz.explain.meaning import Meaning, component_meaning, meaning_words
from kdeviz.explain.reason import Strongest, reason, strongest_of
from kdeviz.explain.residual import UNUSUAL_RESIDUAL, Residual, residuals
from kdeviz.explain.row import Components, Direction, Explanation, Neighbours, explain
from kdeviz.explain.selection import SelectionView, describe
from kdeviz.explain.slice import Slice, slice_density
from kdeviz.explain.spread import USUAL_SHARE, feature_spread, in_spreads, usual_range
from kdeviz.explain.standouts import MOST_READ, Standout
from kdeviz.explain.typical import typical

__all__ = [
    "MOST_READ",
    "UNUSUAL_RESIDUAL",
    "USUAL_SHARE",
    "Components",
    "Direction",
    "Explanation",
    "Matters",
    "Meaning",
    "Neighbours",
    "Residual",
    "SelectionView",
    "Separating",
    "Slice",
    "Standout",
    "Strongest",
    "beside_normal",
    "component_meaning",
    "describe",
    "explain",
    "feature_spread",
    "features_that_matter",
    "fold_by_fold",
    "in_spreads",
    "meaning_words",
    "reason",
    "residuals",
    "separating",
    "slice_density",
    "strongest_of",
    "times_as_far",
    "typical",
    "usual_distance",
    "usual_range",
]
