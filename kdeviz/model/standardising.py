"""Standardising: features centred and divided by their standard deviations, so that units do not count."""

from __future__ import annotations

import torch
from torch import Tensor

from kdeviz.data import Rows

# Sums of so many squares keep at least this share of their digits; what is left below it is rounding.
_ROUNDING_OF_SUMS = 1e-12


def units_of(sample: Tensor) -> Tensor:
    """(D,) a power of two near the largest entry of each feature: no digit changes, and squares hold."""
    largest = sample.abs().amax(0)
    usual = (largest > 0) & torch.isfinite(largest)
    exponents = torch.frexp(torch.where(usual, largest, 1.0)).exponent
    return torch.ldexp(torch.ones_like(largest), exponents.clamp(-1000, 1000))


def rounding_of(rows: Rows, sample: Tensor) -> Tensor:
    """(D,) the standard deviation that storing a feature may cause alone: half a step of its usual size."""
    return sample.abs().median(0).values * (max(rows.resolution, torch.finfo(sample.dtype).eps) / 2)


def deviations_of(squares: Tensor, raw: Tensor, count: float, floor: Tensor) -> Tensor:
    """(D,) standard deviations of features; 0 for one that does not vary by more than its rounding.

    Args:
        squares: (D,) sums of squares about the mean.
        raw: (D,) sums of squares that these were found from.
        count: of the rows.
        floor: (D,) what storing them may cause, in the same units; where that would leave no feature, the
            stored numbers are taken as they are.
    """
    squares = torch.where(squares > _ROUNDING_OF_SUMS * raw, squares, 0.0)
    found = (squares / (count - 1)).sqrt()
    real = found > floor
    return torch.where(real if bool(real.any()) else found > 0, found, 0.0)


def weights_of(deviations: Tensor) -> Tensor:
    """(D,) what a centred feature is multiplied by: 1 / deviation, or 0 where that is 0."""
    varies = deviations >= torch.finfo(deviations.dtype).tiny
    return torch.where(varies, 1 / torch.where(varies, deviations, 1.0), 0.0)
