"""Paired timings: every contestant once per round, so that a drifting machine treats all alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

__all__ = ["Row", "paired"]


class Row(NamedTuple):
    """One contestant of one question."""

    question: str
    contestant: str
    seconds: float
    low: float
    high: float
    ratio: float
    """Median over rounds of this contestant's time over ours."""


def paired(question: str, contestants: dict[str, Callable[[], object]], rounds: int = 5) -> list[Row]:
    """Time each contestant once per round, after a warm-up; the first is ours."""
    for work in contestants.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, work in contestants.items():
            start = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - start)
    ours = next(iter(times.values()))
    return [
        Row(question, name, median(t), min(t), max(t), median(a / b for a, b in zip(t, ours, strict=True)))
        for name, t in times.items()
    ]
