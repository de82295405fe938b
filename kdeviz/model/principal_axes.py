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

# A Gram matrix squares the condition number: below this variance ratio its float64 eigenvectors are no
# longer good to 1e-8, and the slower QR route is taken.
_GRAM_LIMIT = 1e-6
_SHIFT_ROWS = 256
ALL = 2**63
"""As `PrincipalAxes.accurate`: all of them."""


class PrincipalAxes(NamedTuple):
    """All principal axes of a data set, strongest first; a PCA keeps the first k."""

    mean: Tensor
    """(D,)"""
    variances: Tensor
    """(r,), sample variances (divided by N - 1) along the axes."""
    basis: Tensor
    """(D, r), the axes; where they need less room, (N, r), the eigenvectors of the rows' inner products."""
    accurate: int
    """So many components may be asked for: the axes of more would not be good to 1e-8."""
    noise: float
    """The standard deviation that rounding of the stored numbers alone can cause along an axis."""
    grams: FoldGrams | None = None
    """What the axes without each fold come from, where folds were given and the Gram matrix is accurate."""

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
        """(D, k) sums of the centred rows with (N, k) weights."""
        sums, done = self.mean.new_zeros(len(self.mean), weights.shape[1]), 0
        for block in rows.stream(sums.dtype, sums.device):
            sums.addmm_(block.sub_(self.mean).T, weights[done : done + len(block)])
            done += len(block)
        return sums


Recall = Callable[[str, Callable[[], PrincipalAxes]], PrincipalAxes]
"""Given a route by its name and what takes it: the axes, computed now or known from before."""


def _computed(route: str, compute: Callable[[], PrincipalAxes]) -> PrincipalAxes:
    return compute()


class _Moments(NamedTuple):
    """What one pass over the rows gives."""

    mean: Tensor
    """(D,)"""
    gram: Tensor
    """(D, D) or (N, N), whichever is smaller, of the centred rows; only the upper triangle is filled."""
    noise: float
    """The standard deviation that rounding of the stored numbers alone can cause along an axis."""
    folds: TallGrams | None
    """Of the folds, where folds were given and rows are many."""


@torch.no_grad()
def principal_axes(
    rows: Rows,
    device: torch.device,
    n_components: int | float,
    on_block: OnBlock | None = None,
    recall: Recall = _computed,
    *,
    folds: NDArray[np.int64] | None = None,
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

    Raises:
        DataError: NaN or infinity, fewer than two rows, or all rows equal.
    """
    axes = recall("gram", lambda: _from_gram(rows, device, on_block, folds))
    if axes.suffice(n_components):
        return axes
    return recall("svd", lambda: _from_svd(rows, axes, on_block))


def leading(n_components: int | float, variances: Tensor) -> int:
    """How many components a number, or a share of the variance in (0, 1), stands for."""
    if isinstance(n_components, int):
        return min(n_components, len(variances))
    shares = torch.cumsum(variances, 0) / variances.sum()
    return min(int((shares < n_components).sum()) + 1, len(variances))


def _from_gram(
    rows: Rows, device: torch.device, on_block: OnBlock | None, folds: NDArray[np.int64] | None
) -> PrincipalAxes:
    if len(rows) < 2:
        raise DataError(f"a fit needs at least two rows, got {len(rows)}")
    work_device = device if working_dtype(device) == torch.float64 else torch.device("cpu")
    tall = len(rows) >= rows.dimensions
    moments = _tall_moments if tall else _wide_moments
    mean, gram, noise, parts = moments(rows, work_device, on_block, folds)
    if not torch.isfinite(gram).all():
        rows.check_finite()
        raise DataError("the features are too large to be squared (above about 1e150): divide them first")
    grams = parts if folds is None or tall else WideGram(both_triangles(gram), folds)
    squares, vectors = eigenvectors(gram)
    possible = min(len(rows) - 1, rows.dimensions)
    variances = squares.flip(0)[:possible].clamp_min(0) / (len(rows) - 1)
    # The Gram matrix holds the squares of standard deviations.
    rank = _rank(rows, variances, noise, rounding=_rounding(rows) ** 0.5)
    accurate = int((variances >= _GRAM_LIMIT * variances[0]).sum())
    if accurate == possible or rank < accurate:
        accurate = ALL
    return PrincipalAxes(mean, variances[:rank], vectors[:, -rank:].flip(1), accurate, noise, grams)


def _from_svd(rows: Rows, axes: PrincipalAxes, on_block: OnBlock | None) -> PrincipalAxes:
    mean = axes.mean
    factor = mean.new_empty(0, rows.dimensions)
    step = max(rows.dimensions, 4096)
    for start in range(0, len(rows), step):
        stop = min(start + step, len(rows))
        block = rows.block(start, stop, mean.dtype, mean.device).sub_(mean)
        factor = torch.linalg.qr(torch.cat([factor, block]), mode="r").R
        if on_block is not None:
            on_block(stop, len(rows))
    _, values, right = torch.linalg.svd(factor, full_matrices=False)
    variances = values.square() / (len(rows) - 1)
    rank = _rank(rows, variances, axes.noise, _rounding(rows))
    return PrincipalAxes(mean, variances[:rank], right.T[:, :rank].contiguous(), ALL, axes.noise)


def _rounding(rows: Rows) -> float:
    """Relative rounding error of a factorisation in float64."""
    return torch.finfo(torch.float64).eps * max(len(rows), rows.dimensions)


def _rank(rows: Rows, variances: Tensor, noise: float, rounding: float) -> int:
    floor = max(noise, rounding * float(variances[0].sqrt()))
    rank = int((variances.sqrt() > floor).sum())
    if rank == 0:
        raise DataError(
            f"all {len(rows)} rows are equal: there is no variance to model; load rows that differ"
        )
    return rank


def _tall_moments(
    rows: Rows, device: torch.device, on_block: OnBlock | None, folds: NDArray[np.int64] | None
) -> _Moments:
    """One pass: rows are shifted by a mean of some of them, and the rest of the mean is taken out after."""
    some = rows.select(np.unique(np.linspace(0, len(rows) - 1, _SHIFT_ROWS).astype(np.int64)))
    shift = some.block(0, len(some), torch.float64, device).mean(0)
    numbers = np.zeros(len(rows), np.int64) if folds is None else folds
    parts, done, lengths = TallGrams(shift, int(numbers.max()) + 1), 0, []
    for block in rows.stream(torch.float64, device, on_block):
        lengths.append(torch.linalg.vector_norm(block, dim=1))
        parts.add(block.sub_(shift), numbers[done : done + len(block)])
        done += len(block)
    mean, gram = parts.whole()
    return _Moments(mean, gram, _noise(rows, lengths), None if folds is None else parts)


def _wide_moments(
    rows: Rows, device: torch.device, on_block: OnBlock | None, folds: NDArray[np.int64] | None
) -> _Moments:
    centred = torch.empty(len(rows), rows.dimensions, dtype=torch.float64, device=device)
    done = 0
    for block in rows.stream(torch.float64, device, on_block):
        centred[done : done + len(block)] = block
        done += len(block)
    lengths = torch.linalg.vector_norm(centred, dim=1)
    mean = centred.mean(0)
    centred.sub_(mean)
    gram = mean.new_zeros(len(rows), len(rows))
    add_products(gram, centred.T)
    return _Moments(mean, gram, _noise(rows, [lengths]), None)


def _noise(rows: Rows, lengths: list[Tensor]) -> float:
    """Each entry is off by at most half its rounding step.

    A random matrix of such errors with shape (N, D) spreads at most (1 + sqrt(D / N)) times one entry along
    any axis. The median length keeps a single huge row from hiding all others.
    """
    typical_entry = float(torch.cat(lengths).median()) / rows.dimensions**0.5
    spread = 1 + (rows.dimensions / len(rows)) ** 0.5
    return float(rows.resolution * typical_entry * spread)
