"""Growth: time against the number of points and of queries, and the sizes that take a second and a minute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks import peers
from benchmarks.growth_plot import Line, Panel, draw
from benchmarks.tables import Table
from benchmarks.timing import seconds
from kdeviz.model import GaussianKDE
from kdeviz.wording import count

PLOT = Path(__file__).parents[1] / "docs" / "growth.svg"
OURS = "kdeviz"
_SLOPE_FROM = 0.005  # seconds: below, what a call costs by itself bends the line
_REPEAT_BELOW = 1.0  # seconds

Times = dict[str, list[tuple[int, float]]]
"""(size, seconds) by contestant."""


def run(
    points: Sequence[int] = (2500, 10_000, 40_000, 160_000, 640_000),
    queries: Sequence[int] = (256, 1024, 4096, 16_384, 65_536, 262_144),
    fixed: tuple[int, int] = (10_000, 1024),
    k: int = 16,
    most_seconds: float = 2.0,
    names: Iterable[str] = tuple(peers.PEERS),
    plot: Path | None = PLOT,
) -> Iterator[Table]:
    """Both tables; `fixed` is the number of points while queries grow, and of queries while points grow."""
    names = [OURS, *names]
    # A size that would take longer is left out.
    against_n = {
        name: list(_growth(name, [(n, fixed[1]) for n in points], k, most_seconds)) for name in names
    }
    against_m = {
        name: list(_growth(name, [(fixed[0], m) for m in queries], k, most_seconds)) for name in names
    }
    by_points = {name: [(n, t) for n, _, t in found] for name, found in against_n.items() if found}
    by_queries = {name: [(m, t) for _, m, t in found] for name, found in against_m.items() if found}
    if plot is not None:
        panels = [
            Panel(f"Points, with {count(fixed[1])} queries", _lines(by_points)),
            Panel(f"Queries, with {count(fixed[0])} points", _lines(by_queries)),
        ]
        plot.write_text(draw(f"Seconds to score, k = {k}", panels), encoding="utf-8")
    yield _slopes(by_points, by_queries, fixed)
    yield _one_second(against_m[OURS], k)


def slope(times: Sequence[tuple[int, float]]) -> float:
    """Of log time against log size, where the work outweighs the call; 1 is linear."""
    large = [pair for pair in times if pair[1] >= _SLOPE_FROM]
    sizes, spent = np.log(large if len(large) > 1 else times[-2:]).T
    return float(np.polyfit(sizes, spent, 1)[0]) if len(sizes) > 1 else float("nan")


def _growth(
    name: str, shapes: Iterable[tuple[int, int]], k: int, most_seconds: float
) -> Iterator[tuple[int, int, float]]:
    """(points, queries, seconds) while a size is expected to stay below the limit."""
    last = None
    for n, m in shapes:
        if last is not None and last[2] * n * m / (last[0] * last[1]) > most_seconds:
            return
        time = _time(name, n, m, k)
        if time is None:
            return
        last = n, m, time
        yield last


def _time(name: str, n: int, m: int, k: int) -> float | None:
    points, queries = _normal(n, k, 0), _normal(m, k, 1)
    if name == OURS:
        scorers = {OURS: GaussianKDE().fit(points).log_prob}
    else:
        scorers, _ = peers.prepare([name], points)
    if name not in scorers:
        return None
    scorers[name](queries[:64])
    first = seconds(lambda: scorers[name](queries))
    if first > _REPEAT_BELOW:
        return first
    return min(seconds(lambda: scorers[name](queries)) for _ in range(5))


def _lines(times: Times) -> list[Line]:
    return [Line(name, pairs, slope(pairs), name == OURS) for name, pairs in times.items()]


def _slopes(by_points: Times, by_queries: Times, fixed: tuple[int, int]) -> Table:
    rows = []
    for name in by_queries:
        pairs, (size, time) = by_points.get(name, []), by_queries[name][-1]
        rows.append([name, slope(pairs), slope(by_queries[name]), 1e6 * time / size])
    note = "Slopes of log time against log size: 1 is linear. Fastest of five calls, one call "
    note += "where it takes more than a second; time per query at the largest size measured."
    header = ("", "slope in points", "slope in queries", f"µs per query, {fixed[0]} points")
    return Table("Growth", header, rows, note)


def _one_second(times: Sequence[tuple[int, int, float]], k: int) -> Table:
    n, m, time = times[-1]
    rate = n * m / time
    side = round(rate**0.5)
    points = _normal(side, k, 0)
    kde = GaussianKDE().fit(points)
    check = seconds(lambda: kde.log_prob(_normal(side, k, 1)))
    rows = [["a second", side, f"{check:.2f} s"], ["a minute", round((60 * rate) ** 0.5), "not run"]]
    note = f"At {rate / 1e9:.2f} · 10⁹ pairs per second, {torch.get_num_threads()} threads, k = {k}."
    header = ("takes about", "as many points, and as many queries", "measured")
    return Table("What fits into a second and into a minute", header, rows, note)


def _normal(n: int, k: int, seed: int) -> Tensor:
    return torch.randn(n, k, generator=torch.Generator().manual_seed(seed))
