"""Principal axes of a data set: exact, in float64, from one pass over the rows in blocks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.data import OnBlock, Rows, working_dtype
from kdeviz.errors import DataError
from kdeviz.model.eigenvectors import eigenvectors
from kdeviz.model.fold_axes import FoldGrams, TallGrams, WideGram, add_products, both_triangles
from kdeviz.model.noise import noise_of, noise_of_standardised, steps_of
from kdeviz.model.standardising import deviations_of, rounding_of, units_of, weights_of

# A Gram matrix squares the condition number: below this variance ratio its float64 eigenvectors are no
# longer good to 1e-8, and the slower QR route is taken.
_GRAM_LIMIT = 1e-6
_SHIFT_ROWS = 256
_SHARE_ROUNDING = 1e-12
_USUAL_EXPONENT = 150
# Sums and differences of larger features could overflow, whatever their unit.
LARGEST_FEATURE = 1e302
ALL = 2**63
"""As `PrincipalAxes.accurate`: all of them."""


class PrincipalAxes(NamedTuple):
    """All principal axes of a data set, strongest first; a PCA keeps the first k."""

    mean: Tensor
    """(D,)"""
    variances: Tensor
    """(r,), sample variances (divided by N - 1) along the axes, in squares of `unit`; of standardised
    features, in no unit."""
    basis: Tensor
    """(D, r), the axes; where they need less room, (N, r), the eigenvectors of the rows' inner products."""
    accurate: int
    """So many components may be asked for: the axes of more would not be good to 1e-8."""
    noise: float
    """Standard deviations up to this, in `unit`, may be rounding of the stored numbers alone."""
    steps: Tensor | None = None
    """(D,) the same for each feature, in the units of the features or, where they are standardised, in no
    unit; None for axes that nobody ranks."""
    unit: float = 1.0
    """A power of two, 1 for features of usual size: in it squares neither overflow nor vanish."""
    grams: FoldGrams | None = None
    """What the axes without each fold come from, where folds were given and the Gram matrix is accurate."""
    deviations: Tensor | None = None
    """(D,) what the centred features were divided by, 0 for those that became 0 (see `Settings`); None where
    they were not standardised."""

    @property
    def rank(self) -> int:
        """r, the numerical rank of the centred data."""
        return len(self.variances)

    def suffice(self, n_components: int | float) -> bool:
        """Whether so many components, or such a share of the variance, may be asked for."""
        whole = isinstance(n_components, int)
        return (n_components if whole else leading(n_components, self.variances)) <= self.accurate

    def floor(self, rows: Rows, strongest: float) -> float:
        """Standard deviations up to this are rounding, of the stored numbers or of a Gram matrix."""
        return max(self.noise, math.sqrt(_rounding(rows)) * strongest)

    @torch.no_grad()
    def vectors(self, rows: Rows, k: int) -> Tensor:
        """(D, k), the first k axes: orthonormal columns, in each the entry of largest magnitude positive.

        Args:
            rows: those that the axes were found in.
            k: at most r.
        """
        axes = self.basis[:, :k]
        if len(axes) < len(self.mean):
            axes = self._sums(rows, axes / (self.variances[:k] * (len(rows) - 1)).sqrt())
        strongest = axes.abs().argmax(0, keepdim=True)
        return axes * axes.gather(0, strongest).sign()

    def _sums(self, rows: Rows, weights: Tensor) -> Tensor:
        """(D, k) sums of the centred rows, in `unit`, with (N, k) weights."""
        sums, done = self.mean.new_zeros(len(self.mean), weights.shape[1]), 0
        for block in rows.stream(sums.dtype, sums.device):
            sums.addmm_(self.centred(block).T, weights[done : done + len(block)])
            done += len(block)
        return sums

    def centred(self, block: Tensor) -> Tensor:
        """Rows about the mean, in `unit` or standardised; the block is overwritten."""
        block = block.sub_(self.mean)
        return block.div_(self.unit) if self.deviations is None else block.mul_(weights_of(self.deviations))


Recall = Callable[[str, Callable[[], PrincipalAxes]], PrincipalAxes]
"""Given a route by its name and what takes it: the axes, computed now or known from before."""


def _computed(route: str, compute: Callable[[], PrincipalAxes]) -> PrincipalAxes:
    return compute()


class _Moments(NamedTuple):
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


@torch.no_grad()
def principal_axes(
    rows: Rows,
    device: torch.device,
    n_components: int | float,
    on_block: OnBlock | None = None,
    recall: Recall = _computed,
    *,
    folds: NDArray[np.int64] | None = None,
    standardise: bool = False,
) -> PrincipalAxes:
    """Principal axes of the rows, in float64: all of them, the first `n_components` good to 1e-8.

    They are the eigenvectors of the smaller Gram matrix, (D, D) or (N, N), while the first `n_components`
    are well above its rounding error; otherwise the singular vectors of a QR factor.

    Args:
        rows: (N, D).
        device: where to compute, if it has float64; otherwise the CPU does.
        n_components: as `Settings.n_pca_components`.
        on_block: called after each block of rows.
        recall: gives what a route leads to, perhaps from before.
        folds: (N,) see `fold_numbers`; then the axes without each fold cost no second pass over the rows.
        standardise: find the axes of standardised rows; see `Settings`.

    Raises:
        DataError: NaN or infinity, fewer than two rows, or all rows equal.
    """
    axes = recall("gram", lambda: _from_gram(rows, device, on_block, folds, standardise))
    if axes.suffice(n_components):
        return axes
    return recall("svd", lambda: _from_svd(rows, axes, on_block))


def leading(n_components: int | float, variances: Tensor) -> int:
    """How many components a number, or a share of the variance in (0, 1), stands for."""
    if isinstance(n_components, int):
        return min(n_components, len(variances))
    shares = torch.cumsum(variances, 0) / variances.sum()
    # Five equal axes carry 0.2 each, up to rounding.
    return min(int((shares < n_components * (1 - _SHARE_ROUNDING)).sum()) + 1, len(variances))


def _from_gram(
    rows: Rows,
    device: torch.device,
    on_block: OnBlock | None,
    folds: NDArray[np.int64] | None,
    standardise: bool,
) -> PrincipalAxes:
    if len(rows) < 2:
        raise DataError(f"a fit needs at least two rows, got {len(rows)}")
    work_device = device if working_dtype(device) == torch.float64 else torch.device("cpu")
    moments = _tall_moments if len(rows) >= rows.dimensions else _wide_moments
    some = rows.select(np.unique(np.linspace(0, len(rows) - 1, _SHIFT_ROWS).astype(np.int64)))
    sample = some.block(0, len(some), torch.float64, work_device)
    if sample.abs().max() > LARGEST_FEATURE:
        rows.check_finite()
        raise DataError(
            f"some features are above {LARGEST_FEATURE:g}, too large to compute with: divide them first"
        )
    mean, unit, deviations, gram, noise, grams = moments(rows, sample, on_block, folds, standardise)
    if not torch.isfinite(gram).all():
        rows.check_finite()
        raise DataError("some features are too large to be squared beside the others: divide them first")
    squares, vectors = eigenvectors(gram)
    possible = min(len(rows) - 1, rows.dimensions)
    variances = squares.flip(0)[:possible].clamp_min(0) / (len(rows) - 1)
    # The Gram matrix holds the squares of standard deviations.
    steps = steps_of(rows, sample, deviations)
    basis = vectors[:, -possible:].flip(1)
    axes = PrincipalAxes(mean, variances, basis, ALL, noise, steps, unit, deviations=deviations)
    rank, noise = _rank(rows, axes, rounding=_rounding(rows) ** 0.5)
    accurate = int((variances >= _GRAM_LIMIT * variances[0]).sum())
    if accurate == possible or rank < accurate:
        accurate = ALL
    return axes._replace(
        variances=variances[:rank], basis=axes.basis[:, :rank], accurate=accurate, noise=noise, grams=grams
    )


def _from_svd(rows: Rows, axes: PrincipalAxes, on_block: OnBlock | None) -> PrincipalAxes:
    mean = axes.mean
    factor = mean.new_empty(0, rows.dimensions)
    step = max(rows.dimensions, 4096)
    for start in range(0, len(rows), step):
        stop = min(start + step, len(rows))
        block = axes.centred(rows.block(start, stop, mean.dtype, mean.device))
        factor = torch.linalg.qr(torch.cat([factor, block]), mode="r").R
        if on_block is not None:
            on_block(stop, len(rows))
    _, values, right = torch.linalg.svd(factor, full_matrices=False)
    variances = values.square() / (len(rows) - 1)
    found = axes._replace(variances=variances, basis=right.T.contiguous(), accurate=ALL, grams=None)
    rank, noise = _rank(rows, found, _rounding(rows))
    return found._replace(variances=variances[:rank], basis=found.basis[:, :rank].contiguous(), noise=noise)


def _rounding(rows: Rows) -> float:
    """Relative rounding error of a factorisation in float64."""
    return torch.finfo(torch.float64).eps * max(len(rows), rows.dimensions)


def _rank(rows: Rows, axes: PrincipalAxes, rounding: float) -> tuple[int, float]:
    """How many of all axes are more than rounding, and up to which standard deviation it reaches.

    Rounding that is typical of all features hides no axis of features that are stored more finely: where it
    would hide some, each axis is held against the rounding of those that it is made of. Where that hides all,
    the stored numbers are taken as they are, for they differ.
    """
    deviations = axes.variances.sqrt()
    real = int((deviations > rounding * deviations[0]).sum())
    if real == 0:
        raise DataError(
            f"all {len(rows)} rows are equal: there is no variance to model; load rows that differ"
        )
    rank = int((deviations[:real] > axes.noise).sum())
    if rank < real and axes.steps is not None:
        steps = axes.steps[:, None] / axes.unit
        own = torch.linalg.vector_norm(axes.vectors(rows, real) * steps, dim=0)
        above = (deviations[:real] > own).nonzero()
        rank = max(rank, int(above[-1]) + 1 if len(above) else real)
    return rank, min(axes.noise, float(deviations[rank - 1]) / 2)


def _tall_moments(
    rows: Rows,
    sample: Tensor,
    on_block: OnBlock | None,
    folds: NDArray[np.int64] | None,
    standardise: bool,
) -> _Moments:
    """One pass: rows are shifted by a mean of some of them, and the rest of the mean is taken out after."""
    unit = units_of(sample) if standardise else _unit(sample)
    floor = rounding_of(rows, sample) / unit if standardise else None
    shift = sample.mean(0) / unit
    numbers = np.zeros(len(rows), np.int64) if folds is None else folds
    parts, done, lengths = TallGrams(shift, int(numbers.max()) + 1, unit, floor), 0, []
    for block in rows.stream(shift.dtype, shift.device, on_block):
        lengths.append(torch.linalg.vector_norm(block.div_(unit), dim=1))
        parts.add(block.sub_(shift), numbers[done : done + len(block)])
        done += len(block)
    mean, gram, deviations = parts.whole()
    if isinstance(unit, float):
        noise = noise_of(rows, sample / unit, lengths)
        return _Moments(mean, unit, None, gram, noise, None if folds is None else parts)
    assert deviations is not None
    noise = noise_of_standardised(rows, sample, deviations)
    return _Moments(mean, 1.0, deviations, gram, noise, None if folds is None else parts)


def _wide_moments(
    rows: Rows,
    sample: Tensor,
    on_block: OnBlock | None,
    folds: NDArray[np.int64] | None,
    standardise: bool,
) -> _Moments:
    unit = units_of(sample) if standardise else _unit(sample)
    centred, done = sample.new_empty(len(rows), rows.dimensions), 0
    for block in rows.stream(sample.dtype, sample.device, on_block):
        centred[done : done + len(block)] = block.div_(unit)
        done += len(block)
    lengths, mean = torch.linalg.vector_norm(centred, dim=1), centred.mean(0)
    centred.sub_(mean)
    if isinstance(unit, float):
        gram = _products(centred)
        grams = None if folds is None else WideGram((both_triangles(gram),), folds, unit)
        return _Moments(mean * unit, unit, None, gram, noise_of(rows, sample / unit, [lengths]), grams)
    floor = rounding_of(rows, sample) / unit
    own = _deviations(centred, floor)
    if folds is not None:
        parts = [_deviations(centred[torch.from_numpy(folds != i)], floor) for i in range(folds.max() + 1)]
        grams = WideGram(tuple(both_triangles(_products(centred, part)) for part in parts), folds, 1.0)
    gram, noise = _products(centred, own), noise_of_standardised(rows, sample, own * unit)
    return _Moments(mean * unit, 1.0, own * unit, gram, noise, grams if folds is not None else None)


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
