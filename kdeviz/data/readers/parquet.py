"""Parquet: what the footer says is checked first, what comes out is counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from kdeviz.data.readers.source import Source
from kdeviz.data.readers.tables import TableContent
from kdeviz.data.readers.values import is_list, value_bytes

_BATCH_ROWS = 8192


def read_parquet(source: Source) -> TableContent:
    """Open a parquet file; its pages are read when columns are asked for."""
    with source.reading("parquet"):
        buffer = source.buffer()
        plain = pq.ParquetFile(pa.BufferReader(buffer))
        metadata, schema = plain.metadata, plain.schema_arrow.remove_metadata()
        leaves = _leaves(metadata)
        paths = [metadata.schema.column(i).path for i in range(metadata.num_columns)]
        # Texts stay dictionaries until their decoded length is known: one long text may stand in every row.
        file = pq.ParquetFile(pa.BufferReader(buffer), metadata=metadata, read_dictionary=paths)

    def batches(names: list[str]) -> Iterator[pa.RecordBatch]:
        kinds = {name: schema.field(name).type for name in names}
        _check(source, metadata, kinds, leaves)
        total = 0
        for batch in file.iter_batches(_BATCH_ROWS, columns=names):
            total += batch.nbytes
            source.check(total, "the columns read so far")
            yield batch.select(names)

    return TableContent(source, schema, metadata.num_rows, batches)


def _leaves(metadata: pq.FileMetaData) -> dict[str, list[int]]:
    """The numbers of the leaf columns below every path: "image" has image.bytes and image.path."""
    found = defaultdict(list)
    for i in range(metadata.num_columns):
        steps = metadata.schema.column(i).path.split(".")
        for depth in range(1, len(steps) + 1):
            found[".".join(steps[:depth])].append(i)
    return found


def _check(
    source: Source, metadata: pq.FileMetaData, kinds: dict[str, pa.DataType], leaves: dict[str, list[int]]
) -> None:
    """The larger of what the pages unpack to and what the values take as an array."""
    packed = values = 0
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for name, kind in kinds.items():
            chunks = [group.column(i) for i in leaves[name]]
            packed += sum(chunk.total_uncompressed_size for chunk in chunks)
            if is_list(kind):
                values += sum(chunk.num_values for chunk in chunks) * value_bytes(kind.value_type)
    values += metadata.num_rows * sum(value_bytes(kind) for kind in kinds.values())
    source.check(max(packed, values), f"{metadata.num_rows:,} rows of {len(kinds)} columns")
