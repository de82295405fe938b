"""Log sums of Gaussian kernels on the CPU, in machine code of our own. To import this needs llvmlite."""

from __future__ import annotations

import math
import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from queue import Empty, SimpleQueue

import torch
from torch import Tensor
from torch.nn.functional import pad

from kdeviz.model.kernels.llvm_code import LOG2_E, LOWEST, QUERIES, sums_code

# What a thread does at once: a fraction of a millisecond, and enough to repay a block its way into cache.
_PAIRS_PER_TASK, _FEWEST_TILES = 2**20, 16


class LLVMKernel:
    """Tiles of queries and points in registers, and an exponential that is no slower than their products.

    A query's sum depends on the points alone: not on the other queries, nor on the number of threads.

    Args:
        points: (N, k) float32 on the CPU, below 1e17.
    """

    name = "llvm"

    def __init__(self, points: Tensor) -> None:
        n, self._k = points.shape
        self._code = sums_code()
        biases = (points.double().square().sum(1, keepdim=True) / -2).float()
        missing = -n % self._code.tile
        rows = pad(torch.cat([biases, points], 1), (0, 0, 0, missing))
        rows[n:, 0] = LOWEST
        self._points = _tiled(rows, self._code.tile)

    def sums(self, queries: Tensor) -> Tensor:
        """(M, k) queries to (M,) sums."""
        m = len(queries)
        tiles = _tiled(pad(queries, (0, 0, 0, -m % QUERIES)), QUERIES)
        scales = queries.new_full((len(tiles), QUERIES), LOWEST)
        totals = queries.new_zeros(len(tiles), QUERIES, dtype=torch.float64)
        if m:
            self._add_all(tiles, scales, totals)
        sums = (scales + totals.log2()).flatten()[:m] / LOG2_E
        return torch.sub(sums, queries.double().square().sum(1), alpha=0.5).float()

    def rounding(self, length: Tensor, reach: Tensor, distance: Tensor) -> Tensor:
        """See `logsumexp.Kernel`.

        Measured where x and y nearly cancel: 0.22 eps (|x| + |y|)^2 / 2 at k = 1, 0.72 at 16, 2.4 at k = 128.
        """
        eps = torch.finfo(torch.float32).eps
        return (length + reach).square() * (eps * max(0.5, math.sqrt(self._k) / 4) / 2)

    def _add_all(self, *tensors: Tensor) -> None:
        """The sums of all tiles, in as many threads as torch would use, this one among them."""
        pairs = QUERIES * self._code.tile * len(self._points)
        some = max(_PAIRS_PER_TASK // pairs, _FEWEST_TILES)
        parts: SimpleQueue[tuple[Tensor, ...]] = SimpleQueue()
        for part in zip(*(torch.split(tensor, some) for tensor in tensors), strict=True):
            parts.put(part)
        helpers: list[Future[None]] = []
        with suppress(RuntimeError):  # the interpreter is ending and starts no work: this thread does it all
            wanted = min(torch.get_num_threads(), parts.qsize()) - 1
            helpers.extend(_pool().submit(self._add_each, parts) for _ in range(wanted))
        self._add_each(parts)
        for helper in helpers:
            if not helper.cancel():
                helper.result()

    def _add_each(self, parts: SimpleQueue[tuple[Tensor, ...]]) -> None:
        scratch = self._points.new_empty(self._code.scratch)
        with suppress(Empty):
            while True:
                self._add(*parts.get_nowait(), scratch)

    def _add(self, queries: Tensor, *results: Tensor) -> None:
        per_block = self._code.tiles_per_block(self._k)
        points = self._points.data_ptr(), len(self._points), per_block, self._k
        self._code.add(queries.data_ptr(), len(queries), *points, *(x.data_ptr() for x in results))


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads that help whoever sums, and sleep in between."""
    return ThreadPoolExecutor(os.cpu_count(), "kdeviz-sums")


# A fork copies no threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)


def _tiled(rows: Tensor, tile: int) -> Tensor:
    """(n, d) to (n / tile, d, tile)."""
    return rows.reshape(len(rows) // tile, tile, rows.shape[1]).transpose(1, 2).contiguous()
