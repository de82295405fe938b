"""Paired timings: every contestant once per round, so that a drifting machine treats all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from operator import truediv
from statistics import median
from typing import NamedTuple

from benchmarks.tables import Table

__all__ = ["Rounds", "Work", "comparison", "paired", "seconds"]

Rounds = dict[str, list[float]]
"""Seconds per unit of work, one number per round, by contestant."""


class Work(NamedTuple):
    """What a contestant does in a round."""

    run: Callable[[], object]
    units: int = 1
    """How many units, queries for instance, that is: slow contestants do fewer."""


def seconds(run: Callable[[], object]) -> float:
    """How long one run takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def paired(works: Mapping[str, Work], rounds: int = 5) -> Rounds:
    """Time each contestant once per round, after a warm-up."""
    for work in works.values():
        work.run()
    times: Rounds = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(seconds(work.run) / work.units)
    return times


def comparison(
    title: str,
    times: Rounds,
    unit: str,
    scale: float,
    skipped: Mapping[str, str] | None = None,
    note: str = "",
) -> Table:
    """A table of contestants, with the median over the rounds of each one's time over the first's.

    `skipped` gives a line to each that could not take part.
    """
    first = next(iter(times.values()))
    rows = [
        [name, *(scale * f(t) for f in (median, min, max)), median(map(truediv, t, first))]
        for name, t in times.items()
    ]
    missing = [[name, f"skipped: {reason}", "", "", ""] for name, reason in (skipped or {}).items()]
    return Table(title, ("", f"median, {unit}", "min", "max", "ratio"), [*rows, *missing], note)
