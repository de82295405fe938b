"""log of a sum of Gaussian kernels, fast and to a promised accuracy: every density here comes from it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from kdeviz.logsumexp_kernels import BlockedKernel, choose_kernel

__all__ = ["KernelSums"]

# Rounding may use this share of the promised |error| <= 1e-4 + 1e-5 |log p|; the rest is for coordinates.
_SHARE = 0.8
_ABSOLUTE, _RELATIVE = _SHARE * 1e-4, _SHARE * 1e-5
# Squares of larger coordinates would overflow; the log density is about -1e300 there in any case.
_LARGEST_COORDINATE = 1e150


class KernelSums:
    """log sum_j exp(-|x - y_j|^2 / 2) over one set of points, prepared once for many blocks of queries.

    A first pass in `dtype` uses |x - y|^2 = |x|^2 - 2 x.y + |y|^2, which cancels when a query is far from the
    origin but close to a point. Rows whose rounding bound is above the promised accuracy are done again in
    the precision of the points.

    Args:
        points: (N, k), best centred on their mean.
        dtype: of the arithmetic, float32 or float64.
        kernel: "auto", or one of `logsumexp_kernels.KERNELS` to force it.
    """

    def __init__(self, points: Tensor, dtype: torch.dtype, kernel: str = "auto") -> None:
        self._points = points
        self._kernel = choose_kernel(points.to(dtype), kernel)
        self._farthest = float(torch.linalg.vector_norm(points, dim=1).max())
        self._rounding = None if dtype == points.dtype else _rounding(dtype, points.shape[1])

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
        dtype = queries.dtype if self._rounding is None else torch.float32
        return self._repaired(self._kernel.sums(queries.to(dtype)), queries, None, offset)

    def leave_one_out(self, start: int, stop: int, offset: float = 0.0) -> Tensor:
        """Sums at points start to stop, each without its own term; otherwise as `at`."""
        own = torch.arange(start, stop, device=self._points.device)
        return self._repaired(self._kernel.leave_one_out(start, stop), self._points[start:stop], own, offset)

    def _repaired(self, sums: Tensor, queries: Tensor, own: Tensor | None, offset: float) -> Tensor:
        sums = sums.to(queries.dtype)
        if self._rounding is None:
            return sums
        doubtful = self._doubtful(queries, sums, offset, self._rounding).nonzero()[:, 0]
        if len(doubtful):
            mine = None if own is None else own[doubtful]
            sums[doubtful] = BlockedKernel(self._points).sums(queries[doubtful], mine)
        return sums

    def _doubtful(self, queries: Tensor, sums: Tensor, offset: float, rounding: float) -> Tensor:
        """Which rows may have lost more digits than promised.

        The points that matter lie within d of the query, d^2 <= 2 (log n - sum), so no term exceeds
        (|x| + |y|)^2 / 2 with |y| <= |x| + d, nor that of the farthest point.
        """
        length = torch.linalg.vector_norm(queries, dim=1)
        distance = (2 * (math.log(len(self._points)) - sums).clamp_min(0)).sqrt()
        error = rounding * (length + (length + distance).clamp_max(self._farthest)).square() / 2
        precise: Tensor = error <= _ABSOLUTE + _RELATIVE * (sums + offset).abs()
        return ~precise  # NaN is not precise


def _rounding(dtype: torch.dtype, k: int) -> float:
    """Relative error of a sum of k products, as measured: the largest seen was 1.1 times this.

    When the process allows shortened float32 products (tf32, bf16), their precision counts.
    """
    eps = torch.finfo(dtype).eps
    if torch.get_float32_matmul_precision() != "highest":
        eps = torch.finfo(torch.bfloat16).eps
    return eps * (1 + k / 80)
