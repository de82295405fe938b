"""The machine code of `LLVMKernel`. To import this needs llvmlite."""

# mypy: allow-untyped-calls

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, NamedTuple

from kdeviz.model.kernels.llvm_vectors import (
    DOUBLE,
    DOUBLES,
    FLOAT,
    FLOATS,
    LONG,
    VectorFunction,
    compiled,
    widest,
)

# Vectors of points and queries in registers at once: their 12 sums leave room for what is multiplied.
VECTORS, QUERIES = 2, 6
# Of points: while their coordinates and their scores stay in the caches of one core.
_BLOCK, _BLOCK_NUMBERS = 1024, 2**15
# Below every score, and finite: a difference from it is no NaN.
LOWEST = -3e38
LOG2_E = ctypes.c_float(1 / math.log(2)).value
# By so much of itself a scale exceeds the largest score, whatever the rounding: no power is above 1.
_MARGIN = 2.0**-22

_COMPILING = Lock()
_made: list[SumsCode] = []


class SumsCode(NamedTuple):
    """What LLVM made for this process."""

    add: Callable[..., None]
    """(queries, query tiles, points, point tiles, point tiles per block, k, scales, totals, scratch): adds to
    the float64 `totals` the sums of exponentials, in units of 2 to the float32 `scales`, and raises these.

    Queries are in tiles (k, QUERIES); points in tiles (1 + k, `tile`), whose first row is -|y|^2 / 2.
    """
    tile: int
    """Points per tile."""
    scratch: int
    """How many float32 numbers it needs to work with."""
    engine: object

    def tiles_per_block(self, k: int) -> int:
        """For points of k dimensions."""
        points = min(_BLOCK, _BLOCK_NUMBERS // k)
        return max(points // self.tile, 1)


def sums_code() -> SumsCode:
    """The code for this CPU, made at the first call.

    Raises:
        NotImplementedError: the CPU has no fused multiply-add on vectors.
    """
    with _COMPILING:
        if not _made:
            _made.append(_make())
        return _made[0]


def _make() -> SumsCode:
    function = _Sums(widest())
    engine = compiled(function.module)
    address, number = ctypes.c_void_p, ctypes.c_int64
    arguments = (address, number, address, *[number] * 3, *[address] * 3)
    add = ctypes.CFUNCTYPE(None, *arguments)(engine.get_function_address("add"))
    return SumsCode(add, function.tile, QUERIES * (_BLOCK + function.lanes), engine)


class _Sums(VectorFunction):
    """LLVM's intermediate code of `SumsCode.add`.

    A block of points meets one tile of queries after the other. First come the scores x.y - |y|^2 / 2 of the
    tile, kept in cache, and each query's largest. Then, per query, 2^(log2(e) score - scale) is summed: a
    scale is a whole number, so that raising it divides the sum by a power of two, without rounding.
    """

    def __init__(self, lanes: int) -> None:
        super().__init__(lanes, "add", FLOATS, LONG, FLOATS, *[LONG] * 3, FLOATS, DOUBLES, FLOATS)
        self.tile = lanes * VECTORS
        self._ceil = self.declared("llvm.ceil.f32", FLOAT, FLOAT)
        self._size = self.declared("llvm.fabs.f32", FLOAT, FLOAT)
        self._queries, query_tiles, *points, self._k, self._scales, self._totals, scratch = self.arguments
        self._scores, self._highest = scratch, self.at(scratch, LONG(QUERIES * _BLOCK))
        self._step = self.code.mul(self.code.add(self._k, LONG(1)), LONG(self.tile))
        self._write(query_tiles, *points)

    def _write(self, query_tiles: Any, points: Any, point_tiles: Any, per_block: Any) -> None:
        """The loops over blocks of points and tiles of queries."""
        code = self.code

        def block(i: Any, _: object) -> tuple[()]:
            start = code.mul(i, per_block)
            left = code.sub(point_tiles, start)
            count = code.select(code.icmp_unsigned("<", left, per_block), left, per_block)
            first = self.at(points, code.mul(start, self._step))

            def tile(j: Any, _: object) -> tuple[()]:
                self._score(j, first, count)
                self._sum_up(j, count)
                return ()

            self.loop(query_tiles, (), tile)
            return ()

        whole = code.add(point_tiles, code.sub(per_block, LONG(1)))
        self.loop(code.udiv(whole, per_block), (), block)
        code.ret_void()

    def _score(self, query_tile: Any, points: Any, tiles: Any) -> None:
        """One tile of queries and a block of points: all scores, and the largest per query and lane."""
        x = self.at(self._queries, self.code.mul(self.code.mul(query_tile, LONG(QUERIES)), self._k))

        def tile(j: Any, peaks: Sequence[Any]) -> list[Any]:
            y = self.at(points, self.code.mul(j, self._step))
            scores = self.loop(self._k, self._tile_of(y) * QUERIES, self._product(x, y))
            place = self.code.mul(j, LONG(self.tile))
            for i, score in enumerate(scores):
                q, v = divmod(i, VECTORS)
                self.store(score, self.at(self._scores, place, q * _BLOCK + v * self.lanes))
                peaks = [*peaks[:q], self.higher(score, peaks[q]), *peaks[q + 1 :]]
            return list(peaks)

        for q, peak in enumerate(self.loop(tiles, [self.constant(LOWEST)] * QUERIES, tile)):
            self.store(peak, self.at(self._highest, LONG(q * self.lanes)))

    def _product(self, x: Any, y: Any) -> Callable[[Any, Sequence[Any]], list[Any]]:
        """What component c adds to the scores of a tile of queries and one of points."""

        def component(c: Any, scores: Sequence[Any]) -> list[Any]:
            place, row = self.code.mul(c, LONG(QUERIES)), self.code.add(c, LONG(1))
            ys = self._tile_of(self.at(y, self.code.mul(row, LONG(self.tile))))
            xs = [self.all(self.code.load(self.at(x, place, q))) for q in range(QUERIES)]
            pairs = [(one, other) for one in xs for other in ys]
            return [self.multiply_add(*pair, s) for pair, s in zip(pairs, scores, strict=True)]

        return component

    def _sum_up(self, query_tile: Any, tiles: Any) -> None:
        """Add the exponentials of the scores to the totals of a tile of queries."""
        code = self.code

        def query(q: Any, _: object) -> tuple[()]:
            place = code.add(code.mul(query_tile, LONG(QUERIES)), q)
            scale, total = self.at(self._scales, place), self.at(self._totals, place)
            peak = self.highest(self.load(self.at(self._highest, code.mul(q, LONG(self.lanes)))))
            before = code.load(scale)
            now = self.higher(self._scale(peak), before)
            added = self._exponentials(self.at(self._scores, code.mul(q, LONG(_BLOCK))), tiles, now)
            kept = code.fmul(code.load(total), self._exact_power(code.fsub(before, now)))
            code.store(code.fadd(kept, code.fpext(added, DOUBLE)), total)
            code.store(now, scale)
            return ()

        self.loop(LONG(QUERIES), (), query)

    def _scale(self, peak: Any) -> Any:
        """A whole number that no score times log2(e) exceeds, and little above the largest."""
        code = self.code
        scaled = code.fmul(peak, FLOAT(LOG2_E))
        margin = code.fmul(code.call(self._size, [scaled]), FLOAT(_MARGIN))
        return code.call(self._ceil, [code.fadd(scaled, margin)])

    def _exponentials(self, scores: Any, tiles: Any, scale: Any) -> Any:
        """The sum of 2^(log2(e) score - scale)."""
        factor, shift = self.constant(LOG2_E), self.all(self.code.fneg(scale))

        def tile(j: Any, sums: Sequence[Any]) -> list[Any]:
            some = self._tile_of(self.at(scores, self.code.mul(j, LONG(self.tile))))
            powers = [self.powers_of_two(self.multiply_add(s, factor, shift)) for s in some]
            return [self.code.fadd(s, power) for s, power in zip(sums, powers, strict=True)]

        return self.total(self.loop(tiles, [self.constant(0.0)] * VECTORS, tile))

    def _exact_power(self, exponent: Any) -> Any:
        """2^x as float64 for a whole number x <= 0; 2^-1000 for smaller ones and NaN."""
        code = self.code
        whole = code.fptosi(self.higher(exponent, FLOAT(-1000.0)), LONG)
        return code.bitcast(code.shl(code.add(whole, LONG(1023)), LONG(52)), DOUBLE)

    def _tile_of(self, start: Any) -> list[Any]:
        """The numbers of one tile of points."""
        return [self.load(self.at(start, LONG(v * self.lanes))) for v in range(VECTORS)]
