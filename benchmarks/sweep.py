"""Tuning: how long a sweep takes, held-out alarms and intervals included."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from statistics import median

import numpy as np

from benchmarks.tables import Table
from benchmarks.timing import seconds
from kdeviz.data import EmbeddingSet, load_sample
from kdeviz.sweep import Grid, sweep

_USUAL = Grid.parse(components="2,4,6,8,12,16,20,24,28,32", scalings="scale,norm", bandwidths="0.5,scott,2")
_LARGE = Grid.parse(components="8,16,32", scalings="scale,norm", caps="5000,40000", bandwidths="0.5,scott")


def run(
    shape: tuple[int, int] = (20_000, 512),
    grids: tuple[Grid, Grid] = (_USUAL, _LARGE),
    rounds: tuple[int, int] = (7, 2),
) -> Iterator[Table]:
    """One table, in seconds."""
    random = np.random.default_rng(0)
    spread = np.geomspace(1, 0.03, shape[1])
    rows = (random.standard_normal((shape[0] + shape[0] // 10, shape[1])) * spread).astype(np.float32)
    large = EmbeddingSet.from_array(rows[: shape[0]]), EmbeddingSet.from_array(rows[shape[0] :])
    sets = {"sample set": load_sample().train_and_test(), f"{shape[0]} x {shape[1]}": large}
    lines = []
    for (name, data), grid, often in zip(sets.items(), grids, rounds, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            times = [seconds(lambda data=data, grid=grid: sweep(*data, grid)) for _ in range(often)]
        lines.append([f"{name}: {len(grid)} settings", *(f(times) for f in (median, min, max))])
    yield Table("Sweeps", ("", "median, s", "min", "max"), lines)
