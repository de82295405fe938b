"""Grids of text cells (text tables, sheets): the kind of every column, told from some of its rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from kdeviz.data.readers import roles
from kdeviz.data.readers.cells import PLACEHOLDERS, Marks, is_blank
from kdeviz.data.readers.content import NoRowsError
from kdeviz.data.readers.dialect import number_marks
from kdeviz.data.readers.headings import default_names, find_headings
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.tables import TableContent, refuse_repeated
from kdeviz.errors import DataError

_SAMPLE_ROWS = 200
_SAMPLE_CELLS = 400_000
_MOSTLY = 0.9
"""The share of numbers above which the other cells of a column are taken for mistakes."""
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_PADDED = re.compile(r"[+-]?0\d+", re.ASCII)
_ROWS_AT_ONCE = 1 << 16


def grid_content(
    source: Source, names: list[str], cells: pa.Table, marks: Marks, notes: list[str], named: bool = True
) -> TableContent:
    """Text cells as a table: its schema says what they are taken for, its batches hold them as text.

    `cells` has a column for each of the names; `named` says whether these stand in the file.
    """
    sample = _sample(cells)
    pairs = enumerate(zip(names, sample, strict=True))
    kept = [i for i, (name, some) in pairs if name or any(cell.strip() for cell in some)]
    names = _distinct([names[i] for i in kept])
    refuse_repeated(names, source)
    table = pa.table([cells.column(i) for i in kept], names=names)
    text = roles.kept_as_text(names, source.wanted)
    kinds = [
        pa.string() if name in text else _kind(sample[i], table[name], name, marks)
        for name, i in zip(names, kept, strict=True)
    ]

    def batches(chosen: list[str]) -> Iterator[pa.RecordBatch]:
        yield from table.select(chosen).to_batches(_ROWS_AT_ONCE)

    schema = pa.schema(list(zip(names, kinds, strict=True)))
    return TableContent(source, schema, len(table), batches, notes, marks, named)


def content_of_rows(source: Source, rows: list[list[str]], notes: list[str]) -> TableContent:
    """Rows of text cells, all of one width, the first of which may be a header."""
    marks = told_marks(source, rows[:_SAMPLE_ROWS])
    headings = find_headings(rows[:_SAMPLE_ROWS], [], ",", marks) if rows else None
    body = rows[1:] if headings else rows
    if not body:
        raise NoRowsError(f"{source.name}: there are no rows")
    columns = list(zip(*body, strict=True))
    names = headings.names if headings else default_names([c[:_SAMPLE_ROWS] for c in columns], marks)
    if not headings:
        notes.append("No header line: the columns were named by what they hold.")
    numbered = [str(i) for i in range(len(columns))]
    cells = pa.table([pa.array(column, pa.string()) for column in columns], names=numbered)
    return grid_content(source, names, cells, marks, notes)


def told_marks(source: Source, rows: list[list[str]]) -> Marks:
    """How numbers are written in these rows.

    Raises:
        DataError: it can be in two ways.
    """
    marks, doubtful = number_marks(rows, source.wanted.decimal)
    if doubtful:
        raise DataError(
            f"{source.name}: {doubtful!r} may be a number with decimals or one with thousands, and no other "
            "number tells; say which, with decimal=',' or decimal='.' (--decimal)"
        )
    return marks


def kind_of(cells: list[str], name: str, marks: Marks) -> pa.DataType:
    """What cells are taken for: whole numbers, numbers, truth values or text."""
    found = [cell for cell in map(str.strip, cells) if not is_blank(cell)]
    numbers = [cell for cell in found if marks.is_number(cell)]
    if found and all(cell.lower() in ("true", "false") for cell in found):
        return pa.bool_()
    if len(numbers) == len(found):
        if any(_PADDED.fullmatch(cell) for cell in numbers):
            return pa.string()
        whole = bool(numbers) and all(_WHOLE.fullmatch(cell) for cell in numbers)
        return pa.int64() if whole else pa.float64() if numbers else pa.null()
    others = {cell.lower() for cell in found if not marks.is_number(cell)} - PLACEHOLDERS - {name.lower()}
    mostly = len(numbers) >= _MOSTLY * len(found) or not others
    return pa.float64() if numbers and mostly else pa.string()


def _kind(sample: list[str], column: pa.ChunkedArray, name: str, marks: Marks) -> pa.DataType:
    """The kind of some rows, or of all where these say nothing."""
    kind = kind_of(sample, name, marks)
    if pa.types.is_null(kind) and len(column) > len(sample):
        return kind_of(column.to_pylist(), name, marks)
    return kind


def _sample(cells: pa.Table) -> list[list[str]]:
    """Some rows of every column, from all over the table."""
    rows = max(3, min(_SAMPLE_ROWS, _SAMPLE_CELLS // max(cells.num_columns, 1)))
    if len(cells) > rows:
        first = np.arange(rows // 2)
        spread = np.linspace(rows // 2, len(cells) - 1, rows - len(first)).astype(np.int64)
        cells = cells.take(np.concatenate([first, spread]))
    columns = [chunk for column in cells.columns for chunk in column.chunks]
    flat = pa.concat_arrays(columns).to_pylist() if columns else []
    return [flat[start : start + len(cells)] for start in range(0, len(flat), max(len(cells), 1))]


def _distinct(names: list[str]) -> list[str]:
    """Columns without a name get one when there are several."""
    if names.count("") < 2:
        return names
    return [name or f"Unnamed: {i}" for i, name in enumerate(names)]
