"""Inspection: explaining one sample, and the intervals and the curve of 40 000 labelled ones."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import numpy as np

from benchmarks.tables import Table
from benchmarks.timing import Work, paired
from kdeviz.analysis import analyse
from kdeviz.decision import bootstrap, platt
from kdeviz.explain import explain, slice_density
from kdeviz.settings import Settings


def run(
    points: int = 40_000, dimensions: int = 512, components: int = 16, rounds: int = 15
) -> Iterator[Table]:
    """One table, in milliseconds."""
    random = np.random.default_rng(0)
    features = (random.standard_normal((points, dimensions)) * np.logspace(0, -2, dimensions)).astype(
        np.float32
    )
    analysis = analyse(features, None, Settings(components))
    labels = np.repeat(np.array([0, 1], np.int8), [points - points // 10, points // 10])
    scores = random.standard_normal(points) - 2 * labels
    works = {
        "explain one row": Work(lambda: explain(analysis, 7)),
        "slice through it": Work(lambda: slice_density(analysis, 7, (0, 1))),
        "intervals of five metrics": Work(lambda: bootstrap(scores, labels, -1.0)),
        "Platt fit, five folds": Work(lambda: platt(scores, labels)),
    }
    title = f"Inspection: {points} x {dimensions}, k = {components}"
    header = ("", "median, ms", "min", "max")
    rows = [[name, *(1e3 * f(t) for f in (median, min, max))] for name, t in paired(works, rounds).items()]
    yield Table(title, header, rows)
