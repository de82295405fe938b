"""log of a sum of Gaussian kernels, in blocks: the arithmetic that every density here comes from."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["log_kernel_sums"]

# What the answer must keep to: half of |error| <= 1e-4 + 1e-5 |log p|; the other half is left to the rounding
# of the coordinates themselves.
_ABSOLUTE, _RELATIVE = 0.5e-4, 0.5e-5
_CPU_BLOCK = (256, 1024)
_GPU_BLOCK = (2048, 16384)
_SMALLEST_BLOCK = 32
# Squares of larger coordinates would overflow; the log density is about -1e300 there in any case.
_LARGEST_COORDINATE = 1e150


def log_kernel_sums(
    queries: Tensor, points: Tensor, dtype: torch.dtype, offset: float = 0.0, own: int | None = None
) -> Tensor:
    """log sum_j exp(-|x_i - y_j|^2 / 2) for every query x_i.

    A first pass in `dtype` uses |x - y|^2 = |x|^2 - 2 x.y + |y|^2, which cancels when a query is far from the
    origin but close to a point. Rows whose rounding bound is above the promised accuracy are done again in
    the precision of the inputs.

    Args:
        queries: (M, k), best centred on the points' mean.
        points: (N, k).
        dtype: of the arithmetic, float32 or float64.
        offset: what the caller will add to the result.
        own: if given, query i is point own + i and leaves its own kernel out.

    Returns:
        (M,) in the dtype of the queries, within 1e-4 + 1e-5 |value + offset| for float32 arithmetic.

    Raises:
        torch.OutOfMemoryError: even the smallest block does not fit.
    """
    queries = queries.clamp(-_LARGEST_COORDINATE, _LARGEST_COORDINATE)
    sums = _in_blocks(queries.to(dtype), points.to(dtype), own).to(queries.dtype)
    if dtype == queries.dtype:
        return sums
    doubtful = _doubtful(queries, sums, offset, len(points), torch.finfo(dtype).eps).nonzero()[:, 0]
    if len(doubtful):
        mask = None if own is None else doubtful + own
        sums[doubtful] = _in_blocks(queries[doubtful], points, mask)
    return sums


def _doubtful(queries: Tensor, sums: Tensor, offset: float, n: int, eps: float) -> Tensor:
    """Which rows may have lost more digits than promised.

    The points that matter lie within d of the query, d^2 <= 2 (log n - sum), so no term exceeds
    (|x| + |x| + d)^2 / 2, and the rounding error is a small multiple of eps times that.
    """
    length = torch.linalg.vector_norm(queries, dim=1)
    reach = (2 * (torch.log(torch.tensor(float(n))) - sums).clamp_min(0)).sqrt()
    error = eps * (2 * length + reach).square() / 2
    precise: Tensor = error <= _ABSOLUTE + _RELATIVE * (sums + offset).abs()
    return ~precise  # NaN is not precise


def _in_blocks(queries: Tensor, points: Tensor, own: int | Tensor | None) -> Tensor:
    half_squares = points.square().sum(1) / 2
    if own is not None:
        own = torch.arange(len(queries), device=queries.device) + own if isinstance(own, int) else own

    def one_block(start: int, stop: int, step: int) -> Tensor:
        mine = None if own is None else own[start:stop]
        return _block_sums(queries[start:stop], points, half_squares, mine, step)

    rows, step = _CPU_BLOCK if queries.device.type == "cpu" else _GPU_BLOCK
    return _halving_on_memory_error(one_block, queries, rows, step)


def _halving_on_memory_error(
    one_block: Callable[[int, int, int], Tensor], queries: Tensor, rows: int, step: int
) -> Tensor:
    sums = queries.new_empty(len(queries))
    start = 0
    while start < len(queries):
        stop = min(start + rows, len(queries))
        try:
            sums[start:stop] = one_block(start, stop, step)
        except torch.OutOfMemoryError:
            if rows <= _SMALLEST_BLOCK:
                raise
            rows, step = rows // 2, max(step // 2, _SMALLEST_BLOCK)
        else:
            start = stop
    return sums


def _block_sums(x: Tensor, points: Tensor, half_squares: Tensor, own: Tensor | None, step: int) -> Tensor:
    """Online log-sum-exp over the points: a running maximum and a running sum relative to it."""
    peak = x.new_full((len(x),), -torch.inf)
    total = x.new_zeros(len(x))
    for start in range(0, len(points), step):
        stop = min(start + step, len(points))
        exponents = torch.addmm(-half_squares[start:stop], x, points[start:stop].T)
        if own is not None:
            inside = ((own >= start) & (own < stop)).nonzero()[:, 0]
            exponents[inside, own[inside] - start] = -torch.inf
        higher = torch.maximum(peak, exponents.amax(1))
        # While every exponent so far is -inf there is no maximum to be relative to.
        base = torch.where(higher == -torch.inf, 0, higher)
        total = total * (peak - base).exp() + exponents.sub_(base[:, None]).exp_().sum(1)
        peak = higher
    return peak + total.log() - x.square().sum(1) / 2
