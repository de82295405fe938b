"""Feather version 2 (an Arrow IPC file): its buffers announce their inflated size, so it is known first."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from kdeviz.data.readers.source import Source
from kdeviz.data.readers.tables import TableContent
from kdeviz.data.readers.values import value_bytes
from kdeviz.errors import DataError

_MAGIC = b"ARROW1"


def read_feather(source: Source) -> TableContent:
    """Read an Arrow IPC file, whose body is a stream that is walked once for sizes and once for values."""
    with source.reading("feather"):
        buffer = source.buffer()
        if buffer.size < 20 or buffer[:6].to_pybytes() != _MAGIC or buffer[-6:].to_pybytes() != _MAGIC:
            raise DataError(
                f"{source.name}: not a complete Feather version 2 (Arrow IPC) file; "
                "write it with pyarrow.feather.write_feather"
            )
        stream = buffer.slice(8)
        rows = _check_messages(source, stream)
        with pa.ipc.open_stream(stream) as reader:
            width = sum(value_bytes(kind) for kind in reader.schema.types)
            source.check(rows * width, f"{rows:,} rows of {len(reader.schema)} columns")
            table = reader.read_all().replace_schema_metadata(None)
        # Arrow trusts the offsets of a file; wrong ones would read beyond the buffer.
        table.validate(full=True)

    def batches(names: list[str]) -> Iterator[pa.RecordBatch]:
        yield from table.select(names).to_batches()

    return TableContent(source, table.schema, table.num_rows, batches)


def _check_messages(source: Source, stream: pa.Buffer) -> int:
    """Refuse what would inflate too far; the number of rows otherwise."""
    rows = total = 0
    for message in pa.ipc.MessageReader.open_stream(stream):
        if message.type not in ("record batch", "dictionary"):
            continue
        length, inflated = _batch_size(message)
        total += inflated
        source.check(total, "the inflated columns")
        rows += length if message.type == "record batch" else 0
    return rows


def _batch_size(message: pa.ipc.Message) -> tuple[int, int]:
    """Rows, and inflated bytes: a compressed buffer begins with its inflated length (Arrow's Message.fbs)."""
    meta, body = message.metadata.to_pybytes(), message.body
    batch = _follow(meta, _field(meta, _follow(meta, 0), 2))
    if message.type == "dictionary":
        batch = _follow(meta, _field(meta, batch, 1))
    length_at, buffers_at = _field(meta, batch, 0), _field(meta, batch, 2)
    length = struct.unpack_from("<q", meta, length_at)[0] if length_at else 0
    if not buffers_at:
        return length, 0
    start = _follow(meta, buffers_at)
    count = struct.unpack_from("<I", meta, start)[0]
    sizes = np.frombuffer(meta, "<i8", 2 * count, start + 4).reshape(count, 2)
    if not _field(meta, batch, 3):
        return length, int(sizes[:, 1].sum())
    return length, sum(_inflated(body, int(offset), int(size)) for offset, size in sizes)


def _inflated(body: pa.Buffer, offset: int, size: int) -> int:
    if not size:
        return 0
    announced: int = struct.unpack("<q", body.slice(offset, 8).to_pybytes())[0]
    return size if announced < 0 else announced


def _follow(meta: bytes, at: int) -> int:
    """Where the offset stored at `at` points (flatbuffers)."""
    return at + int(struct.unpack_from("<I", meta, at)[0])


def _field(meta: bytes, table: int, number: int) -> int:
    """Where a table's field lies, or 0 when it has its default (flatbuffers)."""
    vtable = table - int(struct.unpack_from("<i", meta, table)[0])
    if 4 + 2 * number >= struct.unpack_from("<H", meta, vtable)[0]:
        return 0
    offset = int(struct.unpack_from("<H", meta, vtable + 4 + 2 * number)[0])
    return table + offset if offset else 0
