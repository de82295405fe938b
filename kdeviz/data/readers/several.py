"""Several files of one kind as one set: their rows follow each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from kdeviz.data.readers import roles
from kdeviz.data.readers.arrangement import arranged
from kdeviz.data.readers.arrays import ArrayContent, Values, as_column, flat_shape, is_numeric, shape_of
from kdeviz.data.readers.content import Content
from kdeviz.data.readers.name_order import series
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.tables import TableContent
from kdeviz.data.readers.values import is_number, value_bytes
from kdeviz.errors import DataError


class Part(NamedTuple):
    """One of several files.

    Attributes:
        name: its path below the folder, for messages.
        content: what it holds.
        columns: what its path says about all of its rows, such as {"split": "train"}.
    """

    name: str
    content: Content
    columns: Mapping[str, str | None]


def one_after_the_other(parts: Sequence[Part], source: Source) -> Content:
    """The rows of all parts.

    Raises:
        DataError: their columns or dimensions differ, or they are of different kinds.
    """
    tables = [part.content for part in parts if isinstance(part.content, TableContent)]
    arrays = [part.content for part in parts if isinstance(part.content, ArrayContent)]
    whole: Content
    if len(tables) == len(parts):
        whole = _tables(parts, tables, source)
    elif len(arrays) < len(parts):
        raise DataError(f"{source.name}: some files hold tables and others arrays; give those of one kind")
    elif all(content.names == ("",) for content in arrays):
        named = {_stem(p.name): c.arrays[""] for p, c in zip(parts, arrays, strict=True)}
        whole = _single_arrays(parts, named, source)
    else:
        whole = _named_arrays(parts, arrays, source)
    names = f"{parts[0].name} ... {parts[-1].name}"
    whole.notes.append(f"{len(parts)} files were read as one set, in name order: {names}.")
    return whole


def _stem(name: str) -> str:
    return str(Path(name).with_suffix(""))


def _tables(parts: Sequence[Part], tables: Sequence[TableContent], source: Source) -> TableContent:
    schema = _schema(parts, tables, source)
    _refuse_single_columns(tables, source)
    if all(table.rows == 1 for table in tables) and not roles.named("id", schema.names):
        parts = [part._replace(columns={"id": _stem(part.name), **part.columns}) for part in parts]
    added = {name: None for part in parts for name in part.columns if name not in schema.names}
    whole = pa.schema([*schema, *(pa.field(name, pa.string()) for name in added)])
    rows = sum(table.rows for table in tables)

    def batches(names: list[str]) -> Iterator[pa.RecordBatch]:
        width = sum(value_bytes(whole.field(name).type) for name in names)
        source.check(rows * width, f"{rows:,} rows of {len(parts)} files")
        for part, table in zip(parts, tables, strict=True):
            stored = [name for name in names if name not in added]
            # A batch without columns would not know its rows.
            for batch in table.batches(stored or table.schema.names[:1]):
                columns = [
                    _constant(part.columns.get(name), len(batch))
                    if name in added
                    else _cast(batch.column(name), schema.field(name).type)
                    for name in names
                ]
                yield pa.record_batch(columns, names=names)

    notes = list(dict.fromkeys(note for table in tables for note in table.notes))
    return TableContent(source, whole, rows, batches, notes, tables[0].marks, tables[0].named)


def _refuse_single_columns(tables: Sequence[TableContent], source: Source) -> None:
    """Refuse vectors that were written one number a line, as np.savetxt writes them."""
    rows = {table.rows for table in tables}
    single = all(len(table.schema) == 1 and is_number(table.schema.types[0]) for table in tables)
    if single and len(rows) == 1 and max(rows) > 1 and not any(table.named for table in tables):
        raise DataError(
            f"{source.name}: {len(tables)} files with {rows.pop()} lines of one number each; if each is one "
            "vector, write it on one line: np.savetxt(path, vector[None])"
        )


def _schema(parts: Sequence[Part], tables: Sequence[TableContent], source: Source) -> pa.Schema:
    first = tables[0]
    for part, table in zip(parts, tables, strict=True):
        if differing := set(table.schema.names) ^ set(first.schema.names):
            name = min(differing)
            both = (part.name, parts[0].name)
            has, lacks = both if name in table.schema.names else reversed(both)
            raise DataError(
                f"{source.name}: {has} has a column {name!r} and {lacks} has none; "
                "give all files the same columns"
            )
        if table.marks != first.marks:
            raise DataError(
                f"{source.name}: {part.name} writes numbers in another way than {parts[0].name}; "
                "say which mark is the decimal one (decimal, --decimal), or read the files one by one"
            )
    try:
        return pa.unify_schemas([table.schema for table in tables], promote_options="permissive")
    except pa.ArrowException as error:
        raise DataError(
            f"{source.name}: a column has different types from file to file ({error}); save it in one type"
        ) from error


def _constant(value: str | None, rows: int) -> pa.Array:
    """A value for all rows, stored once."""
    places = pa.array(np.zeros(rows, np.int32), mask=np.full(rows, value is None))
    return pa.DictionaryArray.from_arrays(places, pa.array([value or ""], pa.string()))


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return column if pa.types.is_dictionary(column.type) or column.type == kind else column.cast(kind)


def _single_arrays(parts: Sequence[Part], arrays: dict[str, Values], source: Source) -> Content:
    """A file per array: batches of rows, or arrays that belong together as if they were in one file."""
    source.check(sum(values.nbytes for values in arrays.values()), f"{len(parts)} arrays together")
    if len(arrays) < len(parts):
        raise DataError(f"{source.name}: two files have the same name; give them different ones")
    shapes = {flat_shape(values)[1:] if is_numeric(values) else None for values in arrays.values()}
    one_each = len(arrays) > 1 and all(shape_of(values)[:1] == (1,) for values in arrays.values())
    if one_each and len(shapes) == 1 and None not in shapes:
        return _with_columns(_row_each(arrays, source), parts)
    if len(shapes) > 1 or None in shapes or () in shapes:
        _refuse_other_dimensions(arrays, source)
        return _with_columns(arranged(source, arrays, []), parts)
    _refuse_two_series(arrays, source)
    rows = np.concatenate([values.reshape(len(values), -1) for values in arrays.values()])
    columns = {
        name: np.repeat([part.columns[name] or "" for part in parts], list(map(len, arrays.values())))
        for name in parts[0].columns
    }
    return ArrayContent(source, {"": rows, **columns})


def _row_each(arrays: Mapping[str, Values], source: Source) -> ArrayContent:
    """Arrays of one row each, with their names as ids."""
    last = [name.rpartition("/")[2] for name in arrays]
    ids = last if len(set(last)) == len(last) else list(arrays)
    rows = np.concatenate([np.asarray(values).reshape(1, -1) for values in arrays.values()])
    return ArrayContent(source, {"": rows, "id": pa.array(ids)})


def _with_columns(content: Content, parts: Sequence[Part]) -> Content:
    """What the paths say of the files, where each of them is a row."""
    if isinstance(content, ArrayContent) and shape_of(content.arrays.get("id", np.empty(0))) == (len(parts),):
        for name in parts[0].columns.keys() - content.arrays.keys():
            content.arrays[name] = np.array([part.columns[name] or "" for part in parts])
    return content


def _refuse_other_dimensions(arrays: Mapping[str, Values], source: Source) -> None:
    """img_emb_0 and img_emb_1 are one set, so that they have the same dimensions."""
    first, *others = arrays
    matrices = all(is_numeric(values) and values.ndim == 2 for values in arrays.values())
    other = next((name for name in others if shape_of(arrays[name])[1:] != shape_of(arrays[first])[1:]), None)
    if matrices and other is not None and len(series(arrays)) == 1:
        raise DataError(
            f"{source.name}: {first} has {arrays[first].shape[1]} dimensions and {other} has "
            f"{arrays[other].shape[1]}; all files must come from the same feature extractor"
        )


def _refuse_two_series(arrays: Mapping[str, Values], source: Source) -> None:
    """img_emb_0, img_emb_1 and text_emb_0, text_emb_1 are two sets."""
    found = series(arrays)
    if len(found) > 1 and all(len(names) > 1 for names in found.values()):
        shown = " and ".join(f"{name}*" for name in found)
        raise DataError(f"{source.name}: holds several sets, {shown}; give the files of one of them")


def _named_arrays(parts: Sequence[Part], contents: Sequence[ArrayContent], source: Source) -> ArrayContent:
    """Key by key, where every file has it with one entry per row."""
    first = contents[0].candidates[0] if contents[0].candidates else None
    if first is None or any(first not in content.candidates for content in contents):
        return ArrayContent(source, {}, [])
    source.check(sum(v.nbytes for c in contents for v in c.arrays.values()), "the arrays of all files")
    rows = [len(content.arrays[first.name]) for content in contents]
    whole: dict[str, Values] = {}
    notes = list(dict.fromkeys(note for content in contents for note in content.notes))
    for key in contents[0].arrays:
        found = [content.arrays.get(key, np.empty(0)) for content in contents]
        if [shape_of(values)[0] if shape_of(values) else -1 for values in found] != rows:
            notes.append(f"{key} is left out: not every file has it with one value per row.")
        elif all(is_numeric(values) for values in found):
            whole[key] = np.concatenate(found)
        else:
            tables = [pa.table({key: as_column(values)}) for values in found]
            whole[key] = pa.concat_tables(tables, promote_options="permissive")[key].combine_chunks()
    for name in parts[0].columns.keys() - whole.keys():
        whole[name] = np.repeat([part.columns[name] or "" for part in parts], rows)
    return ArrayContent(source, whole, notes)
