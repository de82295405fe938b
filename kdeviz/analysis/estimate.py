"""estimate: what an analysis will cost, before it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from kdeviz.data import working_dtype
from kdeviz.model import KernelSums, fold_count, resolve_device
from kdeviz.settings import Settings

_MOST_COMPONENTS = 128
_SPEEDS: dict[tuple[torch.device, int], tuple[float, float]] = {}
_ORDINARY_MULTIPLY_ADDS, _ORDINARY_PAIRS = 4e10, 1e9


class Estimate(NamedTuple):
    """What a fit will cost."""

    seconds: float
    """Fitting, held-out scores and scores."""
    bytes: int
    """Peak memory above the data itself."""


def estimate(
    n: int, d: int, settings: Settings, device: str | torch.device = "auto", scored: int = 0
) -> Estimate:
    """Predict what `analyse` costs for (n, d) training rows and `scored` others, before it runs.

    The speeds are measured once per device, in some milliseconds; expect a factor of two either way.
    """
    work = _work(n, d, settings, scored)
    gram, pairs = _speeds(resolve_device(device), _bucket(work.components))
    # Measured: an eigendecomposition peaks at some five Gram matrices; rows wider than many are held whole.
    # There is a Gram matrix for every fold; those of fewer rows than dimensions are parts of one.
    smaller, tall = min(work.points, d), work.points >= d
    numbers = (6 + (fold_count(work.points) if tall else 2)) * smaller**2
    numbers += 0 if tall else 3 * work.points * d
    numbers += 4 * work.points * work.components
    return Estimate(work.multiply_adds / gram + work.pairs / pairs, 8 * numbers + 100 * 2**20)


def is_measured(n: int, d: int, settings: Settings, device: str | torch.device = "auto") -> bool:
    """Whether `estimate` has the speeds that it needs, so that it answers at once."""
    return (resolve_device(device), _bucket(_work(n, d, settings, 0).components)) in _SPEEDS


def measure_speeds(device: str | torch.device = "auto") -> None:
    """Do now all that `estimate` would measure on this device: half a second."""
    for exponent in range(_MOST_COMPONENTS.bit_length()):
        _speeds(resolve_device(device), 1 << exponent)


def rough_seconds(n: int, d: int, settings: Settings, scored: int = 0) -> float:
    """What `estimate` would say of two ordinary cores, without measuring: good enough to order a queue by."""
    work = _work(n, d, settings, scored)
    return work.multiply_adds / _ORDINARY_MULTIPLY_ADDS + work.pairs / _ORDINARY_PAIRS


class _Work(NamedTuple):
    points: int
    components: int
    multiply_adds: float
    pairs: float


def _work(n: int, d: int, settings: Settings, scored: int) -> _Work:
    points = min(n, settings.max_training_points)
    asked = settings.n_pca_components
    k = min(asked if isinstance(asked, int) else 32, d, points)
    smaller, rows = min(points, d), points + (scored or n - points)
    # The axes of a fold are searched for from those of all rows, and all rows are projected on each fold's.
    held_out = fold_count(points) * (100 * smaller**2 * k + points * d * k)
    fit = points * d * smaller + 10 * smaller**3 + 2 * rows * d * k
    return _Work(points, k, fit + held_out, rows * points)


def _bucket(components: int) -> int:
    """Near component counts share a measurement: a slider passes through many."""
    return 1 << (components - 1).bit_length()


def _speeds(device: torch.device, k: int) -> tuple[float, float]:
    """(multiply-adds per second of a Gram matrix, kernel pairs per second in k dimensions)."""
    if (device, k) not in _SPEEDS:
        generator = torch.Generator().manual_seed(0)
        block = torch.randn(2048, 256, dtype=working_dtype(device), generator=generator).to(device)
        points = torch.randn(4096, k, dtype=working_dtype(device), generator=generator).to(device)
        gram = _seconds(lambda: block.T @ block, device)
        pairs = _seconds(lambda: KernelSums(points, torch.float32).at(points), device)
        _SPEEDS[device, k] = block.numel() * 256 / gram, 4096 * 4096 / pairs
    return _SPEEDS[device, k]


def _seconds(work: Callable[[], Tensor], device: torch.device) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        work().flatten()[0].item()  # waits for the device
        best = min(best, time.perf_counter() - start)
    return best
