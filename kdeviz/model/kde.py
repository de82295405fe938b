"""Gaussian kernel density estimation with full covariance, always in log space."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from kdeviz.data import Features, Rows, working_dtype
from kdeviz.errors import DataError, OptionError
from kdeviz.model.fitted_module import FittedModule
from kdeviz.model.kernels.sums import KernelSums
from kdeviz.settings import Settings

# Larger coordinates could overflow when they are whitened.
_LARGEST_COORDINATE = 1e140

# Scores that differ by fewer steps of float32 than this are told in float64.
_STEPS = 2**16
# Measured: below this, in units of the exponent, folds and the whole model differ by more than the rows do.
_FLAT = 0.5

# About a tenth of a second on two cores, and a hundredth to a tenth on a GPU: less would not fill it.
_PAIRS_PER_BLOCK, _PAIRS_PER_GPU_BLOCK = 2**27, 2**35


def bandwidth_factor(rule: str | float, n: int, k: int) -> float:
    """Kernel width as a multiple of the data's own spread.

    Scott: n ** (-1 / (k + 4)); Silverman: (n (k + 2) / 4) ** (-1 / (k + 4)); a number multiplies Scott's.
    Source: D. W. Scott, Multivariate Density Estimation, 1992; B. W. Silverman, Density Estimation, 1986.
    """
    if rule == "silverman":
        return float((n * (k + 2) / 4) ** (-1 / (k + 4)))
    return float(n ** (-1 / (k + 4)) * (1 if rule == "scott" else float(rule)))


class GaussianKDE(FittedModule):
    """p(x) = 1 / (n |H|^(1/2) (2 pi)^(k/2)) sum_j exp(-(x - y_j) H^-1 (x - y_j) / 2), H = factor^2 cov.

    With W W^T = H^-1 the points are kept whitened, (y_j - mean) W, so that
    log p(x) = logsumexp_j(-|(x - y_j) W|^2 / 2) - log n + log|W| - k/2 log(2 pi).

    Args:
        bandwidth: "scott", "silverman", or a positive factor that multiplies Scott's.

    Attributes:
        kernel: which of `KERNELS` sums the kernels; "auto" takes the fastest.

    Raises:
        OptionError: `bandwidth` is none of these.
    """

    _fitted_buffer = "dataset"
    dataset: Tensor
    mean: Tensor
    bw_transform: Tensor
    log_norm: Tensor

    def __init__(self, bandwidth: str | float = "scott") -> None:
        super().__init__()
        self.bandwidth = Settings(bandwidth=bandwidth).bandwidth
        self.kernel = "auto"
        self.register_buffer("dataset", torch.empty(0))
        self.register_buffer("mean", torch.empty(0))
        self.register_buffer("bw_transform", torch.empty(0))
        self.register_buffer("log_norm", torch.empty(()))

    @property
    def rows_per_block(self) -> int:
        """How many rows to score between two looks at progress."""
        pairs = _PAIRS_PER_BLOCK if self.device.type == "cpu" else _PAIRS_PER_GPU_BLOCK
        return max(pairs // max(len(self.dataset), 1), 256)

    @torch.no_grad()
    def fit(self, dataset: Features) -> GaussianKDE:
        """Fit on (n, k) points.

        Raises:
            DataError: NaN or infinity, fewer than two points, or points that span fewer than k dimensions.
        """
        rows = Rows(dataset)
        rows.check_finite()
        device = rows.device or self.mean.device
        points = rows.block(0, len(rows), working_dtype(device), device)
        n, k = points.shape
        if n < 2:
            raise DataError(f"a density needs at least two points, got {n}")
        # torch.cov has the same formula and takes several times as long where rows are few.
        centred = points - points.mean(0)
        covariance = centred.T @ centred / (n - 1)
        return self._set(points, covariance * bandwidth_factor(self.bandwidth, n, k) ** 2)

    def _set(self, points: Tensor, kernel_covariance: Tensor) -> GaussianKDE:
        mean = points.mean(0)
        transform, log_determinant = _whitening(kernel_covariance, points.abs().amax(0))
        self.mean, self.bw_transform = mean, transform
        self.dataset = (points - mean) @ transform
        self.log_norm = log_determinant - points.shape[1] / 2 * math.log(2 * math.pi)
        return self

    @torch.no_grad()
    def log_prob(self, features: Features) -> Tensor:
        """Log density in nats of (M, k) features: (M,), float64 for float64 features, else see `told_in`.

        Raises:
            NotFittedError: before `fit`.
            DataError: wrong shape, NaN or infinity.
        """
        self._require_fitted()
        rows = Rows(features, len(self.mean))
        rows.check_finite()
        dtype = self.told_in(rows.result_dtype(self.device))
        scores, scorer = self.mean.new_empty(len(rows), dtype=dtype), self.scorer(dtype)
        for start, stop in rows.spans(most=self.rows_per_block):
            scores[start:stop] = scorer.log_prob(rows.block(start, stop, self.mean.dtype, self.device))
        return scores

    @torch.no_grad()
    def told_in(self, dtype: torch.dtype) -> torch.dtype:
        """`dtype`; float64 where kernels are so wide that log densities in float32 would not rank the rows.

        Where all points lie within one kernel, log p(x) is a constant less about |x|^2 / 2: compared are the
        spread of that (interquartile) and the rounding of the constant.
        """
        self._require_fitted()
        if dtype == self.dataset.dtype or self.dataset.dtype != torch.float64:
            return dtype
        if not self.is_flat:
            return dtype
        exponents = self._exponents
        low, high = np.quantile(exponents.cpu().numpy(), [0.25, 0.75]).tolist()
        size = abs(float(self.log_norm)) + math.log(len(exponents))
        return torch.float64 if high - low < _STEPS * torch.finfo(dtype).eps * size else dtype

    @property
    def is_flat(self) -> bool:
        """Whether kernels are so wide that most points lie well within the one at their mean."""
        return float(self._exponents.median()) < _FLAT

    @property
    def _exponents(self) -> Tensor:
        """(n,) of the kernel at the mean, at each point, without its sign."""
        return self.dataset.square().sum(1) / 2

    def scorer(self, dtype: torch.dtype) -> DensityScorer:
        """What computes log densities, prepared once for many blocks."""
        self._require_fitted()
        return DensityScorer(self, dtype)

    @torch.no_grad()
    def marginal(self, components: tuple[int, ...]) -> GaussianKDE:
        """The exact marginal density over some of the k dimensions, itself a Gaussian KDE.

        Integrating the other dimensions out of a Gaussian mixture leaves the same mixture with the matching
        rows and columns of its covariance.

        Raises:
            OptionError: a component is repeated or not among the k.
        """
        self._require_fitted()
        k = len(self.mean)
        different = len(set(components)) == len(components) > 0
        if not different or not set(components) <= set(range(k)):
            raise OptionError(
                f"components={components} is not possible: choose different ones from 0 to {k - 1}"
            )
        return self.along(torch.eye(k, dtype=torch.float64)[:, list(components)])

    @property
    def points(self) -> Tensor:
        """(n, k) the points that it was fitted on, up to rounding."""
        centred: Tensor = torch.linalg.solve(self.bw_transform, self.dataset, left=False)
        return centred + self.mean

    @torch.no_grad()
    def along(self, directions: Tensor) -> GaussianKDE:
        """The exact density of x @ directions, itself a Gaussian KDE.

        A linear map P makes of a Gaussian mixture the mixture of the mapped points, with covariance P^T H P.

        Args:
            directions: (k, A), of full rank.

        Raises:
            DataError: the points span fewer than A dimensions along these directions.
        """
        self._require_fitted()
        directions = directions.to(self.device, self.mean.dtype)
        mapped = torch.linalg.solve(self.bw_transform, directions)
        points = self.dataset @ mapped + self.mean @ directions
        return GaussianKDE(self.bandwidth)._set(points, mapped.T @ mapped)

    def forward(self, features: Features) -> Tensor:
        """Density of (M, k) features; 0 or infinity where it leaves the dtype's range (see `log_prob`)."""
        return self.log_prob(features).exp()


class DensityScorer:
    """Log densities of blocks of rows under one fitted `GaussianKDE`.

    Args:
        kde: the fitted density.
        dtype: of the results and of the arithmetic, float32 or float64.
    """

    def __init__(self, kde: GaussianKDE, dtype: torch.dtype) -> None:
        self._kde = kde
        self._dtype = dtype
        self._sums = KernelSums(kde.dataset, dtype, kde.kernel)
        self._log_norm = float(kde.log_norm)

    @property
    def kernel(self) -> str:
        """The name of the kernel in use."""
        return self._sums.kernel

    def log_prob(self, block: Tensor) -> Tensor:
        """Log density of a checked (M, k) block in the density's own dtype."""
        centred = (block - self._kde.mean).clamp_(-_LARGEST_COORDINATE, _LARGEST_COORDINATE)
        offset = self._log_norm - math.log(len(self._kde.dataset))
        return (self._sums.at(centred @ self._kde.bw_transform, offset) + offset).to(self._dtype)


def _whitening(covariance: Tensor, magnitude: Tensor) -> tuple[Tensor, Tensor]:
    """W with W W^T = covariance^-1, and log|W|.

    Dividing by the standard deviations first makes the result independent of the units of each dimension.
    `magnitude` (k,) is the largest absolute value in each: a spread below its rounding is none.
    """
    if not torch.isfinite(covariance).all():
        raise DataError("the points are too large to be squared (above about 1e150): divide them first")
    spread = covariance.diagonal().sqrt()
    k = len(spread)
    precision = torch.finfo(covariance.dtype)
    resolution = 10 * k * precision.eps
    varies = spread > (resolution * magnitude).clamp_min(precision.tiny**0.5)
    correlation = covariance[varies][:, varies] / spread[varies][:, None] / spread[varies]
    rank = int((torch.linalg.eigvalsh(correlation.cpu()) > resolution).sum())
    if rank < k:
        raise DataError(
            f"the points span only {rank} of {k} dimensions: keep fewer components, or scale with 'scale'"
        )
    factor = torch.linalg.cholesky(correlation)
    identity = torch.eye(k, dtype=covariance.dtype, device=covariance.device)
    inverse = torch.linalg.solve_triangular(factor, identity, upper=False)
    log_determinant = -(factor.diagonal().log().sum() + spread.log().sum())
    return (inverse / spread).T.contiguous(), log_determinant
