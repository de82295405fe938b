"""JSON: one record per line, a list of records, columns, or what an embedding service answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from kdeviz.data.readers import roles
from kdeviz.data.readers.content import says_embedding
from kdeviz.data.readers.grid import content_of_rows
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.tables import TableContent
from kdeviz.data.readers.text import read_text
from kdeviz.errors import DataError

_ROWS_AT_ONCE = 1 << 13
_OBJECT_BYTES = 100
"""About what Python takes for one list or dictionary, beside its items."""
_ITEM_BYTES = 40


def read_json(source: Source) -> TableContent:
    """Read one JSON document, or one record per line under the name .json, as some tools write it."""
    return _read(source, "JSON", may_be_document=lambda data: True)


def read_json_lines(source: Source) -> TableContent:
    """Read one JSON record per line, or a list of records under the name .jsonl."""
    return _read(source, "JSON lines", may_be_document=lambda data: data.lstrip().startswith(b"["))


def _read(source: Source, kind: str, may_be_document: Callable[[bytes], bool]) -> TableContent:
    with source.reading(kind):
        data, notes = read_text(source)
        _check_size(source, data)
        document = _document(data) if may_be_document(data) else None
        if document is not None and _are_cells(document):
            return content_of_rows(source, [[_cell(value) for value in row] for row in document], notes)
        if document is None:
            return _content(source, _by_column(_lines(data, source), source), notes)
        return _content(source, _columns(document, source), notes)


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


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


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
        yield _of_batch(record)


def _of_batch(record: Any) -> Any:
    """The embedding and the id of one line of OpenAI's batch output; anything else as it is."""
    try:
        (answer,) = record["response"]["body"]["data"]
        return {"id": record["custom_id"], "embedding": answer["embedding"]}
    except (KeyError, TypeError, ValueError):
        return record


def _columns(document: Any, source: Source) -> dict[str, list[Any]]:
    """A document as columns, whichever way it was written."""
    if isinstance(document, list):
        return _by_column(document, source)
    if not isinstance(document, dict) or not document:
        raise DataError(f"{source.name}: holds {type(document).__name__}, need a list of records or columns")
    values = list(document.values())
    if _is_split(document):
        rows = (dict(zip(map(str, document["columns"]), row, strict=True)) for row in document["data"])
        columns = _by_column(rows, source)
        index = document.get("index", [])
        return {"index": index, **columns} if len(index) == len(document["data"]) else columns
    for key in ("data", "records", "rows", "items", "results", "points", "embeddings"):
        inside = document.get(key)
        if isinstance(inside, list) and inside and isinstance(inside[0], dict):
            return _by_column(inside, source)
    if all(isinstance(value, dict) for value in values):
        if set(values[0]) == set(values[-1]) and not _counts_rows(values[0]):
            return _by_column(({"id": key, **value} for key, value in document.items()), source)  # by id
        return {
            name: list(column.values()) for name, column in document.items()
        }  # by column, as pandas has it
    lists = {name: value for name, value in document.items() if isinstance(value, list)}
    inside = any(isinstance(item, list | dict) for value in lists.values() for item in value[:1])
    if len(lists) < len(document) and not inside:
        return _by_column([document], source)
    return _of_lists(lists, source)


def _is_split(document: dict[str, Any]) -> bool:
    return {"columns", "data"} <= set(document) <= {"columns", "data", "index", "schema"}


def _counts_rows(column: dict[str, Any]) -> bool:
    """Whether the keys are row numbers: then the outer keys are columns."""
    return list(column)[:3] == [str(i) for i in range(min(3, len(column)))]


def _of_lists(lists: dict[str, list[Any]], source: Source) -> dict[str, list[Any]]:
    """Lists by name: columns, or one vector for every id."""
    lengths = {len(value) for value in lists.values()}
    of_numbers = all(isinstance(item, int | float) for value in lists.values() for item in value)
    if of_numbers and len(lengths) == 1 and len(lists) > 1 and _are_ids(list(lists), max(lengths), source):
        return {"id": list(lists), "embedding": list(lists.values())}
    if len(lengths) > 1:
        longest, *_, shortest = sorted(lists, key=lambda name: -len(lists[name]))
        raise DataError(
            f"{source.name}: {longest} has {len(lists[longest])} values and {shortest} has "
            f"{len(lists[shortest])}; give every column one value per row"
        )
    return lists


def _are_ids(keys: list[str], length: int, source: Source) -> bool:
    """Whether keys over lists of numbers are ids over vectors, not columns (f0, f1, label).

    Raises:
        DataError: nobody can tell.
    """
    prefix = re.match(r"\D*", keys[0])
    first = keys[0].removeprefix(prefix[0]) if prefix else ""
    counted = first in ("0", "1") and keys == [
        f"{prefix and prefix[0]}{int(first) + i}" for i in range(len(keys))
    ]
    if any(roles.is_role(key) or says_embedding(key) for key in keys) or (counted and len(keys) <= length):
        return False
    if len(keys) > length or all(re.search(r"[./\\]", key) for key in keys):
        return True
    raise DataError(
        f"{source.name}: {len(keys)} keys with {length} numbers each may be columns or one vector per id; "
        'write records, for example {"id": "a", "embedding": [0.1, 0.2]}'
    )


def _by_column(records: Any, source: Source) -> dict[str, list[Any]]:
    """Records as columns, None where a record lacks one; bare lists become one column of vectors."""
    columns: dict[str, list[Any]] = {}
    rows = 0
    for rows, record in enumerate(records, 1):
        if isinstance(record, list):
            record = {"embedding": record}
        if not isinstance(record, dict):
            raise DataError(
                f"{source.name}: row {rows - 1} is {str(record)[:40]!r}, not a record; give every row its "
                'names, for example {"id": "a", "embedding": [0.1, 0.2]}'
            )
        for name, value in record.items():
            column = columns.setdefault(name, [])
            column.extend([None] * (rows - 1 - len(column)))
            column.append(value)
    for column in columns.values():
        column.extend([None] * (rows - len(column)))
    return columns


def _content(source: Source, columns: dict[str, list[Any]], notes: list[str]) -> TableContent:
    arrays = {name: _array(values, name, notes) for name, values in columns.items()}
    table = pa.table({name: array for name, array in arrays.items() if array is not None})

    def batches(names: list[str]) -> Iterator[pa.RecordBatch]:
        yield from table.select(names).to_batches(_ROWS_AT_ONCE)

    return TableContent(source, table.schema, len(table), batches, notes)


def _array(values: list[Any], name: str, notes: list[str]) -> pa.Array | None:
    """A column of one type; of mixed types as text."""
    try:
        return pa.array(values, from_pandas=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        pass
    if any(isinstance(value, list | dict) for value in values):
        notes.append(f"{name} is left out: its rows are of different kinds.")
        return None
    return pa.array([None if value is None else str(value) for value in values], pa.string())
