"""Rows at the mean: how long rounding of the stored numbers can make their projection."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from kdeviz.data import Rows
from kdeviz.model.principal_axes import PrincipalAxes
from kdeviz.model.standardising import weights_of
from kdeviz.scaling import row_lengths

# Of the arithmetic itself.
_STEPS = 4
# Where rounding reaches more than this share of a typical length, no row is told from another by it.
_MOST = 1 / 16


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
