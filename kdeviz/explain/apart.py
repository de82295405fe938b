"""How far a row lies from its nearest training row, beside how far those lie from each other."""

from __future__ import annotations

import math

import numpy as np

from kdeviz.analysis import Analysis, cached
from kdeviz.explain.place import as_array, density_of
from kdeviz.explain.row import Explanation

_MOST_ASKED = 500


def times_as_far(analysis: Analysis, explanation: Explanation) -> float:
    """The distance to the nearest training row, in units of what is usual among training rows.

    NaN where the training rows are copies of each other, or are not here.

    Args:
        analysis: whose model explained the row.
        explanation: of the row.
    """
    usual, distances = usual_distance(analysis), explanation.neighbours.distances
    return float(distances[0]) / usual if usual > 0 and len(distances) else math.nan


@cached
def usual_distance(analysis: Analysis) -> float:
    """Median distance of a training row to its nearest other one, in kernel widths.

    Of more than 500 rows, evenly chosen ones are asked for it.
    """
    from scipy.spatial import KDTree

    points = as_array(density_of(analysis.classifier).points)
    if len(points) < 2:
        return math.nan
    asked = points[:: -(-len(points) // _MOST_ASKED)]
    return float(np.median(KDTree(points).query(asked, k=2)[0][:, 1]))
