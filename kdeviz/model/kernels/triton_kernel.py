"""Log sums of Gaussian kernels on CUDA, in two Triton kernels. To import this needs the package triton."""

# Triton compiles the functions below the class itself: their arguments are tensors and scalars on the device.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls

from __future__ import annotations

from threading import Lock

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.nn.functional import pad

# Differences lose no digits, products do: up to here they should also take about as long, counted in
# instructions per pair (2 k + 5 against 7 and the tensor cores' 6 to 8). Not yet measured.
_MOST_DIFFERENCES = 8
# Enough programs to fill a GPU several times; a program has at least the first, at most the second number of
# points, a multiple of every BLOCK_N. With more, rounding of the running sum would count.
_PROGRAMS, _QUERIES_PER_PROGRAM = 1024, 128
_FEWEST_POINTS, _MOST_POINTS = 1024, 2**14

_LAUNCH = Lock()
# Said because Triton 3.9 warns, and 3.10 decides otherwise, when it is not.
_OPTIONS = {"enable_fp_fusion": True}
_LOG2_E = tl.constexpr(1.4426950408889634)
# Below every score, and finite: a difference from it is no NaN.
_LOWEST = tl.constexpr(-1e38)


class TritonKernel:
    """Scores stay in registers: a running maximum, and a running sum relative to it, per query.

    Args:
        points: (N, k) float32 on a CUDA device.
        differences: whether scores come from differences x - y, or from products x.y on tensor cores; None:
            differences up to 8 dimensions.
    """

    name = "triton"

    def __init__(self, points: Tensor, differences: bool | None = None) -> None:
        n, k = points.shape
        self._points = points.contiguous()
        self._differences = k <= _MOST_DIFFERENCES if differences is None else differences
        self._n = triton.cdiv(n, _FEWEST_POINTS) * _FEWEST_POINTS
        missing = self._n - n
        if self._differences:
            self._columns = pad(points.T, (0, missing), value=torch.inf).contiguous()
        else:
            self._width = max(triton.next_power_of_2(k), 16)
            self._parts = [pad(part, (0, 0, 0, missing)) for part in _tf32_parts(points, self._width)]
            half_squares = points.double().square().sum(1).float() / 2
            self._bias = pad(-half_squares, (0, missing), value=-torch.inf)

    def sums(self, queries: Tensor) -> Tensor:
        """(M, k) queries to (M,) sums."""
        return self._sums(queries.contiguous(), None)

    def leave_one_out(self, start: int, stop: int) -> Tensor:
        """Sums at points start to stop, each without its own term."""
        return self._sums(self._points[start:stop], start)

    def rounding(self, length: Tensor, reach: Tensor, distance: Tensor) -> Tensor:
        """See `logsumexp.Kernel`.

        Differences: half a unit in the last place of the coordinates, of each difference and of each square.
        Products: both tf32 parts of a number have 11 bits, so that its rest and low x low are below 2^-22 of
        the product; a tensor core cuts off each sum of eight products, the others round once.
        """
        eps, k = torch.finfo(torch.float32).eps, self._points.shape[1]
        if self._differences:
            return eps * distance * ((length + reach) / 2 + (2 + k / 4) * distance)
        return eps * (2 + k / 8) * (length + reach).square() / 2

    def _sums(self, queries: Tensor, first: int | None) -> Tensor:
        m, k = queries.shape
        if m == 0:
            return queries.new_empty(0)
        span = _points_per_program(self._n, m)
        splits = triton.cdiv(self._n, span)
        sums = queries.new_empty(splits, m)
        common = (sums, m, self._n, span, first or 0, first is not None)

        def grid(meta):
            return triton.cdiv(m, meta["BLOCK_M"]), splits

        # Triton launches on the current device, and its tuner is made for one thread.
        with _LAUNCH, torch.cuda.device_of(queries):
            if self._differences:
                _differences[grid](queries, self._columns, *common, k, **_OPTIONS)
                return sums.logsumexp(0)
            parts = (*_tf32_parts(queries, self._width), *self._parts)
            _products[grid](*parts, self._bias, *common, self._width, **_OPTIONS)
        return sums.logsumexp(0) - queries.square().sum(1) / 2


def _points_per_program(n: int, m: int) -> int:
    splits = triton.cdiv(_PROGRAMS, triton.cdiv(m, _QUERIES_PER_PROGRAM))
    points = triton.cdiv(triton.cdiv(n, splits), _FEWEST_POINTS) * _FEWEST_POINTS
    return min(int(points), _MOST_POINTS)


def _tf32_parts(x: Tensor, width: int) -> list[Tensor]:
    """x of `width` columns as high + low, both of which tensor cores take without another rounding."""
    x = pad(x, (0, width - x.shape[1]))
    high = _rounded_to_tf32(x)
    return [high, _rounded_to_tf32(x - high)]


def _rounded_to_tf32(x: Tensor) -> Tensor:
    return ((x.view(torch.int32) + 0x1000) & -0x2000).view(torch.float32)


@triton.jit
def _added(peak, total, scores, SCALE: tl.constexpr, AXIS: tl.constexpr):
    """The running maximum and sum of exp2(SCALE * score) with these scores."""
    higher = tl.maximum(peak, tl.max(scores, AXIS))
    powers = tl.fma(scores, SCALE, tl.expand_dims(higher * -SCALE, AXIS))
    total = total * tl.exp2((peak - higher) * SCALE) + tl.sum(tl.exp2(powers), AXIS)
    return higher, total


@triton.autotune(
    [
        triton.Config({"BLOCK_M": 512, "BLOCK_N": 16}, num_warps=4),
        triton.Config({"BLOCK_M": 512, "BLOCK_N": 16}, num_warps=8),
    ],
    key=["K", "OWN"],
)
@triton.jit(do_not_specialize=["m", "first"])
def _differences(
    queries,  # (m, K)
    points,  # (K, n)
    sums,  # (splits, m)
    m,
    n,
    span,
    first,
    OWN: tl.constexpr,
    K: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    top = tl.program_id(0) * BLOCK_M
    row = top + tl.arange(0, BLOCK_M)
    place = row.to(tl.int64) * K
    column = tl.arange(0, BLOCK_N)[:, None]
    start = tl.program_id(1) * span
    peak = tl.full((BLOCK_M,), _LOWEST, tl.float32)
    total = tl.zeros((BLOCK_M,), tl.float32)
    for tile in range(start, tl.minimum(start + span, n), BLOCK_N):
        scores = tl.zeros((BLOCK_N, BLOCK_M), tl.float32)
        for i in tl.static_range(K):
            x = tl.load(queries + place + i, mask=row < m, other=0.0)[None, :]
            difference = x - tl.load(points + n.to(tl.int64) * i + tile + column)
            scores = tl.fma(-difference, difference, scores)
        # Of all tiles only those that hold a query's own point are masked.
        if OWN:  # noqa: SIM102 - the first is decided by the compiler, the second on the device
            if (tile < first + top + BLOCK_M) & (tile + BLOCK_N > first + top):
                scores = tl.where((first + row)[None, :] == tile + column, float("-inf"), scores)
        peak, total = _added(peak, total, scores, _LOG2_E / 2, 0)
    tl.store(sums + tl.program_id(1).to(tl.int64) * m + row, peak / 2 + tl.log(total), mask=row < m)


@triton.autotune(
    [
        triton.Config({"BLOCK_M": 128, "BLOCK_N": 128}, num_warps=8, num_stages=2),
        triton.Config({"BLOCK_M": 64, "BLOCK_N": 128}, num_warps=4, num_stages=3),
        triton.Config({"BLOCK_M": 64, "BLOCK_N": 64}, num_warps=4, num_stages=2),
    ],
    key=["K", "OWN"],
)
@triton.jit(do_not_specialize=["m", "first"])
def _products(
    x_high,  # (m, K)
    x_low,
    y_high,  # (n, K)
    y_low,
    bias,  # (n,) -|y|^2 / 2
    sums,  # (splits, m)
    m,
    n,
    span,
    first,
    OWN: tl.constexpr,
    K: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    top = tl.program_id(0) * BLOCK_M
    row = top + tl.arange(0, BLOCK_M)
    column = tl.arange(0, BLOCK_N)
    place = row.to(tl.int64)[:, None] * K + tl.arange(0, K)[None, :]
    high = tl.load(x_high + place, mask=row[:, None] < m, other=0.0)
    low = tl.load(x_low + place, mask=row[:, None] < m, other=0.0)
    start = tl.program_id(1) * span
    peak = tl.full((BLOCK_M,), _LOWEST, tl.float32)
    total = tl.zeros((BLOCK_M,), tl.float32)
    for tile in range(start, tl.minimum(start + span, n), BLOCK_N):
        corner = tl.cast(tile, tl.int64) * K + column[None, :] * K + tl.arange(0, K)[:, None]
        other = tl.load(y_high + corner)
        shift = tl.load(bias + tile + column)[None, :]
        # The small terms first: the sum of the large ones is cut off once.
        scores = tl.dot(low, other, input_precision="tf32")
        scores = tl.dot(high, tl.load(y_low + corner), scores, input_precision="tf32")
        scores = tl.dot(high, other, scores, input_precision="tf32")
        scores += shift
        if OWN:  # noqa: SIM102
            if (tile < first + top + BLOCK_M) & (tile + BLOCK_N > first + top):
                scores = tl.where((first + row)[:, None] == (tile + column)[None, :], float("-inf"), scores)
        peak, total = _added(peak, total, scores, _LOG2_E, 1)
    tl.store(sums + tl.program_id(1).to(tl.int64) * m + row, peak + tl.log(total), mask=row < m)
