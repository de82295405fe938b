"""Scoring float32 queries: against the peers, against the limit of this machine, over shapes, and many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from statistics import median

import torch
from torch import Tensor

from benchmarks import limit, peers
from benchmarks.tables import Cell, Table
from benchmarks.timing import Work, comparison, paired, seconds
from kdeviz.errors import OptionError
from kdeviz.model import GaussianKDE
from kdeviz.model.kernels.choice import choose_kernel
from kdeviz.model.kernels.logsumexp import BlockedKernel, FusedKernel

SHAPES = ((40_000, 16), *((40_000, k) for k in (3, 10, 33, 64, 100)), (777, 16), (100_003, 16))
COMPONENTS = 3, 10, 16, 33, 64, 128
CPU_KERNELS = (FusedKernel.name, "llvm", BlockedKernel.name)
MICRO = 1e6
LIMIT_NOTE = (
    "The limit is 1 / ((k + 1) / multiply-adds per s + 1 / exponentials per s), each measured by itself with "
    "numbers in registers or in the first cache."
)


def run(
    points: int = 40_000,
    queries: int = 8192,
    many: int = 1_000_000,
    shapes: Iterable[tuple[int, int]] = SHAPES,
    components: Iterable[int] = COMPONENTS,
    names: Iterable[str] = tuple(peers.PEERS),
    rounds: int = 5,
    limit_size: int = 2048,
) -> Iterator[Table]:
    """Every table; `names` are of `peers.PEERS`, `limit_size` as in `limit.measured`."""
    yield against_peers(points, 16, queries, names, rounds)
    yield cpu_kernels(points, components, queries, rounds, limit_size)
    yield over_shapes(shapes, points * queries, rounds, limit_size)
    yield many_queries(points, 16, many, rounds)


def against_peers(n: int, k: int, m: int, names: Iterable[str], rounds: int) -> Table:
    """The headline: time per query."""
    points, queries = _normal(n, k), _normal(m, k, seed=1)
    kde, blocked = GaussianKDE().fit(points), GaussianKDE().fit(points)
    blocked.kernel = "blocked"
    scorers, skipped = peers.prepare(names, points)
    works = {
        "kdeviz": Work(lambda: kde.log_prob(queries), m),
        "kdeviz, blocked": Work(lambda: blocked.log_prob(queries), m),
        **{name: _work(scorer, queries[: peers.PEERS[name].queries]) for name, scorer in scorers.items()},
    }
    counts = ", ".join(f"{name} {work.units}" for name, work in works.items())
    note = f"The ratio is each time over kdeviz's, per query. Queries per round: {counts}."
    title = f"Score: {n} points, k = {k}, per query"
    return comparison(title, paired(works, rounds), "µs", MICRO, skipped, note)


def cpu_kernels(n: int, components: Iterable[int], m: int, rounds: int, limit_size: int) -> Table:
    """Pairs per second of every kernel over k, beside the limit of this CPU in the same rounds."""
    rows: list[list[Cell]] = []
    for k in components:
        works, limits = _each_kernel(_normal(n, k), _normal(m, k, seed=1)), []
        times: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(rounds):
            limits.append(limit.measured(size=limit_size).pairs(k))
            for name, work in works.items():
                times[name].append(seconds(work) / n / m)
        rows.append(["limit of this CPU", k, median(limits) / 1e9, 1.0, ""])
        for name, spent in times.items():
            shares = [1 / (t * bound) for t, bound in zip(spent, limits, strict=True)]
            ratios = [t / fused for t, fused in zip(spent, times[FusedKernel.name], strict=True)]
            rows.append([name, k, 1e-9 / median(spent), median(shares), 1 / median(ratios)])
    header = ("kernel", "k", "10⁹ pairs/s", "of limit", "times the fused kernel's speed")
    return Table(f"Score: kernels of the CPU, {n} points, {m} queries", header, rows, LIMIT_NOTE)


def _each_kernel(points: Tensor, queries: Tensor) -> dict[str, Callable[[], Tensor]]:
    """The sums by each kernel that this CPU has, without repairs, after a first run."""
    kernels = {}
    for name in CPU_KERNELS:
        with suppress(OptionError):
            kernels[name] = partial(choose_kernel(points, name).sums, queries)
            kernels[name]()
    return kernels


def over_shapes(shapes: Iterable[tuple[int, int]], pairs: int, rounds: int, limit_size: int) -> Table:
    """Pairs per second of kdeviz as a share of the limit, measured in the same round, and against scipy."""
    rows, limits = [], []
    for n, k in shapes:
        points, queries = _normal(n, k), _normal(max(pairs // n, 1), k, seed=1)
        kde, scipy = GaussianKDE().fit(points), peers.PEERS[peers.SCIPY].ready(points)
        few = queries[: len(queries) // 64 + 1]
        kde.log_prob(queries), scipy(few)
        speeds, shares, ratios = [], [], []
        for _ in range(rounds):
            limits.append(limit.measured(size=limit_size))
            speed = n * len(queries) / seconds(lambda kde=kde, x=queries: kde.log_prob(x))
            slow = n * len(few) / seconds(lambda scipy=scipy, x=few: scipy(x))
            speeds.append(speed / 1e9)
            shares.append(speed / limits[-1].pairs(k))
            ratios.append(speed / slow)
        bounds = median(shares), min(shares), max(shares)
        rows.append([n, k, len(queries), median(speeds), *bounds, median(ratios)])
    multiply_adds, exps = (median(rates) / 1e9 for rates in zip(*limits, strict=True))
    header = ("points", "k", "queries", "10⁹ pairs/s", "of limit", "min", "max", "times scipy's speed")
    note = f"{LIMIT_NOTE} In this run these were {multiply_adds:.0f} and {exps:.1f}, 10⁹ per s."
    return Table("Score: other shapes, and the limit of this machine", header, rows, note)


def many_queries(n: int, k: int, m: int, rounds: int) -> Table:
    """A hundred times as many queries: once, with the few before and after it."""
    kde, few = GaussianKDE().fit(_normal(n, k)), max(m // 100, 1)
    queries = _normal(m, k, seed=1)
    kde.log_prob(queries[:few])

    def small() -> list[float]:
        return [seconds(lambda: kde.log_prob(queries[:few])) / few for _ in range(rounds)]

    before = small()
    large = seconds(lambda: kde.log_prob(queries)) / m
    times = {f"{few} queries": before + small(), f"{m} queries": [large]}
    rows = [
        [name, *(MICRO * f(t) for f in (median, min, max)), median(t) / median(times[f"{few} queries"])]
        for name, t in times.items()
    ]
    header = ("", "median, µs", "min", "max", "ratio")
    return Table(f"Many queries: {n} points, k = {k}, per query", header, rows)


def _work(scorer: Callable[[Tensor], object], queries: Tensor) -> Work:
    return Work(lambda: scorer(queries), len(queries))


def _normal(n: int, k: int, seed: int = 0) -> Tensor:
    return torch.randn(n, k, generator=torch.Generator().manual_seed(seed))
