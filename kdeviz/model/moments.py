"""Moments: what one pass over the rows gives, from which their principal axes come."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.data import OnBlock, Rows
from kdeviz.errors import DataError
from kdeviz.model.eigenvectors import both_triangles
from kdeviz.model.fold_axes import FoldGrams, TallGrams, WideGram, add_products
from kdeviz.model.rounding import noise_of, noise_of_standardised
from kdeviz.model.standardising import deviations_of, rounding_of, units_of, weights_of

_SHIFT_ROWS = 256
_USUAL_EXPONENT = 150
# Sums and differences of larger features could overflow, whatever their unit.
LARGEST_FEATURE = 1e302


class Moments(NamedTuple):
    """What one pass over the rows gives."""

    mean: Tensor
    """(D,)"""
    unit: float
    """As in `PrincipalAxes`; of all that follows."""
    deviations: Tensor | None
    """As in `PrincipalAxes`."""
    gram: Tensor
    """(D, D) or (N, N), whichever is smaller, of the centred rows; only the upper triangle is filled."""
    noise: float
    """The standard deviation that rounding of the stored numbers alone can cause along an axis."""
    folds: FoldGrams | None
    """Of the folds, where folds were given."""


def sample_of(rows: Rows, device: torch.device) -> Tensor:
    """(m, D) a few of the rows in float64, from which units and shifts are taken.

    Raises:
        DataError: they are too large.
    """
    some = rows.select(np.unique(np.linspace(0, len(rows) - 1, _SHIFT_ROWS).astype(np.int64)))
    sample = some.block(0, len(some), torch.float64, device)
    if sample.abs().max() > LARGEST_FEATURE:
        rows.check_finite()
        raise DataError(
            f"some features are above {LARGEST_FEATURE:g}, too large to compute with: divide them first"
        )
    return sample


def tall_moments(parts: TallGrams, rows: Rows, sample: Tensor, lengths: list[Tensor]) -> Moments:
    """What sums over the parts of many rows come to.

    Args:
        parts: the sums.
        rows: all of them, or some, which tell how finely their numbers are stored.
        sample: a few of those in float64.
        lengths: those of the rows, in the unit of the sums; not needed where features are standardised.
    """
    mean, gram, deviations = parts.whole()
    if deviations is None:
        noise = noise_of(rows, sample / parts.unit, lengths)
        return Moments(mean, float(parts.unit), None, gram, noise, parts)
    return Moments(mean, 1.0, deviations, gram, noise_of_standardised(rows, sample, deviations), parts)


def sums_over(rows: Rows, sample: Tensor, parts: int, standardise: bool, kept: int = 0) -> TallGrams:
    """Sums to add rows like these to; see `TallGrams`."""
    unit = units_of(sample) if standardise else _unit(sample)
    floor = rounding_of(rows, sample) / unit if standardise else None
    return TallGrams(sample.mean(0) / unit, parts, unit, floor, kept)


def moments_of_tall(
    rows: Rows, sample: Tensor, on_block: OnBlock | None, folds: NDArray[np.int64] | None, standardise: bool
) -> Moments:
    """One pass: rows are shifted by a mean of some of them, and the rest of the mean is taken out after."""
    numbers = np.zeros(len(rows), np.int64) if folds is None else folds
    parts = sums_over(rows, sample, int(numbers.max()) + 1, standardise)
    lengths = [
        parts.add(block, numbers[place])
        for place, block in rows.stream(sample.dtype, sample.device, on_block)
    ]
    found = tall_moments(parts, rows, sample, lengths)
    return found if folds is not None else found._replace(folds=None)


def moments_of_wide(
    rows: Rows, sample: Tensor, on_block: OnBlock | None, folds: NDArray[np.int64] | None, standardise: bool
) -> Moments:
    """The inner products of the rows with each other, where these are fewer than those of the features."""
    unit = units_of(sample) if standardise else _unit(sample)
    centred = sample.new_empty(len(rows), rows.dimensions)
    for place, block in rows.stream(sample.dtype, sample.device, on_block):
        centred[place] = block.div_(unit)
    lengths, mean = torch.linalg.vector_norm(centred, dim=1), centred.mean(0)
    centred.sub_(mean)
    if isinstance(unit, float):
        gram = _products(centred)
        grams = None if folds is None else WideGram((both_triangles(gram),), folds, unit)
        return Moments(mean * unit, unit, None, gram, noise_of(rows, sample / unit, [lengths]), grams)
    floor = rounding_of(rows, sample) / unit
    own = _deviations(centred, floor)
    if folds is not None:
        parts = [_deviations(centred[torch.from_numpy(folds != i)], floor) for i in range(folds.max() + 1)]
        grams = WideGram(tuple(both_triangles(_products(centred, part)) for part in parts), folds, 1.0)
    gram, noise = _products(centred, own), noise_of_standardised(rows, sample, own * unit)
    return Moments(mean * unit, 1.0, own * unit, gram, noise, grams if folds is not None else None)


def _deviations(rows: Tensor, floor: Tensor) -> Tensor:
    """(D,) of rows that are near their mean."""
    raw = rows.square().sum(0)
    return deviations_of(raw - rows.sum(0).square() / len(rows), raw, len(rows), floor)


def _products(rows: Tensor, deviations: Tensor | None = None) -> Tensor:
    """(N, N) of the rows with each other, divided by the deviations; the upper triangle is filled."""
    gram = rows.new_zeros(len(rows), len(rows))
    add_products(gram, (rows if deviations is None else rows * weights_of(deviations)).T)
    return gram


def _unit(sample: Tensor) -> float:
    """1; where the largest entry of some rows is far from it, a power of two near that: no digit changes."""
    largest = float(sample.abs().max())
    exponent = math.frexp(largest)[1] if 0 < largest < math.inf else 0
    return 1.0 if abs(exponent) <= _USUAL_EXPONENT else math.ldexp(1.0, min(max(exponent, -1000), 1000))
