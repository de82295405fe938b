"""Log sums of Gaussian kernels on CUDA, in two Triton kernels. To import this needs the package triton."""

# Triton compiles the functions below the class itself: their arguments are tensors and scalars on the device.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls

from __future__ import annotations

import math
from threading import Lock

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.nn.functional import pad

# Differences lose no digits, products do: up to here they also take about as long. Measured on an H100, in
# 1e9 pairs/s: at k = 2 differences 2 360, products 2 580; at k = 4 1 550 and 2 580, at k = 16 460 and 2 600.
_MOST_DIFFERENCES = 2
# Enough programs to fill a GPU several times; a program has at least the first, at most the second number of
# points, a multiple of every BLOCK_N. With more, rounding of the running sum would count.
_PROGRAMS, _QUERIES_PER_PROGRAM = 1024, 128
_FEWEST_POINTS, _MOST_POINTS = 1024, 2**14

_LAUNCH = Lock()
# Coordinates are scaled to below two to these powers. float16 ends at 65 504: a query by itself stays far
# below, all points together come close, so that the small ones keep their digits.
_QUERY_BITS, _POINT_BITS = 8, 15
_SMALLEST_EXPONENT = -100
# Said because Triton 3.9 warns, and 3.10 decides otherwise, when it is not.
_OPTIONS = {"enable_fp_fusion": True}
_LOG2_E = 1 / math.log(2)
_HALF_LOG2_E = tl.constexpr(_LOG2_E / 2)
_LOG_2 = tl.constexpr(math.log(2))
# Below every score, and finite: a difference from it is no NaN.
_LOWEST = tl.constexpr(-1e38)


class TritonKernel:
    """Scores stay in registers: a running maximum, and a running sum relative to it, per query.

    Args:
        points: (N, k) float32 on a CUDA device.
        differences: whether scores come from differences x - y, or from products x.y on tensor cores; None:
            differences up to 2 dimensions.
    """

    name = "triton"

    def __init__(self, points: Tensor, differences: bool | None = None) -> None:
        n, k = points.shape
        self._k = k
        self._differences = k <= _MOST_DIFFERENCES if differences is None else differences
        self._n = triton.cdiv(n, _FEWEST_POINTS) * _FEWEST_POINTS
        missing = self._n - n
        if self._differences:
            self._columns = pad(points.T, (0, missing), value=torch.inf).contiguous()
        else:
            self._width = max(triton.next_power_of_2(k), 16)
            exponent = _exponent(points.abs().amax())
            parts = _halves(points, exponent - _POINT_BITS, self._width)
            self._parts = [pad(part, (0, 0, 0, missing)) for part in parts]
            self._exponent = int(exponent) - _POINT_BITS
            biases = points.double().square().sum(1) * (-_LOG2_E / 2)
            self._bias = pad(biases.float(), (0, missing), value=-torch.inf)

    def sums(self, queries: Tensor) -> Tensor:
        """(M, k) queries to (M,) sums."""
        queries = queries.contiguous()
        m, k = queries.shape
        if m == 0:
            return queries.new_empty(0)
        span = _points_per_program(self._n, m)
        splits = triton.cdiv(self._n, span)
        sums = queries.new_empty(splits, m)
        common = (sums, m, self._n, span)

        def grid(meta):
            return triton.cdiv(m, meta["BLOCK_M"]), splits

        # Triton launches on the current device, and its tuner is made for one thread.
        with _LAUNCH, torch.cuda.device_of(queries):
            if self._differences:
                _differences[grid](queries, self._columns, *common, k, **_OPTIONS)
                return sums.logsumexp(0)
            exponents = _exponent(queries.abs().amax(1, keepdim=True)) - _QUERY_BITS
            factors = _power_of_two(exponents + self._exponent) * _LOG2_E
            parts = (*_halves(queries, exponents, self._width), factors, *self._parts)
            _products[grid](*parts, self._bias, *common, self._width, **_OPTIONS)
        return sums.logsumexp(0) - queries.square().sum(1) / 2

    def rounding(self, length: Tensor, reach: Tensor, distance: Tensor) -> Tensor:
        """See `logsumexp.Kernel`.

        Differences: half a unit in the last place of the coordinates, of each difference and of each square.
        Products: both float16 parts of a number have 11 bits, so that its rest and low x low are about 2^-22
        of the product; a tensor core cuts off each sum of 16 products, the others round once. The smallest
        step of float16 is 2^-24, and a point's coordinate may lose half of it, in the scale of all points.
        Measured on an H100, where x and y nearly cancel: 1.8 eps (|x| + |y|)^2 / 2 at k = 1, 3.4 at k = 128.
        """
        eps, k = torch.finfo(torch.float32).eps, self._k
        if self._differences:
            return eps * distance * ((length + reach) / 2 + (2 + k / 4) * distance)
        lost = math.ldexp(k**0.5, self._exponent - 25) * length
        return eps * (1.9 + k / 64) * (length + reach).square() / 2 + lost


def _points_per_program(n: int, m: int) -> int:
    splits = triton.cdiv(_PROGRAMS, triton.cdiv(m, _QUERIES_PER_PROGRAM))
    points = triton.cdiv(triton.cdiv(n, splits), _FEWEST_POINTS) * _FEWEST_POINTS
    return min(int(points), _MOST_POINTS)


def _exponent(largest: Tensor) -> Tensor:
    """The smallest power of two above each, as int32, from -100 on."""
    return torch.frexp(largest).exponent.clamp_min(_SMALLEST_EXPONENT)


def _power_of_two(exponent: Tensor) -> Tensor:
    """Exactly, as float32: infinity above 127, and 0 below -126."""
    bits: Tensor = exponent.clamp(-127, 128) + 127 << 23
    return bits.view(torch.float32)


def _halves(x: Tensor, exponent: Tensor, width: int) -> list[Tensor]:
    """x / 2^exponent of `width` columns as high + low, both in float16."""
    scaled = pad(x * _power_of_two(-exponent), (0, width - x.shape[1]))
    high = scaled.half()
    return [high, (scaled - high).half()]


@triton.jit
def _added(peak, total, scores, SCALE: tl.constexpr, AXIS: tl.constexpr):
    """The running maximum and sum of exp2(SCALE * score) with these scores.

    The difference is taken before the product: it is exactly 0 at the maximum, however large that is.
    """
    higher = tl.maximum(peak, tl.max(scores, AXIS))
    powers = tl.exp2((scores - tl.expand_dims(higher, AXIS)) * SCALE)
    return higher, total * tl.exp2((peak - higher) * SCALE) + tl.sum(powers, AXIS)


@triton.autotune(
    [
        triton.Config({"BLOCK_M": 256, "BLOCK_N": 16}, num_warps=4),
        triton.Config({"BLOCK_M": 512, "BLOCK_N": 16}, num_warps=8),
    ],
    key=["K"],
)
@triton.jit(do_not_specialize=["m"])
def _differences(
    queries,  # (m, K)
    points,  # (K, n)
    sums,  # (splits, m)
    m,
    n,
    span,
    K: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    row = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
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
        peak, total = _added(peak, total, scores, _HALF_LOG2_E, 0)
    tl.store(sums + tl.program_id(1).to(tl.int64) * m + row, peak / 2 + tl.log(total), mask=row < m)


@triton.autotune(
    [
        triton.Config({"BLOCK_M": 64, "BLOCK_N": 128}, num_warps=4, num_stages=3),
        triton.Config({"BLOCK_M": 128, "BLOCK_N": 64}, num_warps=4, num_stages=3),
        triton.Config({"BLOCK_M": 64, "BLOCK_N": 64}, num_warps=4, num_stages=2),
        triton.Config({"BLOCK_M": 256, "BLOCK_N": 64}, num_warps=8, num_stages=2),
    ],
    key=["K"],
)
@triton.jit(do_not_specialize=["m"])
def _products(
    x_high,  # (m, K)
    x_low,
    factors,  # (m,)
    y_high,  # (n, K)
    y_low,
    bias,  # (n,) -|y|^2 / 2, in powers of two as the scores
    sums,  # (splits, m)
    m,
    n,
    span,
    K: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    row = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    column = tl.arange(0, BLOCK_N)
    place = row.to(tl.int64)[:, None] * K + tl.arange(0, K)[None, :]
    high = tl.load(x_high + place, mask=row[:, None] < m, other=0.0)
    low = tl.load(x_low + place, mask=row[:, None] < m, other=0.0)
    factor = tl.load(factors + row, mask=row < m, other=0.0)[:, None]
    start = tl.program_id(1) * span
    peak = tl.full((BLOCK_M,), _LOWEST, tl.float32)
    total = tl.zeros((BLOCK_M,), tl.float32)
    for tile in range(start, tl.minimum(start + span, n), BLOCK_N):
        corner = tl.cast(tile, tl.int64) * K + column[None, :] * K + tl.arange(0, K)[:, None]
        other = tl.load(y_high + corner)
        shift = tl.load(bias + tile + column)[None, :]
        # The small terms first: the sum of the large ones is cut off once.
        scores = tl.dot(low, other)
        scores = tl.dot(high, tl.load(y_low + corner), scores)
        scores = tl.dot(high, other, scores)
        scores = tl.fma(scores, factor, shift)
        peak, total = _added(peak, total, scores, 1.0, 1)
    tl.store(sums + tl.program_id(1).to(tl.int64) * m + row, (peak + tl.log2(total)) * _LOG_2, mask=row < m)
