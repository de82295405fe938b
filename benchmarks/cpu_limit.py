"""How fast this CPU multiplies and adds, and how fast it raises 2 to a power, by themselves: needs llvmlite.

Each is a loop of machine code that does nothing else: multiply-adds in registers, powers of float32 numbers
that stay in the first cache. `limit` makes the speed of a kernel sum from both.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import torch

from benchmarks.timing import seconds
from kdeviz.model.kernels.llvm_vectors import FLOATS, LONG, VectorFunction, compiled, widest

__all__ = ["exponentials", "multiply_adds"]

_CHAINS = 12  # enough for two units that take four or five cycles each
_IN_CACHE = 2**12  # float32 numbers, 16 KiB
_ROUNDS = 2**20
Code = Callable[[int, int], None]
"""Rounds, and the address of `_IN_CACHE` numbers and a place for a result."""


def multiply_adds() -> float:
    """Per second, in as many threads as torch uses."""
    return _CHAINS * widest() * _ROUNDS * _rounds_per_second(_code(_write_multiply_adds), _ROUNDS)


def exponentials() -> float:
    """Per second, in as many threads as torch uses."""
    rounds = _ROUNDS // _IN_CACHE
    return _IN_CACHE * rounds * _rounds_per_second(_code(_write_exponentials), rounds)


def _rounds_per_second(code: Code, rounds: int) -> float:
    """Calls of so many rounds, per second; the fastest of a few tries."""
    threads, calls = torch.get_num_threads(), 8
    numbers = [-np.random.default_rng(0).random(_IN_CACHE + 1, np.float32) for _ in range(threads)]

    def work(own: np.ndarray) -> None:
        for _ in range(calls):
            code(rounds, own.ctypes.data)

    with ThreadPoolExecutor(threads) as pool:
        best = min(seconds(lambda: list(pool.map(work, numbers))) for _ in range(4))
    return threads * calls / best


@cache
def _code(write: Callable[[VectorFunction], None]) -> Code:
    function = VectorFunction(widest(), "work", LONG, FLOATS)
    write(function)
    function.code.ret_void()
    engine = compiled(function.module)
    code = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)(engine.get_function_address("work"))

    def call(rounds: int, numbers: int, engine: object = engine) -> None:
        code(rounds, numbers)

    return call


def _write_multiply_adds(function: VectorFunction) -> None:
    rounds, numbers = function.arguments
    factor = function.load(numbers)

    def step(_: object, sums: Any) -> list[Any]:
        return [function.multiply_add(factor, factor, s) for s in sums]

    starts = [function.constant(float(i)) for i in range(_CHAINS)]
    _use(function, function.loop(rounds, starts, step))


def _write_exponentials(function: VectorFunction) -> None:
    rounds, numbers = function.arguments
    chains = 4

    def cached(_: object, outer: Any) -> Any:
        def some(i: Any, sums: Any) -> list[Any]:
            place = function.code.mul(i, LONG(chains * function.lanes))
            loads = [function.load(function.at(numbers, place, c * function.lanes)) for c in range(chains)]
            return [
                function.code.fadd(s, function.powers_of_two(x)) for s, x in zip(sums, loads, strict=True)
            ]

        return function.loop(LONG(_IN_CACHE // chains // function.lanes), outer, some)

    _use(function, function.loop(rounds, [function.constant(0.0)] * chains, cached))


def _use(function: VectorFunction, sums: Any) -> None:
    """What nobody uses, LLVM leaves out."""
    _, numbers = function.arguments
    function.code.store(function.total(sums), function.at(numbers, LONG(_IN_CACHE)))
