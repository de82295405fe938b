"""The shapes of JSON documents: records, columns, one vector per id, what embedding services answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from kdeviz.data.readers import roles
from kdeviz.data.readers.content import says_embedding
from kdeviz.data.readers.labels import are_labels
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.splits import split_in
from kdeviz.errors import DataError

_DEEPEST = 4  # how far down in an answer its records are looked for
Columns = dict[str, list[Any]]


def columns_of(document: Any, source: Source) -> Columns:
    """A document as columns, whichever way it was written.

    Raises:
        DataError: nobody can tell what its rows are, or it has none.
    """
    if isinstance(document, list):
        if _are_single(document):
            return {"label": document}
        return by_column(_without_outer_list(document), source)
    if not isinstance(document, dict) or not document:
        raise DataError(f"{source.name}: holds {type(document).__name__}, need a list of records or columns")
    document = {name: _only_list(value) for name, value in document.items()}
    if len(document) > 1 and _are_single([*document.values()]) and not _has_names([*document]):
        return {"id": [*document], "label": [*document.values()]}
    if {"columns", "data"} <= set(document) <= {"columns", "data", "index", "schema"}:
        return _of_split(document, source)
    if (parts := _in_parts(document)) is not None:
        return by_column(parts, source)
    if not any(_is_column(value) for value in document.values()):
        if (records := _records_in(document)) is not None:
            return by_column(records, source)
        if all(isinstance(value, dict) for value in document.values()):
            return _of_dicts(document, source)
        if any(isinstance(value, dict) for value in document.values()):
            keys = ", ".join(map(repr, list(document)[:8]))
            raise DataError(f"{source.name}: no list of records or vectors was found below its keys {keys}")
    return _of_values(document, source)


def answers(record: Any) -> Iterator[Any]:
    """The embeddings of one line that holds a service's answer; any other record as it is."""
    if not isinstance(record, dict):
        yield record
        return
    response = record.get("response")
    body = response.get("body", {}) if isinstance(response, dict) else record
    found = body.get("data") if isinstance(body, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, dict) and "embedding" in one for one in found):
        yield record
        return
    id_ = {"id": record["custom_id"]} if "custom_id" in record else {}
    for one in found:
        yield {**id_, "embedding": one["embedding"]}


def by_column(records: Iterable[Any], source: Source) -> Columns:
    """Records as columns, None where a record lacks one; bare lists become one column of vectors."""
    columns: Columns = {}
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


def _without_outer_list(document: list[Any]) -> list[Any]:
    """The rows of [[[0.1, 0.2], [0.3, 0.4]]], as pipelines for one text give them."""
    while len(document) == 1 and _is_matrix(document[0]):
        document = document[0]
    return document


def _are_single(values: list[Any]) -> bool:
    """Whether these are words or codes, as labels are that stand alone."""
    return bool(values) and all(isinstance(value, str | bool) or value in (0, 1, -1) for value in values)


def _has_names(keys: list[str]) -> bool:
    return any(roles.is_role(key) or says_embedding(key) for key in keys)


def _is_matrix(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1 and all(isinstance(row, list) for row in value)


def _only_list(value: Any) -> Any:
    """The list in {"float": [...]}."""
    if isinstance(value, dict) and len(value) == 1:
        (inside,) = value.values()
        return inside if _is_matrix(inside) else value
    return value


def _is_column(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and not isinstance(value[0], dict)


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(record, dict) for record in value)


def _in_parts(document: dict[str, Any]) -> list[Any] | None:
    """The records of {"train": [...], "test": [...]} or {"good": [...], "bad": [...]}, each with its part."""
    if len(document) < 2 or not all(map(_is_records, document.values())):
        return None
    splits = [split_in(name) for name in document]
    name = "split" if all(splits) else "label" if are_labels([*document]) else ""
    words = splits if all(splits) else list(document)
    if not name:
        return None
    parts = zip(words, document.values(), strict=True)
    return [{name: word, **record} for word, part in parts for record in part]


def _records_in(document: dict[str, Any], depth: int = _DEEPEST) -> list[Any] | None:
    """The first list of records in an answer, from the outside to the inside."""
    found: list[list[Any]] = [value for value in document.values() if _is_records(value)]
    if found:
        return found[0]
    inside = [value for value in document.values() if isinstance(value, dict)]
    if not depth or (len(inside) == len(document) > 1):  # alike: one record per id
        return None
    return next((r for value in inside if (r := _records_in(value, depth - 1)) is not None), None)


def _of_split(document: dict[str, Any], source: Source) -> Columns:
    """As pandas writes orient="split"."""
    rows = (dict(zip(map(str, document["columns"]), row, strict=True)) for row in document["data"])
    columns = by_column(rows, source)
    index = document.get("index", [])
    return {"index": index, **columns} if len(index) == len(document["data"]) else columns


def _of_dicts(document: dict[str, dict[str, Any]], source: Source) -> Columns:
    """Records by id, or columns by name, as pandas writes orient="index" and "columns"."""
    first = next(iter(document.values()))
    if not _are_columns(document, first, source):
        return by_column(({"id": key, **value} for key, value in document.items()), source)
    odd = next((name for name, column in document.items() if column.keys() != first.keys()), None)
    if odd is not None:
        raise DataError(f"{source.name}: {odd!r} has other rows than the columns before it")
    columns = {name: [column[key] for key in first] for name, column in document.items()}
    return columns if _counted([*first]) or "id" in columns else {"id": [*first], **columns}


def _are_columns(document: dict[str, dict[str, Any]], first: dict[str, Any], source: Source) -> bool:
    """Whether the outer keys are columns and the inner ones rows."""
    outer, inner = [*document], [*first]
    told = [_has_names(keys) for keys in (outer, inner)]
    counted = [_counted(keys) for keys in (outer, inner)]
    mixed = any(len({_sort(value) for value in column.values()} - {None}) > 1 for column in document.values())
    if _is_numbered_rows(inner):
        return True
    if told[0] != told[1]:
        return told[0]
    if mixed or _is_numbered_rows(outer) or len(document) == 1:
        return False
    if counted[0] != counted[1]:
        return counted[0]
    raise DataError(
        f"{source.name}: {outer[0]!r} and {inner[0]!r}: nobody can tell which keys are rows and which are "
        'columns; write records, for example {"id": "a", "embedding": [0.1, 0.2]}'
    )


def _is_numbered_rows(keys: list[str]) -> bool:
    return keys[:3] == [str(i) for i in range(min(3, len(keys)))]


def _counted(keys: list[str]) -> bool:
    """Whether keys are f0, f1, f2 ... or the like."""
    prefix = re.match(r"\D*", keys[0])
    before = prefix[0] if prefix else ""
    start = keys[0].removeprefix(before)
    return start in ("0", "1") and keys == [f"{before}{int(start) + i}" for i in range(len(keys))]


def _sort(value: Any) -> type | None:
    return None if value is None else float if isinstance(value, int | float) else type(value)


def _of_values(document: dict[str, Any], source: Source) -> Columns:
    """Lists by name: columns, or one vector for every id; or a single record."""
    lists = {name: value for name, value in document.items() if isinstance(value, list)}
    inside = any(isinstance(item, list | dict) for value in lists.values() for item in value[:1])
    if len(lists) < len(document) and not inside:
        return by_column([document], source)
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
    """Whether keys over lists of numbers are ids over vectors, not columns (f0, f1, label)."""
    if _has_names(keys) or (_counted(keys) and len(keys) <= length):
        return False
    if len(keys) > length or all(re.search(r"[./\\]", key) for key in keys):
        return True
    raise DataError(
        f"{source.name}: {len(keys)} keys with {length} numbers each may be columns or one vector per id; "
        'write records, for example {"id": "a", "embedding": [0.1, 0.2]}'
    )
