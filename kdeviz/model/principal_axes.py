"""Principal axes of a data set: exact, in float64, from one pass over the rows in blocks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from kdeviz.data import OnBlock, Rows, working_dtype
from kdeviz.errors import DataError
from kdeviz.model.eigen import Tridiagonal, product

AXES_KEPT = 32
"""At least so many axes are computed where there are as many: the next count asked for is often near."""

# A Gram matrix squares the condition number: below this variance ratio its float64 eigenvectors are no
# longer good to 1e-8, and the slower QR route is taken.
_GRAM_LIMIT = 1e-6
_PANEL = 128
_SHIFT_ROWS = 256
_MANY = 2**62


class PrincipalAxes(NamedTuple):
    """The strongest principal axes of a data set, strongest first; a PCA keeps the first k."""

    mean: Tensor
    """(D,)"""
    vectors: Tensor
    """(D, w), orthonormal columns; in each, the entry of largest magnitude is positive."""
    variances: Tensor
    """(r,), sample variances (divided by N - 1) along all axes, those without a vector too."""
    counts: range
    """The component counts for which `principal_axes` gives these very axes, to the last bit."""

    @property
    def rank(self) -> int:
        """r, the numerical rank of the centred data."""
        return len(self.variances)

    def serve(self, n_components: int | float) -> bool:
        """Whether a fit with so many components would compute these very axes."""
        asked = isinstance(n_components, int)
        return (n_components if asked else leading(n_components, self.variances)) in self.counts


class _Moments(NamedTuple):
    """What one pass over the rows gives."""

    mean: Tensor
    """(D,)"""
    gram: Tensor
    """(D, D) or (N, N), whichever is smaller, of the centred rows; only the upper triangle is filled."""
    centred: Tensor | None
    """(N, D) where the Gram matrix is (N, N)."""
    noise: float
    """The standard deviation that rounding of the stored numbers alone can cause along an axis."""


@torch.no_grad()
def principal_axes(
    rows: Rows, device: torch.device, n_components: int | float, on_block: OnBlock | None = None
) -> PrincipalAxes:
    """Principal axes of the rows, in float64: at least `n_components` of them, or as many as there are.

    The eigenvectors of the smaller Gram matrix, (D, D) or (N, N), are taken while the first `n_components`
    axes are well above its rounding error; otherwise the singular vectors of a QR factor.

    Raises:
        DataError: NaN or infinity, fewer than two rows, or all rows equal.
    """
    if len(rows) < 2:
        raise DataError(f"a fit needs at least two rows, got {len(rows)}")
    work_device = device if working_dtype(device) == torch.float64 else torch.device("cpu")
    tall = len(rows) >= rows.dimensions
    moments = (_tall_moments if tall else _wide_moments)(rows, work_device, on_block)
    if not torch.isfinite(moments.gram).all():
        rows.check_finite()
        raise DataError("the features are too large to be squared (above about 1e150): divide them first")
    reduced = Tridiagonal(moments.gram.cpu().numpy())
    variances = torch.from_numpy(reduced.values()).to(work_device).clamp_min(0) / (len(rows) - 1)
    exact = int((variances >= _GRAM_LIMIT * variances[0]).sum())
    counts = _counts(n_components, variances, exact)
    rounding = torch.finfo(torch.float64).eps * max(len(rows), rows.dimensions)
    if counts.start > exact:
        variances, vectors = _svd(rows, moments.mean, on_block)
    else:
        rounding **= 0.5  # the Gram matrix holds the squares of standard deviations
        width = min(AXES_KEPT, len(variances)) if counts.start == 1 else exact
        vectors = _gram_vectors(reduced, width, variances, moments)
    noise = max(moments.noise, rounding * float(variances[0].sqrt()))
    rank = int((variances.sqrt() > noise).sum())
    if rank == 0:
        raise DataError(
            f"all {len(rows)} rows are equal: there is no variance to model; load rows that differ"
        )
    vectors, variances = _signed(vectors[:, :rank]), variances[:rank]
    return PrincipalAxes(moments.mean.to(device), vectors.to(device), variances.to(device), counts)


def leading(n_components: int | float, variances: Tensor) -> int:
    """How many components a number, or a share of the variance in (0, 1), stands for."""
    if isinstance(n_components, int):
        return min(n_components, len(variances))
    shares = torch.cumsum(variances, 0) / variances.sum()
    return min(int((shares < n_components).sum()) + 1, len(variances))


def _counts(n_components: int | float, variances: Tensor, exact: int) -> range:
    """Which component counts take the same route: a few Gram vectors, all of them, or a QR factor."""
    asked = leading(n_components, variances)
    last = _MANY if exact == len(variances) else exact + 1
    if asked > exact:
        return range(exact + 1, _MANY)
    if asked > AXES_KEPT:
        return range(AXES_KEPT + 1, last)
    return range(1, last if len(variances) <= AXES_KEPT else min(AXES_KEPT + 1, last))


def _tall_moments(rows: Rows, device: torch.device, on_block: OnBlock | None) -> _Moments:
    """One pass: rows are shifted by a mean of some of them, and the rest of the mean is taken out after."""
    some = rows.select(np.unique(np.linspace(0, len(rows) - 1, _SHIFT_ROWS).astype(np.int64)))
    shift = some.block(0, len(some), torch.float64, device).mean(0)
    total, gram = torch.zeros_like(shift), shift.new_zeros(len(shift), len(shift))
    lengths = []
    for block in rows.stream(torch.float64, device, on_block):
        lengths.append(torch.linalg.vector_norm(block, dim=1))
        block.sub_(shift)
        total += block.sum(0)
        _add_products(gram, block)
    rest = total / len(rows)
    gram.sub_(torch.outer(rest, total))
    return _Moments(shift + rest, gram, None, _noise(rows, lengths))


def _wide_moments(rows: Rows, device: torch.device, on_block: OnBlock | None) -> _Moments:
    centred = torch.empty(len(rows), rows.dimensions, dtype=torch.float64, device=device)
    done = 0
    for block in rows.stream(torch.float64, device, on_block):
        centred[done : done + len(block)] = block
        done += len(block)
    lengths = torch.linalg.vector_norm(centred, dim=1)
    mean = centred.mean(0)
    centred.sub_(mean)
    gram = mean.new_zeros(len(rows), len(rows))
    _add_products(gram, centred.T)
    return _Moments(mean, gram, centred, _noise(rows, [lengths]))


def _add_products(gram: Tensor, block: Tensor) -> None:
    """Add blockᵀ block to the upper triangle: panel by panel, near half the work of the whole."""
    for start in range(0, len(gram), _PANEL):
        gram[start : start + _PANEL, start:].addmm_(block[:, start : start + _PANEL].T, block[:, start:])


def _noise(rows: Rows, lengths: list[Tensor]) -> float:
    """Each entry is off by at most half its rounding step.

    A random matrix of such errors with shape (N, D) spreads at most (1 + sqrt(D / N)) times one entry along
    any axis. The median length keeps a single huge row from hiding all others.
    """
    typical_entry = float(torch.cat(lengths).median()) / rows.dimensions**0.5
    spread = 1 + (rows.dimensions / len(rows)) ** 0.5
    return float(rows.resolution * typical_entry * spread)


def _gram_vectors(reduced: Tridiagonal, count: int, variances: Tensor, moments: _Moments) -> Tensor:
    vectors, centred = reduced.vectors(count), moments.centred
    if centred is None:
        return torch.from_numpy(vectors).to(variances.device)
    if centred.device.type == "cpu":
        across = torch.from_numpy(product(centred.numpy().T, vectors))
    else:
        across = centred.T @ torch.from_numpy(vectors).to(centred.device)
    lengths = (variances[:count] * (len(centred) - 1)).sqrt()
    return across / lengths.clamp_min(torch.finfo(lengths.dtype).tiny)


def _svd(rows: Rows, mean: Tensor, on_block: OnBlock | None) -> tuple[Tensor, Tensor]:
    factor = mean.new_empty(0, rows.dimensions)
    step = max(rows.dimensions, 4096)
    for start in range(0, len(rows), step):
        stop = min(start + step, len(rows))
        block = rows.block(start, stop, mean.dtype, mean.device).sub_(mean)
        factor = torch.linalg.qr(torch.cat([factor, block]), mode="r").R
        if on_block is not None:
            on_block(stop, len(rows))
    _, values, right = torch.linalg.svd(factor, full_matrices=False)
    return values.square() / (len(rows) - 1), right.T


def _signed(vectors: Tensor) -> Tensor:
    strongest = vectors.abs().argmax(0, keepdim=True)
    return vectors * vectors.gather(0, strongest).sign()
