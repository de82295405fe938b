"""Noise: the variation that storing the features as rounded numbers can cause by itself."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from kdeviz.data import Rows
from kdeviz.model.standardising import weights_of

# A standard deviation of Gaussian numbers, in median distances from their median.
_VARYING = 1.5


def steps_of(rows: Rows, sample: Tensor, deviations: Tensor | None) -> Tensor:
    """(D,) see `PrincipalAxes`; of each feature, as some rows have it.

    To store a number costs half a rounding step of it at most; to have computed what varies of it, a whole
    step or so. Medians keep a single huge row from hiding all others.
    """
    size = sample.abs().median(0).values
    varying = _VARYING * (sample - sample.median(0).values).abs().median(0).values
    steps = torch.minimum(torch.maximum(size / 2, varying), size) * rows.resolution * _spread(rows)
    return steps if deviations is None else steps * weights_of(deviations)


def noise_of(rows: Rows, sample: Tensor, lengths: list[Tensor]) -> float:
    """The same for a typical feature of all rows."""
    varying, whole = (
        float(torch.linalg.vector_norm(each, dim=1).median())
        for each in (sample - sample.median(0).values, sample)
    )
    share = min(max(_VARYING * varying / whole, 0.5), 1.0) if whole else 1.0
    typical_entry = float(torch.cat(lengths).median()) / rows.dimensions**0.5
    return float(rows.resolution * typical_entry * share * _spread(rows))


def _spread(rows: Rows) -> float:
    """A random matrix of shape (N, D) spreads at most this many times one entry along any axis."""
    return 1 + math.sqrt(rows.dimensions / len(rows))


def noise_of_standardised(rows: Rows, sample: Tensor, deviations: Tensor) -> float:
    """What `noise_of` is, of standardised features."""
    return float(steps_of(rows, sample, deviations).square().mean().sqrt())
