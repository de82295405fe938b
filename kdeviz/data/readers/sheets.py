"""Sheets of a spreadsheet (.xlsx): the one with the most cells."""

from __future__ import annotations

import zipfile
from typing import Any

from kdeviz.data.readers.grid import content_of_rows
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.tables import TableContent
from kdeviz.errors import DataError

_FEWEST = 3  # columns of a table above which a line of one cell is its title


def read_sheet(source: Source) -> TableContent:
    """Read the largest sheet; formulas count as what they were last worked out to."""
    with source.reading("Excel"):
        title, others, rows = _rows(source)
        notes = [f"Sheet {title!r} was read; {', '.join(map(repr, others))} not."] if others else []
        return content_of_rows(source, _without_titles(rows, notes), notes)


def _rows(source: Source) -> tuple[str, list[str], list[list[str]]]:
    """The largest sheet: its title, the titles of other such sheets, its cells as text."""
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise DataError(
            f"{source.name}: reading .xlsx takes openpyxl: pip install 'kdeviz[files]', or save it as CSV"
        ) from None
    with source.open() as stream, zipfile.ZipFile(stream) as archive:
        source.check(sum(member.file_size for member in archive.infolist()), "the inflated sheets")
    with source.open() as stream:
        book = load_workbook(stream, read_only=True, data_only=True)
        found = [(sheet.title, _table(sheet)) for sheet in book.worksheets]
    title, rows = max(found, key=lambda sheet: len(sheet[1]) * len(sheet[1][0]) if sheet[1] else 0)
    return title, [other for other, cells in found if cells and other != title], rows


def _table(sheet: Any) -> list[list[str]]:
    """Cells as text, without empty rows and columns around and between them."""
    rows = [[_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    rows = [row for row in rows if any(row)]
    width = max(map(len, rows), default=0)
    rows = [row + [""] * (width - len(row)) for row in rows]
    kept = [i for i in range(width) if any(row[i] for row in rows)]
    return [[row[i] for i in kept] for row in rows]


def _without_titles(rows: list[list[str]], notes: list[str]) -> list[list[str]]:
    """The rows below those of a single cell, where the others have several."""
    filled = [sum(map(bool, row)) for row in rows]
    start = next((i for i, count in enumerate(filled) if count > 1), 0)
    if max(filled, default=0) < _FEWEST:
        return rows
    titles = [next(filter(None, row)) for row in rows[:start]]
    notes += [f"The line {title[:40]!r} above the table was skipped." for title in titles]
    return rows[start:]


def _text(value: Any) -> str:
    """As it is read from text tables: 7.0 as 7."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)
