"""Text cut into cells by Arrow's CSV reader, with errors that name the row."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from kdeviz.data.readers.dialect import Dialect
from kdeviz.data.readers.source import Source
from kdeviz.errors import DataError

_BLOCKS = (1 << 22, 1 << 24)
"""Bytes at once, and the longest row: 4 MiB are quickest, 16 MiB hold a large thumbnail."""


def rest_of(data: bytes, dialect: Dialect) -> bytes:
    """What follows the header, whose names may hold line ends when they are quoted."""
    end = data.find(b"\n")
    while dialect.quoted and end >= 0 and data.count(b'"', 0, end) % 2:
        end = data.find(b"\n", end + 1)
    return data[end + 1 :] if end >= 0 else b""


def cut(source: Source, data: bytes, dialect: Dialect, width: int) -> pa.Table:
    """Every cell of a text without its header line as text, in rows of so many.

    Raises:
        DataError: a row has another number of cells.
    """
    data = _tidied(data, dialect, width)
    table = _read_quoted(source, data, dialect, width) if dialect.quoted else None
    if table is None:
        table = _read(source, data, dialect._replace(quoted=False, escaped=False), width)
        if b'"' in data:
            table = pa.table([_without_quotes(column) for column in table.columns], names=table.column_names)
    if dialect.spaced:
        table = pa.table([pc.utf8_trim_whitespace(c) for c in table.columns], names=table.column_names)
    return table


def _tidied(data: bytes, dialect: Dialect, width: int) -> bytes:
    """The text as Arrow wants it: one space between cells, quotes right behind a delimiter."""
    if dialect.delimiter == " ":
        data = re.sub(rb"(?m)^ | $", b"", re.sub(rb"[ \t]+", b" ", data))
    elif dialect.spaced and dialect.quoted:
        mark = dialect.delimiter.encode()
        data = re.sub(re.escape(mark) + rb' +"', mark + b'"', data)
    return data.rstrip(b"\n") + b"\n" if width == 1 else data


def _read_quoted(source: Source, data: bytes, dialect: Dialect, width: int) -> pa.Table | None:
    """The table with quotes as quotes; None when some do not close and mean nothing."""
    with contextlib.suppress(DataError):  # twice as fast where no cell goes over several lines
        table = _read(source, data, dialect, width, multiline=False)
        if len(table) == data.count(b"\n") + (not data.endswith(b"\n")):
            return table
    try:
        table = _read(source, data, dialect, width, multiline=True)
    except DataError:
        if _even_lines(data, dialect.delimiter, width) is None:
            raise
        return None
    # Quotes that do not close swallow lines without an error: there must be as many rows as even lines.
    lines = _even_lines(data, dialect.delimiter, width)
    return table if lines in (None, len(table)) else None


def _even_lines(data: bytes, delimiter: str, width: int) -> int | None:
    """How many lines are not blank, if all of them have the right number of cells whatever is quoted."""
    mark = delimiter.encode()
    counts = [line.count(mark) for line in data.split(b"\n") if line.strip()]
    return len(counts) if set(counts) == {width - 1} else None


def _without_quotes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    whole = pc.match_substring_regex(column, r'(?s)^\s*".*"\s*$')
    if not pc.any(whole).as_py():
        return column
    bare = pc.replace_substring(pc.replace_substring_regex(column, r'(?s)^\s*"(.*)"\s*$', r"\1"), '""', '"')
    return pc.if_else(whole, bare, column)


def _read(source: Source, data: bytes, dialect: Dialect, width: int, multiline: bool = False) -> pa.Table:
    wrong: list[Any] = []

    def judge(row: Any) -> str:
        if row.text.startswith(("#", "%")) or not row.text.strip(" \t,;|"):
            return "skip"  # comments and empty rows between others
        wrong.append(row)
        return "error"

    names = [str(i) for i in range(width)]

    def read(block: int, threads: bool) -> pa.Table:
        return pacsv.read_csv(
            pa.BufferReader(data),
            pacsv.ReadOptions(use_threads=threads, block_size=block, column_names=names),
            pacsv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char='"' if dialect.quoted else False,
                escape_char="\\" if dialect.escaped else False,
                newlines_in_values=multiline,
                ignore_empty_lines=width > 1,
                invalid_row_handler=judge,
            ),
            pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )

    for block in _BLOCKS:
        try:
            return read(block, threads=True)
        except pa.ArrowInvalid as error:
            reason = " ".join(str(error).split())[:120]
        if wrong:
            break
    else:
        raise DataError(f"{source.name}: the rows cannot be told apart ({reason}); a quote may not be closed")
    wrong.clear()
    with contextlib.suppress(pa.ArrowInvalid):  # once more, for the row's number
        read(_BLOCKS[-1], threads=False)
    raise DataError(_ragged(source, wrong[0], width, dialect.quoted))


def _ragged(source: Source, row: Any, width: int, quoted: bool) -> str:
    cells = f"{row.actual_columns} cell{'s' * (row.actual_columns != 1)}"
    place = "" if row.number is None else f" {source.first_row + row.number - 1}"
    hint = "; a quote in or before it may not be closed" if quoted else ""
    return (
        f"{source.name}: row{place} has {cells} and the others have {width} ({row.text[:40]!r}); give every "
        f"row one cell per column{hint}"
    )
