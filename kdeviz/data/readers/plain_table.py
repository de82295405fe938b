"""A table in memory whose types become plain as it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from kdeviz.data.readers.arrow_types import PlainTypes
from kdeviz.data.readers.fields import Fields
from kdeviz.data.readers.hugging_face import class_names
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.tables import TableContent

_BATCH_ROWS = 65_536


def plain_content(source: Source, table: pa.Table, notes: Sequence[str] = ()) -> TableContent:
    """What the table holds."""
    fields = Fields(table.schema)
    plain = PlainTypes(source, class_names(table.schema.metadata), notes=list(notes))
    table = table.replace_schema_metadata(None)

    def first(name: str) -> pa.Array:
        return next(stored([name], _BATCH_ROWS), pa.record_batch([pa.nulls(0, _kind(name))], ["-"])).column(0)

    def _kind(name: str) -> pa.DataType:
        return fields.schema.field(name).type

    def stored(names: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        for batch in table.select(fields.stored(names)).slice(0, rows).to_batches(_BATCH_ROWS):
            if len(batch):
                yield fields.of(batch, names)

    def batches(names: list[str]) -> Iterator[pa.RecordBatch]:
        yield from map(plain.batch, stored(names, table.num_rows))

    return TableContent(source, plain.schema(fields.schema, first), table.num_rows, batches, plain.notes)
