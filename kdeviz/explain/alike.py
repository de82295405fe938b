"""The normal sample that is most like an inspected one, and how far away it is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.data import ANOMALOUS
from kdeviz.decision import Decision
from kdeviz.explain.place import as_array, density_of
from kdeviz.explain.row import Explanation, explain

_MOST_ASKED = 500


def beside_normal(decision: Decision, row: int) -> Explanation:
    """`explain`, with one neighbour: the nearest training row that is not anomalous itself.

    Anomalous is what is labelled so, and what this decision flags by its held-out score. Where all training
    rows are, it is the nearest one of them.

    Raises:
        OptionError: there is no such inspected row.
    """
    odd = decision.analysis.fitted_on[_odd(decision)]
    explanation = explain(decision.analysis, row, neighbours=1 + len(odd))
    near = explanation.neighbours
    normal = np.flatnonzero(~np.isin(near.rows, odd))[:1]
    chosen = normal if len(normal) else np.arange(len(near.rows))[:1]
    one = near._replace(
        rows=near.rows[chosen],
        distances=near.distances[chosen],
        shares=near.shares[chosen],
        others=1 - float(near.shares[chosen].sum()),
    )
    return explanation._replace(neighbours=one)


def _odd(decision: Decision) -> NDArray[np.bool_]:
    """(n,) which rows of the fit are no example of what is normal."""
    analysis = decision.analysis
    fitted, scores = analysis.fitted_on, analysis.held_out_scores
    low = scores < decision.threshold if len(scores) == len(fitted) else np.zeros(len(fitted), bool)
    labels = analysis.train.labels
    return low if labels is None else low | (labels[fitted] == ANOMALOUS)


def times_as_far(analysis: Analysis, explanation: Explanation) -> float:
    """The distance of an explained row to the nearest training row, in units of `usual_distance`.

    NaN where the training rows are copies of each other, or are not here.
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
