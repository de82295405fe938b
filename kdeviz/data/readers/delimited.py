"""CSV and TSV, by Arrow's reader."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from kdeviz.data.readers import roles
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.tables import TableContent
from kdeviz.errors import DataError

_BLOCK = 1 << 24  # also the longest row: 16 MiB holds a large thumbnail
_MAX_COLUMNS = 100_000


def read_delimited(source: Source) -> TableContent:
    """Read a whole CSV or TSV; ids, labels and the split stay text, so that "007" is not 7."""
    with source.reading("text table"):
        buffer = source.buffer()
        names, delimiter, note = _header(source)
        _check_cells(source, buffer, delimiter)
        text = {name: pa.string() for role in ("id", "label", "split") if (name := roles.find(role, names))}
        if {"mark", "note"} <= set(names):  # as kdeviz writes them
            text |= dict.fromkeys(("mark", "note"), pa.string())
        table = pacsv.read_csv(
            pa.BufferReader(buffer),
            # Column names come from the first line unless that is already data.
            pacsv.ReadOptions(block_size=_BLOCK, column_names=names if note else None),
            pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=_has(buffer, b'"')),
            pacsv.ConvertOptions(column_types=text, strings_can_be_null=False),
        )

    def batches(chosen: list[str]) -> Iterator[pa.RecordBatch]:
        yield from table.select(chosen).to_batches()

    return TableContent(source, table.schema, table.num_rows, batches, [note] if note else [])


def _header(source: Source) -> tuple[list[str], str, str]:
    """Column names, the delimiter, and a note when the first line is data."""
    with source.open() as stream:
        line = stream.readline(_BLOCK).decode("utf-8-sig")
    if "\0" in line:
        raise DataError(f"{source.name}: not a text file; save it as UTF-8 text with one header line")
    delimiter = "\t" if source.suffix == ".tsv" else max(",;\t", key=line.count)
    names = next(csv.reader([line], delimiter=delimiter), [])
    if len(names) > _MAX_COLUMNS:
        raise DataError(
            f"{source.name}: {len(names):,} columns, the limit is {_MAX_COLUMNS:,}; save it as parquet"
        )
    if _is_data(names):
        return (
            [f"f{i}" for i in range(len(names))],
            delimiter,
            "No header line: the columns were named f0, f1, ...",
        )
    return names, delimiter, ""


def _is_data(names: list[str]) -> bool:
    """Whether a first line is numbers, and not the column names 0, 1, 2 ..."""
    try:
        numbers = [float(name) for name in names]
    except ValueError:
        return False
    return bool(numbers) and numbers not in ([*range(len(numbers))], [*range(1, len(numbers) + 1)])


def _check_cells(source: Source, buffer: pa.Buffer, delimiter: str) -> None:
    """A cell of one character becomes a number of eight bytes."""
    if 8 * buffer.size <= source.max_bytes:
        return
    cells, text = 0, np.frombuffer(buffer, np.uint8)
    for start in range(0, len(text), _BLOCK):
        block = text[start : start + _BLOCK]
        cells += int(np.count_nonzero(block == ord(delimiter)) + np.count_nonzero(block == ord("\n")))
    source.check(8 * (cells + 1), f"{cells + 1:,} cells")


def _has(buffer: pa.Buffer, sought: bytes) -> bool:
    text = np.frombuffer(buffer, np.uint8)
    return any((text[start : start + _BLOCK] == ord(sought)).any() for start in range(0, len(text), _BLOCK))
