"""log of a sum of Gaussian kernels, fast and to a promised accuracy: every density here comes from it."""

from __future__ import annotations

import torch
from torch import Tensor

from kdeviz.model.kernels.choice import choose_kernel
from kdeviz.model.kernels.logsumexp import BlockedKernel, rounding_bound

# Rounding may use this share of the promised |error| <= 1e-4 + 1e-5 |log p|; the rest is for coordinates.
_SHARE = 0.8
_ABSOLUTE, _RELATIVE = _SHARE * 1e-4, _SHARE * 1e-5
# Squares of larger coordinates would overflow; the log density is about -1e300 there in any case.
_LARGEST_COORDINATE = 1e150


class KernelSums:
    """log sum_j exp(-|x - y_j|^2 / 2) over one set of points, prepared once for many blocks of queries.

    The first pass, in `dtype`, mostly uses |x - y|^2 = |x|^2 - 2 x.y + |y|^2, which cancels when a query is
    far from the origin but close to a point. Rows whose rounding bound is above the promised accuracy are
    done again in the precision of the points.

    Args:
        points: (N, k), best centred on their mean.
        dtype: of the arithmetic, float32 or float64.
        kernel: "auto", or one of `KERNELS` to force it.
    """

    def __init__(self, points: Tensor, dtype: torch.dtype, kernel: str = "auto") -> None:
        self._points = points
        self._kernel = choose_kernel(points.to(dtype), kernel)
        self._farthest = float(torch.linalg.vector_norm(points, dim=1).max())
        self._first_pass = dtype

    @property
    def kernel(self) -> str:
        """The name of the kernel that does the first pass."""
        return self._kernel.name

    def at(self, queries: Tensor, offset: float = 0.0) -> Tensor:
        """(M, k) queries to (M,) sums, in the dtype of the points.

        Args:
            queries: in the coordinates of the points.
            offset: what the caller will add: the result is within 1e-4 + 1e-5 |sum + offset|.

        Raises:
            torch.OutOfMemoryError: even the smallest block does not fit.
        """
        queries = queries.clamp(-_LARGEST_COORDINATE, _LARGEST_COORDINATE)
        sums = self._kernel.sums(queries.to(self._first_pass)).to(queries.dtype)
        if self._first_pass == queries.dtype:
            return sums
        doubtful = self._doubtful(queries, sums, offset).nonzero()[:, 0]
        if len(doubtful):
            sums[doubtful] = BlockedKernel(self._points).sums(queries[doubtful])
        return sums

    def _doubtful(self, queries: Tensor, sums: Tensor, offset: float) -> Tensor:
        """Which rows may have lost more digits than promised."""
        error = rounding_bound(self._kernel, queries, sums, len(self._points), self._farthest)
        precise: Tensor = error <= _ABSOLUTE + _RELATIVE * (sums + offset).abs()
        return ~(precise & sums.isfinite())  # NaN is not precise, and infinity may come from rounding
