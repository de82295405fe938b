"""JSON: one record per line, a list of records, columns, or what an embedding service answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from kdeviz.data.readers.arrow_types import plain_content
from kdeviz.data.readers.content import says_embedding
from kdeviz.data.readers.documents import answers, by_column, columns_of
from kdeviz.data.readers.grid import content_of_rows
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.tables import TableContent
from kdeviz.data.readers.text import read_text
from kdeviz.errors import DataError

_BEGINS = re.compile(rb"\s*(\[\s*[\[{\d.-]|\{\s*\")")
_OBJECT_BYTES = 100
"""About what Python takes for one list or dictionary, beside its items."""
_ITEM_BYTES = 40


def read_json(source: Source) -> TableContent:
    """Read one JSON document, or one record per line under the name .json, as some tools write it."""
    return _read(source, "JSON", may_be_document=lambda data: True)


def read_json_lines(source: Source) -> TableContent:
    """Read one JSON record per line, or a list of records under the name .jsonl."""
    return _read(source, "JSON lines", may_be_document=lambda data: data.lstrip().startswith(b"["))


def read_as_json(source: Source, data: bytes, notes: list[str]) -> TableContent | None:
    """Text under another name that is JSON all the same; None when it is not."""
    if not _BEGINS.match(data):
        return None
    _check_size(source, data)
    try:
        document = _document(data)
        rows = [json.loads(line) for line in data.split(b"\n") if line.strip()] if document is None else []
    except (ValueError, RecursionError):
        return None
    columns = by_column(rows, source) if document is None else columns_of(document, source)
    return _content(source, columns, [*notes, "The text is JSON and was read so."])


def _read(source: Source, kind: str, may_be_document: Callable[[bytes], bool]) -> TableContent:
    with source.reading(kind):
        data, notes = read_text(source)
        _check_size(source, data)
        document = _document(data) if may_be_document(data) else None
        if document is not None and _are_cells(document):
            rows = [["" if value is None else str(value) for value in row] for row in document]
            return content_of_rows(source, rows, notes)
        if document is None:
            return _content(source, by_column(_lines(data, source), source), notes)
        return _content(source, columns_of(document, source), notes)


def _document(data: bytes) -> Any:
    """The whole text as one document, or None when more follows its first line."""
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise
    return None


def _are_cells(document: Any) -> bool:
    """Whether a document is a list of rows of cells, some of them text."""
    if not (isinstance(document, list) and document and all(isinstance(row, list) for row in document)):
        return False
    cells = [value for row in document for value in row]
    even = len({len(row) for row in document}) == 1
    return (
        even
        and any(isinstance(value, str) for value in cells)
        and not any(isinstance(v, list | dict) for v in cells)
    )


def _check_size(source: Source, data: bytes) -> None:
    """Refuse what would take too much as Python objects."""
    opened = data.count(b"[") + data.count(b"{")
    source.check(_ITEM_BYTES * data.count(b",") + _OBJECT_BYTES * opened, "the parsed JSON")


def _lines(data: bytes, source: Source) -> Iterator[Any]:
    """Every record, those of OpenAI's batches unpacked."""
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise DataError(
                f"{source.name}: line {number} is no JSON record ({error}); write one record on every line"
            ) from error
        yield from answers(record)


def _content(source: Source, columns: dict[str, list[Any]], notes: list[str]) -> TableContent:
    arrays = {name: _array(values, name, source, notes) for name, values in columns.items()}
    table = pa.table({name: array for name, array in arrays.items() if array is not None})
    return plain_content(source, table, notes)


def _array(values: list[Any], name: str, source: Source, notes: list[str]) -> pa.Array | None:
    """A column of one type; of mixed types as text."""
    if (array := _of_one_type(values)) is not None:
        return array
    if any(isinstance(value, list | dict) for value in values):
        if says_embedding(name):
            unlike = (i for i, value in enumerate(values) if _of_one_type([values[0], value]) is None)
            row, first = next(unlike, 0), source.first_row
            raise DataError(
                f"{source.name}: {name} in row {first + row} is {str(values[row])[:40]!r}, and in row "
                f"{first} {str(values[0])[:40]!r}; give every row a list of numbers"
            )
        notes.append(f"{name} is left out: its rows are of different kinds.")
        return None
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _of_one_type(values: list[Any]) -> pa.Array | None:
    try:
        return pa.array(values, from_pandas=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return None
