"""estimate: what an analysis will cost, before it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from kdeviz.data import working_dtype
from kdeviz.model import KernelSums, resolve_device
from kdeviz.settings import Settings


class Estimate(NamedTuple):
    """What a fit will cost."""

    seconds: float
    """Fitting, leave-one-out scores and scores."""
    bytes: int
    """Peak memory above the data itself."""


def estimate(
    n: int, d: int, settings: Settings, device: str | torch.device = "auto", scored: int = 0
) -> Estimate:
    """Predict what `analyse` costs for (n, d) training rows and `scored` others, before it runs.

    The speeds are measured once per device, in some milliseconds; expect a factor of two either way.
    """
    chosen = resolve_device(device)
    points = min(n, settings.max_training_points)
    asked = settings.n_pca_components
    k = min(asked if isinstance(asked, int) else 32, d, points)
    # Near component counts share a measurement: a slider passes through many.
    gram, pairs = _speeds(chosen, 1 << (k - 1).bit_length())
    smaller = min(points, d)
    rows = points + (scored or n - points)
    multiply_adds = points * d * smaller + 10 * smaller**3 + 2 * rows * d * k
    seconds = multiply_adds / gram + rows * points / pairs
    # Measured: an eigendecomposition peaks at some five Gram matrices; rows wider than many are held whole.
    numbers = 6 * smaller**2 + (3 * points * d if points < d else 0) + 4 * points * k
    return Estimate(seconds, 8 * numbers + 100 * 2**20)


@lru_cache(maxsize=64)
def _speeds(device: torch.device, k: int) -> tuple[float, float]:
    """(multiply-adds per second of a Gram matrix, kernel pairs per second in k dimensions)."""
    generator = torch.Generator().manual_seed(0)
    block = torch.randn(2048, 256, dtype=working_dtype(device), generator=generator).to(device)
    points = torch.randn(4096, k, dtype=working_dtype(device), generator=generator).to(device)
    gram = _seconds(lambda: block.T @ block, device)
    pairs = _seconds(lambda: KernelSums(points, torch.float32).at(points[:1024]), device)
    return block.numel() * 256 / gram, 1024 * 4096 / pairs


def _seconds(work: Callable[[], Tensor], device: torch.device) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        work().flatten()[0].item()  # waits for the device
        best = min(best, time.perf_counter() - start)
    return best
