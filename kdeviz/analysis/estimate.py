"""estimate: what an analysis will cost, before it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from kdeviz.data import working_dtype
from kdeviz.model import GaussianKDE, KernelSums, fold_count, is_searched, krylov_block, resolve_device
from kdeviz.settings import Settings

_MOST_COMPONENTS = 128
# A fit and each of its folds take so many times as long as a density of a few points, however few rows.
_FIT_STEPS, _FOLD_STEPS = 10.0, 2.0
_STEP_POINTS, _STEP_COMPONENTS, _STEP_TRIES = 64, 8, 10


class _Speeds(NamedTuple):
    """Of a device, for some number of components."""

    multiply_adds: float
    """Of a Gram matrix, per second."""
    pairs: float
    """Kernels, per second."""
    step: float
    """Seconds for a density of a few points: what each step costs whose arithmetic takes no time."""


_MEASURED: dict[tuple[torch.device, int], _Speeds] = {}
_ORDINARY = _Speeds(4e10, 1e9, 5e-4)


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

    The speeds are measured once per device, in some milliseconds; expect a factor of one and a half either
    way on a machine that does nothing else.
    """
    work = _work(n, d, settings, scored)
    speeds = _speeds(resolve_device(device), _bucket(work.components))
    # Measured: an eigendecomposition peaks at some five Gram matrices; rows wider than many are held whole.
    # There is a Gram matrix for every fold; those of fewer rows than dimensions are parts of one.
    smaller, tall = min(work.points, d), work.points >= d
    numbers = (6 + (fold_count(work.points) if tall else 2)) * smaller**2
    numbers += 0 if tall else 3 * work.points * d
    numbers += 4 * work.points * work.components
    return Estimate(work.seconds(speeds), 8 * numbers + 100 * 2**20)


def is_measured(n: int, d: int, settings: Settings, device: str | torch.device = "auto") -> bool:
    """Whether `estimate` has the speeds that it needs, so that it answers at once."""
    return (resolve_device(device), _bucket(_work(n, d, settings, 0).components)) in _MEASURED


def measure_speeds(device: str | torch.device = "auto") -> None:
    """Do now all that `estimate` would measure on this device: half a second."""
    for exponent in range(_MOST_COMPONENTS.bit_length()):
        _speeds(resolve_device(device), 1 << exponent)


def rough_seconds(n: int, d: int, settings: Settings, scored: int = 0) -> float:
    """What `estimate` would say of two ordinary cores, without measuring: good enough to order a queue by."""
    return _work(n, d, settings, scored).seconds(_ORDINARY)


class _Work(NamedTuple):
    points: int
    components: int
    multiply_adds: float
    pairs: float
    steps: float

    def seconds(self, speeds: _Speeds) -> float:
        """What it takes at these speeds."""
        arithmetic = self.multiply_adds / speeds.multiply_adds + self.pairs / speeds.pairs
        return arithmetic + self.steps * speeds.step


def _work(n: int, d: int, settings: Settings, scored: int) -> _Work:
    points = min(n, settings.max_training_points)
    asked = settings.n_pca_components
    k = min(asked if isinstance(asked, int) else 32, d, points)
    smaller, rows, folds = min(points, d), points + (scored or n - points), fold_count(points)
    # All rows are projected on the axes of each fold.
    held_out = folds * (_fold_axes(smaller, k) + points * d * k)
    fit = points * d * smaller + _eigenvectors(smaller) + 2 * rows * d * k
    return _Work(points, k, fit + held_out, rows * points, _FIT_STEPS + _FOLD_STEPS * folds)


def _eigenvectors(d: int) -> float:
    """Multiply-adds that take as long as the eigenvectors of (d, d): measured, small matrices are slow."""
    return float(5 * d**3 + 1000 * d**2)


def _fold_axes(d: int, k: int) -> float:
    """The same for those of a fold: a few are searched for from those of all rows where that is faster."""
    b = krylov_block(k)
    return float(100 * d**2 * b) if is_searched(d, k) else _eigenvectors(d)


def _bucket(components: int) -> int:
    """Near component counts share a measurement: a slider passes through many."""
    return 1 << (components - 1).bit_length()


def _speeds(device: torch.device, k: int) -> _Speeds:
    """Measured when they are first asked for."""
    if (device, k) not in _MEASURED:
        generator = torch.Generator().manual_seed(0)
        block = torch.randn(2048, 256, dtype=working_dtype(device), generator=generator).to(device)
        points = torch.randn(4096, k, dtype=working_dtype(device), generator=generator).to(device)
        gram = _seconds(lambda: block.T @ block, device)
        pairs = _seconds(lambda: KernelSums(points, torch.float32).at(points), device)
        few = points[:_STEP_POINTS, :_STEP_COMPONENTS]
        step = _seconds(lambda: GaussianKDE().to(device).fit(few).log_prob(few), device, _STEP_TRIES)
        _MEASURED[device, k] = _Speeds(block.numel() * 256 / gram, 4096 * 4096 / pairs, step)
    return _MEASURED[device, k]


def _seconds(work: Callable[[], Tensor], device: torch.device, tries: int = 3) -> float:
    best = float("inf")
    for _ in range(tries):
        start = time.perf_counter()
        work().flatten()[0].item()  # waits for the device
        best = min(best, time.perf_counter() - start)
    return best
