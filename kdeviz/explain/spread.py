"""How much each input feature varies in training: the unit in which different features can be compared."""

from __future__ import annotations

import numpy as np
import torch

from kdeviz.analysis import Analysis
from kdeviz.data import Rows
from kdeviz.explain.place import Floats, as_array, double
from kdeviz.explain.residual import cached_by_model


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
