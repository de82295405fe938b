"""Exact principal component analysis, computed in float64 block by block."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from kdeviz.errors import DataError
from kdeviz.module import FittedModule
from kdeviz.rows import Features, OnBlock, Rows, working_dtype
from kdeviz.settings import Settings

__all__ = ["PCA", "PrincipalAxes", "principal_axes"]

# A Gram matrix squares the condition number: below this variance ratio its float64 eigenvectors are no
# longer good to 1e-8, and the slower QR route is taken.
_GRAM_LIMIT = 1e-6
# Sums of larger entries could overflow.
_LARGEST_ENTRY = 1e300


class PrincipalAxes(NamedTuple):
    """Every principal axis of a data set, strongest first; a PCA keeps the first k."""

    mean: Tensor
    """(D,)"""
    vectors: Tensor
    """(D, r), orthonormal columns; in each, the entry of largest magnitude is positive."""
    variances: Tensor
    """(r,), sample variances (divided by N - 1) along the axes."""

    @property
    def rank(self) -> int:
        """r, the numerical rank of the centred data."""
        return len(self.variances)


class PCA(FittedModule):
    """Projects (N, D) features onto their k strongest principal axes.

    Args:
        n_components: k, an int >= 1, or a float in (0, 1): as many as keep that share of the variance.
            More than the rank of the data is cut to the rank; `n_components_` tells.

    Raises:
        OptionError: `n_components` is neither.
    """

    _fitted_buffer = "singular_vectors"
    mean: Tensor
    singular_vectors: Tensor
    spectrum: Tensor

    def __init__(self, n_components: int | float) -> None:
        super().__init__()
        self.n_components = Settings(n_pca_components=n_components).n_pca_components
        self.register_buffer("mean", torch.empty(0))
        self.register_buffer("singular_vectors", torch.empty(0))
        self.register_buffer("spectrum", torch.empty(0))

    @property
    def n_components_(self) -> int:
        """k as kept."""
        self._require_fitted()
        return int(self.singular_vectors.shape[1])

    @property
    def explained_variance_ratio(self) -> Tensor:
        """(k,) shares of the total variance that the kept components carry."""
        self._require_fitted()
        return self.spectrum[: self.n_components_] / self.spectrum.sum()

    def fit(self, dataset: Features) -> PCA:
        """Fit on (N, D) rows.

        Raises:
            DataError: NaN or infinity, fewer than two rows, or all rows equal.
        """
        rows = Rows(dataset)
        rows.check_finite()
        return self.use_axes(principal_axes(rows, rows.device or self.mean.device, self.n_components))

    def use_axes(self, axes: PrincipalAxes) -> PCA:
        """Keep the first `n_components` of axes that were computed before."""
        k = _kept(self.n_components, axes.variances)
        dtype = working_dtype(axes.mean.device)
        self.mean = axes.mean.to(dtype)
        self.singular_vectors = axes.vectors[:, :k].to(dtype).contiguous()
        self.spectrum = axes.variances.to(dtype)
        return self

    def fit_transform(self, dataset: Features) -> Tensor:
        """`fit`, then `transform` of the same rows."""
        return self.fit(dataset).transform(dataset)

    @torch.no_grad()
    def transform(self, features: Features) -> Tensor:
        """(N, D) rows to (N, k) scores; float64 in gives float64 out, everything else float32."""
        self._require_fitted()
        rows = Rows(features, len(self.mean))
        dtype = rows.result_dtype(self.device)
        empty = self.mean.new_empty((0, self.n_components_), dtype=dtype)
        return torch.cat([empty, *(self.project(rows, *span).to(dtype) for span in rows.spans())])

    def project(self, rows: Rows, start: int, stop: int) -> Tensor:
        """Scores of rows start to stop in the precision of the model."""
        block = rows.block(start, stop, self.mean.dtype, self.device).sub_(self.mean)
        return block.clamp_(-_LARGEST_ENTRY, _LARGEST_ENTRY) @ self.singular_vectors

    @torch.no_grad()
    def inverse_transform(self, scores: Features) -> Tensor:
        """(N, k) scores back to (N, D) features, the mean added back."""
        self._require_fitted()
        rows = Rows(scores, self.n_components_)
        wide = rows.block(0, len(rows), self.mean.dtype, self.device)
        return (wide @ self.singular_vectors.T + self.mean).to(rows.result_dtype(self.device))

    def forward(self, features: Features) -> Tensor:
        """Same as `transform`."""
        return self.transform(features)


@torch.no_grad()
def principal_axes(
    rows: Rows, device: torch.device, n_components: int | float, on_block: OnBlock | None = None
) -> PrincipalAxes:
    """Principal axes of the rows, in float64.

    The eigenvectors of the smaller Gram matrix, (D, D) or (N, N), are taken while the first `n_components`
    axes are well above its rounding error; otherwise the singular vectors of a QR factor.

    Raises:
        DataError: fewer than two rows, or all rows equal.
    """
    if len(rows) < 2:
        raise DataError(f"a fit needs at least two rows, got {len(rows)}")
    work_device = device if working_dtype(device) == torch.float64 else torch.device("cpu")
    mean, floor = _mean_and_noise(rows, work_device)
    tall = len(rows) >= rows.dimensions
    variances, vectors = _gram_tall(rows, mean, on_block) if tall else _gram_wide(rows, mean)
    rounding = torch.finfo(torch.float64).eps * max(len(rows), rows.dimensions)
    tolerance = rounding**0.5  # of a standard deviation: the Gram matrix holds its square
    if variances[_kept(n_components, variances) - 1] < _GRAM_LIMIT * variances[0]:
        variances, vectors = _svd(rows, mean, on_block)
        tolerance = rounding
    rank = int((variances.sqrt() > max(floor, tolerance * float(variances[0].sqrt()))).sum())
    if rank == 0:
        raise DataError(
            f"all {len(rows)} rows are equal: there is no variance to model; load rows that differ"
        )
    return PrincipalAxes(mean.to(device), _signed(vectors[:, :rank]).to(device), variances[:rank].to(device))


def _kept(n_components: int | float, variances: Tensor) -> int:
    if isinstance(n_components, int):
        return min(n_components, len(variances))
    shares = torch.cumsum(variances, 0) / variances.sum()
    return min(int((shares < n_components).sum()) + 1, len(variances))


def _mean_and_noise(rows: Rows, device: torch.device) -> tuple[Tensor, float]:
    """Mean (D,), and the standard deviation that rounding of the stored numbers alone can cause.

    Each entry is off by at most half its rounding step; a random matrix of such errors with shape (N, D)
    spreads at most (1 + sqrt(D / N)) times one entry along any axis. The median length keeps a single
    huge row from hiding all others.
    """
    total = torch.zeros(rows.dimensions, dtype=torch.float64, device=device)
    lengths = []
    for start, stop in rows.spans():
        block = rows.block(start, stop, torch.float64, device)
        total += block.sum(0)
        lengths.append(torch.linalg.vector_norm(block, dim=1))
    typical_entry = float(torch.cat(lengths).median()) / rows.dimensions**0.5
    spread = 1 + (rows.dimensions / len(rows)) ** 0.5
    return total / len(rows), rows.resolution * typical_entry * spread


def _gram_tall(rows: Rows, mean: Tensor, on_block: OnBlock | None) -> tuple[Tensor, Tensor]:
    gram = mean.new_zeros(rows.dimensions, rows.dimensions)
    for start, stop in rows.spans(on_block):
        block = rows.block(start, stop, mean.dtype, mean.device).sub_(mean)
        gram.addmm_(block.T, block)
    values, vectors = _eigen(gram)
    return values / (len(rows) - 1), vectors


def _gram_wide(rows: Rows, mean: Tensor) -> tuple[Tensor, Tensor]:
    centred = rows.block(0, len(rows), mean.dtype, mean.device).sub_(mean)
    values, left = _eigen(centred @ centred.T)
    vectors = centred.T @ left / values.sqrt().clamp_min(torch.finfo(values.dtype).tiny)
    return values / (len(rows) - 1), vectors


def _eigen(gram: Tensor) -> tuple[Tensor, Tensor]:
    if not torch.isfinite(gram).all():
        raise DataError("the features are too large to be squared (above about 1e150): divide them first")
    values, vectors = torch.linalg.eigh(gram)
    return values.flip(0).clamp_min(0), vectors.flip(1)


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
