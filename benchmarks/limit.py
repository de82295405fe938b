"""How fast a Gaussian kernel sum could be on this device, from two rates that are measured in the run.

A pair takes k + 1 multiply-adds and one exponential, and nothing is assumed to overlap:
pairs per second = 1 / ((k + 1) / multiply-adds per second + 1 / exponentials per second).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.timing import seconds

__all__ = ["Limit", "measured"]

_IN_CACHE = 2**14  # float32 numbers: with the results 128 KiB, which fits beside a core
_CHAIN = 64
_GPU_EXP = (
    f"template <typename T> T chain(T x) {{ for (int i = 0; i < {_CHAIN}; ++i) x = __expf(-x); return x; }}"
)


class Limit(NamedTuple):
    """Operations per second."""

    multiply_adds: float
    exps: float

    def pairs(self, k: int) -> float:
        """Kernel pairs per second in k dimensions."""
        return 1 / ((k + 1) / self.multiply_adds + 1 / self.exps)


def measured(device: str = "cpu", size: int = 2048) -> Limit:
    """The fastest of a few tries: on the CPU of loops in machine code, if LLVM is there to make them.

    Elsewhere of a large float32 matrix product, of matrices of that `size`, and of exponentials as a library
    has them.
    """
    if device == "cpu" and find_spec("llvmlite"):
        from benchmarks import cpu_limit

        return Limit(cpu_limit.multiply_adds(), cpu_limit.exponentials())
    a, b = (torch.randn(size, size, device=device) for _ in range(2))
    product = torch.empty_like(a)
    multiply_adds = size**3 / _best(lambda: torch.mm(a, b, out=product), device)
    return Limit(multiply_adds, _cpu_exps() if device == "cpu" else _gpu_exps(device))


def _cpu_exps() -> float:
    """Of numpy's exponential, the fastest at hand, in as many threads as torch uses."""
    threads, repeats = torch.get_num_threads(), 256
    generator = np.random.default_rng(0)
    inputs = [-generator.random(_IN_CACHE, np.float32) for _ in range(threads)]
    results = [np.empty_like(x) for x in inputs]

    def work(thread: int) -> None:
        for _ in range(repeats):
            np.exp(inputs[thread], out=results[thread])

    with ThreadPoolExecutor(threads) as pool:
        best = _best(lambda: list(pool.map(work, range(threads))), "cpu")
    return threads * repeats * _IN_CACHE / best


def _gpu_exps(device: str) -> float:
    """Chains of exponentials in registers: from memory they would measure the memory."""
    chain = torch.cuda.jiterator._create_jit_fn(_GPU_EXP)
    x = torch.rand(2**24, device=device)
    return _CHAIN * x.numel() / _best(lambda: chain(x), device)


def _best(run: Callable[[], object], device: str) -> float:
    def finished() -> None:
        run()
        if device != "cpu":
            torch.cuda.synchronize()

    finished()
    return min(seconds(finished) for _ in range(4))
