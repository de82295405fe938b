"""What an analysis is said to cost before it runs, over what it took: the promise is a factor of 1.5."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from benchmarks.tables import Table
from benchmarks.timing import seconds
from kdeviz.analysis import analyse, estimate, measure_speeds, rough_seconds
from kdeviz.settings import Settings


class Case(NamedTuple):
    """Some training rows, perhaps rows to score beside them, and a model."""

    n: int
    d: int
    k: int = 16
    cap: int = 40_000
    scored: int = 0


CASES = (
    Case(756, 2048),
    Case(756, 2048, 64),
    Case(1051, 64, scored=756),
    Case(6000, 384),
    Case(6000, 384, 3),
    Case(20_000, 128),
    Case(20_000, 128, 64),
    Case(40_000, 512),
    Case(40_000, 512, cap=5000),
    Case(200_000, 128, 3, 20_000),
    Case(200_000, 128, cap=20_000),
    Case(1_000_000, 128, cap=20_000),
)


def run(cases: Iterable[Case] = CASES) -> Iterator[Table]:
    """One table."""
    measure_speeds("cpu")
    rows = [_row(case) for case in cases]
    header = (*Case._fields, "estimated, s", "took, s", "ratio", "rough guess, s")
    yield Table("Estimates: what an analysis is said to cost, and what it took", header, rows)


def _row(case: Case) -> list[str | float]:
    rng = np.random.default_rng(0)
    slopes = np.arange(1, case.d + 1, dtype=np.float32) ** -0.5
    train, score = (rng.standard_normal((m, case.d), np.float32) * slopes for m in (case.n, case.scored))
    settings = Settings(case.k, max_training_points=case.cap)
    said = estimate(case.n, case.d, settings, "cpu", case.scored).seconds
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        took = seconds(lambda: analyse(train, score if case.scored else None, settings, "cpu"))
    rough = rough_seconds(case.n, case.d, settings, case.scored)
    return [*case, said, took, said / took, rough]
