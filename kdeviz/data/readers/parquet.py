"""Parquet: what the footer says is checked first, what comes out is counted."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kdeviz.data.readers.arrow_types import PlainTypes
from kdeviz.data.readers.fields import Fields
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.tables import TableContent
from kdeviz.data.readers.values import is_list, value_bytes
from kdeviz.data.readers.wide_parquet import batches_of_parts, columns_at_once, is_wide
from kdeviz.errors import DataError

_FIRST_ROWS = 1024
_MISSING_LIST = re.compile(r"Expected all lists to be of size=\d+ but index (\d+) had size=0")
_BATCH_BYTES, _FEWEST_ROWS, _MOST_ROWS = 1 << 24, 128, 1 << 16  # at once; measured on lists and wide tables
_STREAMED_BYTES = 1 << 23
_MANY = 16
_BUFFER_BYTES = 1 << 18  # of each column, where the file is not mapped


def read_parquet(source: Source) -> TableContent:
    """Open a parquet file; its pages are read when columns are asked for."""
    with source.reading("parquet"):
        metadata = pq.read_metadata(source.native())
        leaves = _leaves(metadata)
        # Texts stay dictionaries until their decoded length is known: one long text may stand in every row.
        columns = [metadata.schema.column(i) for i in range(metadata.num_columns)]
        texts = {i: column.path for i, column in enumerate(columns) if column.physical_type == "BYTE_ARRAY"}
        inside = {i for i, path in texts.items() if path != columns[i].name}
        how: dict[str, Any] = {"metadata": metadata}
        if not source.mapped:
            how |= {"buffer_size": _BUFFER_BYTES, "pre_buffer": False}
        file = pq.ParquetFile(source.native(), **how)
        fields = Fields(file.schema_arrow)
        if texts:
            file = pq.ParquetFile(source.native(), read_dictionary=list(texts.values()), **how)
        plain = PlainTypes(source)

        def read(rows: int, names: list[str]) -> Iterator[pa.RecordBatch]:
            if inside.isdisjoint(chain.from_iterable(leaves[name] for name in names)):
                yield from file.iter_batches(rows, columns=names)
            else:
                yield from _group_by_group(file, rows, names)

        def first(name: str) -> pa.Array:
            kind = fields.schema.field(name).type
            _check(source, file, {name: kind}, leaves, fields)
            batches = _whole_lists(source, read(_FIRST_ROWS, [name]), {name: kind})
            return next((fields.of(batch, [name]).column(0) for batch in batches), pa.nulls(0, kind))

        schema = plain.schema(fields.schema, first)

    def batches(names: list[str]) -> Iterator[pa.RecordBatch]:
        kinds = {name: schema.field(name).type for name in names}
        needed = _check(source, file, kinds, leaves, fields)
        most = _BATCH_BYTES if source.mapped else _STREAMED_BYTES
        if len(names) > _MANY:  # each column costs, however few its rows
            most *= 4 if source.mapped else 2
        at_once = min(max(most * metadata.num_rows // max(needed, 1), _FEWEST_ROWS), _MOST_ROWS)
        total = 0
        if source.mapped or not is_wide(metadata, len(names)):
            found = _whole_lists(source, read(at_once, names), kinds)
        else:
            found = _in_parts(source, file, at_once, kinds, fields)
        for batch in found:
            total += batch.nbytes
            source.check(total, "the columns read so far")
            yield plain.batch(fields.of(batch, names))

    return TableContent(source, schema, metadata.num_rows, batches, plain.notes)


def _group_by_group(file: pq.ParquetFile, rows: int, names: list[str]) -> Iterator[pa.RecordBatch]:
    """Batches within row groups: in structs and lists pyarrow cannot join the dictionaries of two."""
    for number in range(file.num_row_groups):
        yield from file.iter_batches(rows, [number], columns=names)


def _in_parts(
    source: Source, file: pq.ParquetFile, rows: int, kinds: Mapping[str, pa.DataType], fields: Fields
) -> Iterator[pa.RecordBatch]:
    """So many rows at a time, and never too many columns."""
    groups = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]

    def opened(group: int, part: Sequence[str]) -> Iterator[pa.RecordBatch]:
        batches = file.iter_batches(rows, [group], columns=list(part))
        return _whole_lists(source, batches, kinds, sum(groups[:group]))

    return batches_of_parts(opened, len(groups), columns_at_once(fields, list(kinds)))


def _whole_lists(
    source: Source, batches: Iterator[pa.RecordBatch], kinds: Mapping[str, pa.DataType], rows: int = 0
) -> Iterator[pa.RecordBatch]:
    """The same batches; pyarrow before 26 cannot read a list of fixed size that is missing in a row.

    Raises:
        _MissingListError: there is such a row.
    """
    try:
        for batch in batches:
            rows += len(batch)
            yield batch
    except pa.ArrowInvalid as error:
        found = _MISSING_LIST.match(str(error))
        if found is None:
            raise
        name = next((n for n, kind in kinds.items() if is_list(kind)), "a list")
        raise _MissingListError(
            f"{source.name}: {name} is missing in row {rows + int(found[1]) - 1}; "
            "drop the rows without an embedding, or fill them"
        ) from None


class _MissingListError(DataError):
    """A list of fixed size is not there."""


def _leaves(metadata: pq.FileMetaData) -> dict[str, list[int]]:
    """The numbers of the leaf columns below every path: "image" has image.bytes and image.path."""
    found = defaultdict(list)
    for i in range(metadata.num_columns):
        steps = metadata.schema.column(i).path.split(".")
        for depth in range(1, len(steps) + 1):
            found[".".join(steps[:depth])].append(i)
    return found


def _check(
    source: Source,
    file: pq.ParquetFile,
    kinds: dict[str, pa.DataType],
    leaves: dict[str, list[int]],
    fields: Fields,
) -> int:
    """The larger of what the pages unpack to and what the values take as an array, in bytes."""
    metadata, packed, values = file.metadata, 0, 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        # pyarrow ends the process when it is asked for a damaged column; when it reads one, it says so.
        if group.num_columns != metadata.num_columns:
            raise DataError(f"{source.name}: damaged, its parts have not the same columns; save it again")
        if group.total_byte_size <= source.max_bytes:
            for part in columns_at_once(fields, list(kinds)):
                with suppress(_MissingListError):  # told with its row later
                    next(_whole_lists(source, file.iter_batches(1, [number], part), kinds), None)
        for name, kind in kinds.items():
            chunks = [group.column(i) for i in leaves[name]]
            packed += sum(chunk.total_uncompressed_size for chunk in chunks)
            if is_list(kind):
                values += sum(chunk.num_values for chunk in chunks) * value_bytes(kind.value_type)
    values += metadata.num_rows * sum(value_bytes(kind) for kind in kinds.values())
    needed = int(max(packed, values))
    source.check(needed, f"{metadata.num_rows:,} rows of {len(kinds)} columns")
    return needed
