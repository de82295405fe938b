"""Ways to compute log sum_j exp(-|x - y_j|^2 / 2) in torch; `llvm_kernel` and `triton_kernel` have others.

Both use |x - y|^2 = |x|^2 - 2 x.y + |y|^2, in one precision; `sums` looks after the accuracy.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import torch
from torch import Tensor

_CPU_BLOCK = (256, 1024)
_GPU_BLOCK = (2048, 16384)
_SMALLEST_BLOCK = 32


class Kernel(Protocol):
    """Sums over points that were given once."""

    name: str

    def sums(self, queries: Tensor) -> Tensor:
        """(M, k) queries to (M,) sums."""

    def rounding(self, length: Tensor, reach: Tensor, distance: Tensor) -> Tensor:
        """Largest error of an exponent, in nats.

        Args:
            length: of the query, |x|.
            reach: |y| at most.
            distance: |x - y| at most.
        """


class _InTorch:
    def __init__(self, points: Tensor) -> None:
        self._points = points

    def rounding(self, length: Tensor, reach: Tensor, distance: Tensor) -> Tensor:
        """Of x.y - |y|^2 / 2 - |x|^2 / 2, at most (|x| + |y|)^2 / 2 in size; see `Kernel`.

        Measured, in eps times that: 0.9 at k = 4, 1.7 at k = 16, 3.3 at k = 64 and 5.2 at k = 128, where
        coordinates fall like 1 / i; less for others. When the process allows shortened float32 products
        (tf32, bf16), their precision counts.
        """
        eps = torch.finfo(self._points.dtype).eps
        if torch.get_float32_matmul_precision() != "highest":
            eps = torch.finfo(torch.bfloat16).eps
        return (length + reach).square() * (eps * max(1, math.sqrt(self._points.shape[1]) / 2) / 2)


class BlockedKernel(_InTorch):
    """Matrix product and online log-sum-exp over blocks that stay in cache; any device, any precision.

    Args:
        points: (N, k).
    """

    name = "blocked"

    def __init__(self, points: Tensor) -> None:
        super().__init__(points)
        self._half_squares = points.square().sum(1) / 2

    def sums(self, queries: Tensor) -> Tensor:
        """(M, k) queries to (M,) sums.

        Raises:
            torch.OutOfMemoryError: even the smallest block does not fit.
        """
        rows, step = _CPU_BLOCK if queries.device.type == "cpu" else _GPU_BLOCK
        sums = queries.new_empty(len(queries))
        start = 0
        while start < len(queries):
            stop = min(start + rows, len(queries))
            try:
                sums[start:stop] = self._block(queries[start:stop], step)
            except torch.OutOfMemoryError:
                if rows <= _SMALLEST_BLOCK:
                    raise
                rows, step = rows // 2, max(step // 2, _SMALLEST_BLOCK)
            else:
                start = stop
        return sums

    def _block(self, x: Tensor, step: int) -> Tensor:
        """A running maximum, and a running sum relative to it."""
        peak = x.new_full((len(x),), -torch.inf)
        total = x.new_zeros(len(x))
        for start in range(0, len(self._points), step):
            stop = min(start + step, len(self._points))
            exponents = torch.addmm(-self._half_squares[start:stop], x, self._points[start:stop].T)
            higher = torch.maximum(peak, exponents.amax(1))
            # While every exponent so far is -inf there is no maximum to be relative to.
            base = torch.where(higher == -torch.inf, 0, higher)
            total = total * (peak - base).exp() + exponents.sub_(base[:, None]).exp_().sum(1)
            peak = higher
        return peak + total.log() - x.square().sum(1) / 2


class FusedKernel(_InTorch):
    """The log-sum-exp of torch's fused attention operator, in float32 on the CPU.

    With queries [x, 1] and keys [y, -|y|^2 / 2] an attention score is x.y - |y|^2 / 2, and the operator
    returns the log-sum-exp of each query's scores beside its result.

    Args:
        points: (N, k) float32.
    """

    name = "fused attention"

    def __init__(self, points: Tensor) -> None:
        super().__init__(points)
        norms = -points.square().sum(1, keepdim=True) / 2
        self._keys = torch.cat([points, norms, points.new_zeros(len(points), _padding(points))], 1)

    def sums(self, queries: Tensor) -> Tensor:
        """(M, k) queries to (M,) sums."""
        return _attention(_extended(queries), self._keys) - queries.square().sum(1) / 2


def rounding_bound(kernel: Kernel, queries: Tensor, sums: Tensor, n: int, farthest: float) -> Tensor:
    """Largest rounding error of the sums over n points that are at most `farthest` from the origin.

    The points that matter lie within d of the query, d^2 <= 2 (log n - sum).
    """
    length = torch.linalg.vector_norm(queries, dim=1)
    distance = (2 * (math.log(n) - sums).clamp_min(0)).sqrt()
    return kernel.rounding(length, (length + distance).clamp_max(farthest), distance)


def _operator(*arguments: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
    """(attention, log-sum-exp); looked up at each call, since another torch may not have it."""
    found: tuple[Tensor, Tensor] = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        *arguments, **options
    )
    return found


def _extended(queries: Tensor) -> Tensor:
    ones, zeros = queries.new_ones(len(queries), 1), queries.new_zeros(len(queries), _padding(queries))
    return torch.cat([queries, ones, zeros], 1)


def _padding(points: Tensor) -> int:
    """How many columns of zeros to add to the k + 1 of the operator.

    Measured on two cores: 5 to 15 columns take up to 1.8 times as long when they are no multiple of 4.
    """
    columns = points.shape[1] + 1
    return -columns % 4 if columns < 16 else 0


def _attention(queries: Tensor, keys: Tensor) -> Tensor:
    """Log-sum-exp of the scores of (M, d) queries with (N, d) keys: (M,)."""
    if len(queries) == 0:
        return queries.new_empty(0)
    sums: Tensor = _operator(queries[None, None], keys[None, None], keys[None, None], scale=1.0)[1]
    return sums.reshape(-1)
