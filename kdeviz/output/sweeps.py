"""A sweep as a file: the same table from the app and from the shell."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from kdeviz.data import EmbeddingSet
from kdeviz.output.tables import Table, table_bytes
from kdeviz.sweep import Choice, Grid, Sweep, sweep_table


def sweep_bytes(
    finished: Sweep, grid: Grid, train: EmbeddingSet, choice: Choice | None, suffix: str
) -> bytes:
    """`sweep_table` as a file with this suffix; see `tables.TABLE_WRITERS`.

    A format that can hold more than a table, as parquet can, also says what was asked, on which data, and
    what was best.
    """
    about: dict[str, Any] = {
        "grid": asdict(grid),
        "data": train.name,
        "data_digest": train.to_fit.digest,
        "choice": None if choice is None else choice.sentence,
        "threshold_rule": asdict(finished.rule),
    }
    return table_bytes(Table(sweep_table(finished), about), suffix)
