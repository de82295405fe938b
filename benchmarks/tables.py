"""What every question gives: tables, printed as they come and written to RESULTS.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["Table", "markdown"]

Cell = str | int | float


class Table(NamedTuple):
    """One table; `note` says what the numbers mean."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""


def markdown(table: Table) -> str:
    """The table under its title."""
    return "\n".join(_lines(table))


def _lines(table: Table) -> Iterator[str]:
    yield from (f"## {table.title}", "")
    yield _line(table.header)
    yield _line(["---"] * len(table.header))
    yield from (_line([_cell(cell) for cell in row]) for row in table.rows)
    if table.note:
        yield from ("", table.note)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    if not isinstance(cell, float):
        return str(cell)
    return f"{cell:.0f}" if 100 <= abs(cell) < 1e6 else f"{cell:.3g}"
