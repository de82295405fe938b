"""A sweep as a file: the same table from the app and from the shell."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from kdeviz.data import EmbeddingSet
from kdeviz.output.scores import ScoreTable, to_csv, to_parquet
from kdeviz.sweep import Choice, Grid, Sweep, sweep_table


def sweep_csv(found: Sweep, grid: Grid, train: EmbeddingSet, choice: Choice | None = None) -> bytes:
    """`sweep_table` as CSV."""
    return to_csv(_table(found, grid, train, choice))


def sweep_parquet(found: Sweep, grid: Grid, train: EmbeddingSet, choice: Choice | None = None) -> bytes:
    """`sweep_table` as parquet; its schema says as JSON what was asked, on which data, and what was best."""
    return to_parquet(_table(found, grid, train, choice))


def _table(found: Sweep, grid: Grid, train: EmbeddingSet, choice: Choice | None) -> ScoreTable:
    about: dict[str, Any] = {
        "grid": asdict(grid),
        "data": train.name,
        "data_digest": train.to_fit.digest,
        "choice": None if choice is None else choice.sentence,
        "threshold_rule": asdict(found.rule),
    }
    return ScoreTable(sweep_table(found), about)
