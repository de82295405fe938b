"""estimate: what an analysis will cost, before it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from operator import truediv
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.data import Rows, working_dtype
from kdeviz.model import (
    MANY_POINTS,
    GaussianKDE,
    KernelSums,
    eigenvectors,
    fold_count,
    is_searched,
    krylov_block,
    resolve_device,
)
from kdeviz.settings import Settings

_MOST_COMPONENTS = 128
# A fit and each of its folds take so many times as long as a density of a few points, however few rows.
_FIT_STEPS, _FOLD_STEPS = 10.0, 2.0
_STEP_POINTS, _STEP_COMPONENTS, _STEP_TRIES = 64, 8, 10

# Of looks at a value: how long it takes to hash it, which is done with the training rows.
_HASHED = 2
_GRAM, _EIGEN = (2048, 256), 512
_QUERIES, _FEW_POINTS = 4096, 1024


class _Speeds(NamedTuple):
    """Of a device, for some number of components."""

    multiply_adds: float
    """Of a Gram matrix, per second."""
    eigen: float
    """Of eigenvectors, in units of `_eigenvectors`, per second: these use the cores in another way."""
    values: float
    """Of the features, per second: checked, digested and widened."""
    pairs: float
    """Kernels, per second."""
    step: float
    """Seconds for a density of a few points: what each step costs whose arithmetic takes no time."""


class _Kind(NamedTuple):
    """What of an analysis its speeds depend on."""

    components: int
    """At least so many; near counts share a measurement, for a slider passes through many."""
    many: bool
    """Whether there are so many points that another kernel sums them."""

    @classmethod
    def of(cls, work: _Work) -> _Kind:
        """Of this work."""
        return cls(1 << (work.components - 1).bit_length(), work.points >= MANY_POINTS)


_MEASURED: dict[tuple[torch.device, _Kind], _Speeds] = {}


def _ordinary(kind: _Kind) -> _Speeds:
    """Of two ordinary cores; measured for 3 to 64 components: pairs take so much, and more for each."""
    fixed, each = (1e-10, 6e-12) if kind.many else (5e-10, 2.6e-11)
    return _Speeds(4e10, 3e10, 2e8, 1 / (fixed + each * kind.components), 5e-4)


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
    speeds = _speeds(resolve_device(device), _Kind.of(work))
    # Measured: an eigendecomposition peaks at some five Gram matrices; rows wider than many are held whole.
    # There is a Gram matrix for every fold; those of fewer rows than dimensions are parts of one.
    smaller, tall = min(work.points, d), work.points >= d
    numbers = (6 + (fold_count(work.points) if tall else 2)) * smaller**2
    numbers += 0 if tall else 3 * work.points * d
    numbers += 4 * work.points * work.components
    return Estimate(work.seconds(speeds), 8 * numbers + 100 * 2**20)


def is_measured(n: int, d: int, settings: Settings, device: str | torch.device = "auto") -> bool:
    """Whether `estimate` has the speeds that it needs, so that it answers at once."""
    return (resolve_device(device), _Kind.of(_work(n, d, settings, 0))) in _MEASURED


def measure_speeds(
    device: str | torch.device = "auto", on_progress: Callable[[str, float], object] = lambda *_: None
) -> None:
    """Do now all that `estimate` would measure on this device: one to two seconds.

    `on_progress` is called with a stage and a fraction after each measurement.
    """
    kinds = [_Kind(1 << bit, many) for bit in range(_MOST_COMPONENTS.bit_length()) for many in (False, True)]
    for done, kind in enumerate(kinds, 1):
        _speeds(resolve_device(device), kind)
        on_progress("Measuring speeds", done / len(kinds))


def rough_seconds(n: int, d: int, settings: Settings, scored: int = 0) -> float:
    """What `estimate` would say of two ordinary cores, without measuring: good enough to order a queue by."""
    work = _work(n, d, settings, scored)
    return work.seconds(_ordinary(_Kind.of(work)))


class _Work(NamedTuple):
    points: int
    components: int
    multiply_adds: float
    eigen: float
    values: float
    pairs: float
    steps: float

    def seconds(self, speeds: _Speeds) -> float:
        """What it takes at these speeds."""
        work = self.multiply_adds, self.eigen, self.values, self.pairs
        return float(sum(map(truediv, work, speeds))) + self.steps * speeds.step


def _work(n: int, d: int, settings: Settings, scored: int) -> _Work:
    points = min(n, settings.max_training_points)
    asked = settings.n_pca_components
    k = min(asked if isinstance(asked, int) else 32, d, points)
    smaller, rows, folds = min(points, d), points + (scored or n - points), fold_count(points)
    # All rows are projected on the axes of each fold; of fewer rows than dimensions, their inner products.
    search, eigen = _fold_axes(smaller if points >= d else points - points // folds, k)
    multiply_adds = points * d * smaller + 2 * rows * d * k + folds * (search + points * smaller * k)
    eigen = _eigenvectors(smaller) + folds * eigen
    values = (n + scored + _HASHED * points) * d
    return _Work(points, k, multiply_adds, eigen, values, rows * points, _FIT_STEPS + _FOLD_STEPS * folds)


def _eigenvectors(d: int) -> float:
    """Work for the eigenvectors of (d, d): measured, small matrices are slow."""
    return float(5 * d**3 + 1000 * d**2)


def _fold_axes(d: int, k: int) -> tuple[float, float]:
    """Multiply-adds and eigenvectors' work for the axes of a fold.

    A few are searched for from those of all rows where that is faster.
    """
    return (65.0 * d**2 * krylov_block(k), 0.0) if is_searched(d, k) else (0.0, _eigenvectors(d))


def _speeds(device: torch.device, kind: _Kind) -> _Speeds:
    """Measured when they are first asked for."""
    if (device, kind) not in _MEASURED:
        queries = _normal(device, _QUERIES, kind.components)
        points = queries[: MANY_POINTS if kind.many else _FEW_POINTS]
        seconds = _seconds(lambda: KernelSums(points, torch.float32).at(queries))
        multiply_adds, eigen, values, step = _of_any_kind(device)
        pairs = len(queries) * len(points) / seconds
        _MEASURED[device, kind] = _Speeds(multiply_adds, eigen, values, pairs, step)
    return _MEASURED[device, kind]


@cache
def _of_any_kind(device: torch.device) -> tuple[float, float, float, float]:
    """The speeds that do not depend on the kind of work: all but that of pairs."""
    few = _normal(device, _STEP_POINTS, _STEP_COMPONENTS)
    block, square = _normal(device, *_GRAM), _normal(device, _EIGEN, _EIGEN)
    symmetric, values = square + square.T, _normal(torch.device("cpu"), _QUERIES, _EIGEN).float().numpy()
    return (
        len(block) * block.shape[1] ** 2 / _seconds(lambda: block.T @ block),
        _eigenvectors(_EIGEN) / _seconds(lambda: eigenvectors(symmetric)[0]),
        values.size / _seconds(lambda: _looked_at(values, device)),
        _seconds(lambda: GaussianKDE().to(device).fit(few).log_prob(few), _STEP_TRIES),
    )


def _normal(device: torch.device, *shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(*shape, dtype=working_dtype(device), generator=generator).to(device)


def _looked_at(features: NDArray[np.float32], device: torch.device) -> Tensor:
    """What is done with every row, whatever the model."""
    rows = Rows(features)
    rows.check_finite()
    rows.digest()
    return rows.block(0, len(rows), working_dtype(device), device)


def _seconds(work: Callable[[], Tensor], tries: int = 3) -> float:
    best = float("inf")
    for _ in range(tries):
        start = time.perf_counter()
        work().flatten()[0].item()  # waits for the device
        best = min(best, time.perf_counter() - start)
    return best
