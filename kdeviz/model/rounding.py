"""Rounding of the stored numbers: how much variation it can cause by itself, and how long a projection."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from kdeviz.data import Rows
from kdeviz.model.standardising import weights_of
from kdeviz.scaling import row_lengths

if TYPE_CHECKING:
    from kdeviz.model.principal_axes import PrincipalAxes

# A standard deviation of Gaussian numbers, in median distances from their median.
_VARYING = 1.5
# Of the arithmetic itself.
_STEPS = 4
# Where rounding reaches more than this share of a typical length, no row is told from another by it.
_MOST = 1 / 16


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


class Rounding(NamedTuple):
    """What rounding of its training rows a model knows of; of standardised rows where features are."""

    step: float
    """Largest relative error of their stored numbers; 0 for integers."""
    length: float
    """Typical length of the rows, and that of their mean, added up."""
    contrast: float
    """Typical length of a projected row, as a share of the typical length of the rows."""
    condition: float
    """Standard deviation along the first axis, in those along the last one kept."""

    @classmethod
    def of(cls, axes: PrincipalAxes, rows: Rows, k: int) -> Rounding:
        """Of the rows whose axes these are, the first k of which are kept."""
        spreads = axes.variances.sqrt() * axes.unit
        centre = axes.mean if axes.deviations is None else axes.mean * weights_of(axes.deviations)
        mean, whole, kept = (float(row_lengths(each[None])) for each in (centre, spreads, spreads[:k]))
        typical = math.hypot(mean, whole)
        return cls(rows.resolution / 2, typical + mean, kept / typical, float(spreads[0] / spreads[k - 1]))

    def floor(self, step: float, from_mean: Tensor) -> Tensor:
        """(M, 1) lengths up to which the projection of a row is rounding, and has no direction.

        Stored numbers are off by half a rounding step of themselves at most, so their mean by half a step of
        their mean magnitude; and projecting makes no error longer.

        Args:
            step: as above, of the rows.
            from_mean: (M, 1) their distances from the mean.
        """
        error = max(self.step, step) + _STEPS * torch.finfo(from_mean.dtype).eps * self.condition
        return min(error, _MOST * self.contrast) * (self.length + from_mean)
