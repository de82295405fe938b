"""What is usual for each input feature: where most training rows lie."""

from __future__ import annotations

import numpy as np

from kdeviz.analysis import Analysis, cached
from kdeviz.explain.place import Floats

USUAL_SHARE = 0.9
"""Of the training rows, in the middle."""
_MOST_ROWS = 2000


@cached
def usual_range(analysis: Analysis) -> tuple[Floats, Floats]:
    """(D,) lower and (D,) upper ends between which the middle 90 % of the training rows lie.

    Of more than 2 000 rows that the model was fitted on, evenly chosen ones are looked at; NaN without any.
    """
    rows = np.sort(analysis.fitted_on[:: -(-max(len(analysis.fitted_on), 1) // _MOST_ROWS)])
    features = np.asarray(analysis.train.features[rows], dtype=np.float64)
    if not len(features):
        unknown = np.full(analysis.inspected.features.shape[1], np.nan)
        return unknown, unknown
    tail = (1 - USUAL_SHARE) / 2
    low, high = np.quantile(features, [tail, 1 - tail], axis=0)
    return low, high
