"""Principal axes of a data set: exact, in float64, from one pass over the rows in blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.data import OnBlock, Rows, working_dtype
from kdeviz.errors import DataError
from kdeviz.model.eigenvectors import eigenvectors
from kdeviz.model.fold_axes import FoldGrams
from kdeviz.model.moments import Moments, moments_of_tall, moments_of_wide, sample_of
from kdeviz.model.rounding import steps_of
from kdeviz.model.standardising import weights_of

# A Gram matrix squares the condition number: below this variance ratio its float64 eigenvectors are no
# longer good to 1e-8, and the slower QR route is taken.
_GRAM_LIMIT = 1e-6
_SHARE_ROUNDING = 1e-12
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
        sums = self.mean.new_zeros(len(self.mean), weights.shape[1])
        for place, block in rows.stream(sums.dtype, sums.device):
            sums.addmm_(self.centred(block).T, weights[place])
        return sums

    def centred(self, block: Tensor) -> Tensor:
        """Rows about the mean, in `unit` or standardised; the block is overwritten."""
        block = block.sub_(self.mean)
        return block.div_(self.unit) if self.deviations is None else block.mul_(weights_of(self.deviations))


Recall = Callable[[Hashable, Callable[[], PrincipalAxes]], PrincipalAxes]
"""Given all that a route depends on but the rows, and what takes it: the axes, computed now or before."""


def _computed(route: Hashable, compute: Callable[[], PrincipalAxes]) -> PrincipalAxes:
    return compute()


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
    asked = str(device), None if folds is None else folds.tobytes(), standardise
    axes = recall(("gram", *asked), lambda: _from_gram(rows, device, on_block, folds, standardise))
    if axes.suffice(n_components):
        return axes
    return recall(("svd", *asked), lambda: _from_svd(rows, axes, on_block))


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
    moments = moments_of_tall if len(rows) >= rows.dimensions else moments_of_wide
    sample = sample_of(rows, work_device)
    return axes_of_moments(moments(rows, sample, on_block, folds, standardise), rows, sample, len(rows))


def axes_of_moments(found: Moments, rows: Rows, sample: Tensor, count: int) -> PrincipalAxes:
    """The axes that moments lead to.

    Args:
        found: of as many rows as `count` says.
        rows: all of them, or some, which tell how finely their numbers are stored.
        sample: a few of those in float64.
        count: of the rows in the moments.

    Raises:
        DataError: all rows are equal, or too large.
    """
    mean, unit, deviations, gram, noise, grams = found
    if not torch.isfinite(gram).all():
        rows.check_finite()
        raise DataError("some features are too large to be squared beside the others: divide them first")
    squares, vectors = eigenvectors(gram)
    possible = min(count - 1, rows.dimensions)
    variances = squares.flip(0)[:possible].clamp_min(0) / (count - 1)
    # The Gram matrix holds the squares of standard deviations.
    steps = steps_of(rows, sample, deviations)
    basis = vectors[:, -possible:].flip(1)
    axes = PrincipalAxes(mean, variances, basis, ALL, noise, steps, unit, deviations=deviations)
    rounding = torch.finfo(torch.float64).eps * max(count, rows.dimensions)
    rank, noise = _rank(rows, axes, rounding=rounding**0.5)
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
