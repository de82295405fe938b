"""How each input feature varies in training: where most rows lie, and how far they spread."""

from __future__ import annotations

import numpy as np
import torch

from kdeviz.analysis import Analysis, cached
from kdeviz.data import Rows
from kdeviz.explain.place import Floats, as_array, double
from kdeviz.explain.residual import cached_by_model

USUAL_SHARE = 0.9
"""Of the training rows, in the middle."""
_MOST_ROWS = 2000


@cached_by_model("train")
@torch.no_grad()
def feature_spread(analysis: Analysis) -> Floats:
    """(D,) standard deviations of the features over the rows the model was fitted on; 0 of constant ones.

    Computed in blocks, once per model; read-only.
    """
    mean = double(analysis.classifier.pca_model.mean)
    squares, rows = torch.zeros_like(mean), Rows(analysis.train.features).select(analysis.fitted_on)
    for _, block in rows.stream(torch.float64, mean.device):
        squares += block.sub_(mean).square_().sum(0)
    return as_array((squares / max(len(rows) - 1, 1)).sqrt())


def in_spreads(change: Floats, spread: Floats) -> Floats:
    """Changes of features in standard deviations of training; 0 for features that do not vary there."""
    return np.divide(change, spread, out=np.zeros_like(change), where=spread > 0)


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
