"""Arrow IPC, as a file (Feather version 2) or a stream: its buffers announce their inflated size first."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa

from kdeviz.data.readers.arrow_types import plain_content
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.tables import TableContent
from kdeviz.data.readers.values import value_bytes
from kdeviz.errors import DataError

_MAGIC, _FEATHER_1, _CONTINUES = b"ARROW1", b"FEA1", b"\xff\xff\xff\xff"
_SHORTEST = 20  # bytes of the shortest file
_DICTIONARIES, _BATCHES, _BLOCK_BYTES = 2, 3, 24  # fields of the footer, and the size of an entry in them
_REMEDY = "write it with pyarrow.feather.write_feather"


def read_feather(source: Source) -> TableContent:
    """Read an Arrow IPC file or stream: its messages are walked once for sizes and once for values."""
    with source.reading("Arrow"):
        buffer = source.buffer()
        is_file = _is_file(source, buffer)
        rows = _check_messages(source, _messages(buffer, is_file))
        with (pa.ipc.open_file if is_file else pa.ipc.open_stream)(buffer) as reader:
            _check_size(source, reader.schema, rows)
            table = reader.read_all()
        return read_table(source, table)


def read_table(source: Source, table: pa.Table) -> TableContent:
    """Read a table that a file holds, or something else has made."""
    with source.reading("Arrow"):
        _check_size(source, table.schema, len(table))
        # Arrow trusts the offsets of a file; wrong ones would read beyond the buffer.
        table.validate(full=True)
        return plain_content(source, table)


def _check_size(source: Source, schema: pa.Schema, rows: int) -> None:
    width = sum(map(value_bytes, schema.types))
    source.check(rows * width, f"{rows:,} rows of {len(schema)} columns")


def batches_of_file(source: Source) -> Iterator[tuple[pa.RecordBatch, float]]:
    """Every batch with rows, none larger than the limit, and the share of the file that ends with it."""
    with source.reading("Arrow"):
        buffer = source.buffer()
        is_file = _is_file(source, buffer)
        total = sum(_check_messages(source, [message]) for message in _messages(buffer, is_file))
        done = 0
        file = replace(source, mapped=False).native()
        with (pa.ipc.open_file if is_file else pa.ipc.open_stream)(file) as reader:
            numbers = range(reader.num_record_batches) if is_file else ()
            for batch in map(reader.get_batch, numbers) if is_file else reader:
                batch.validate(full=True)
                done += len(batch)
                if len(batch):
                    yield batch, done / max(total, 1)


def _is_file(source: Source, buffer: pa.Buffer) -> bool:
    """Whether this is a file of Arrow, not a stream."""
    is_file = bool(buffer.size >= _SHORTEST and buffer[:6].to_pybytes() == _MAGIC)
    if is_file and buffer[-6:].to_pybytes() != _MAGIC:
        raise DataError(f"{source.name}: the end of this Arrow file is missing; copy or write it again")
    if buffer[:4].to_pybytes() == _FEATHER_1:
        raise DataError(f"{source.name}: Feather version 1 is not read; {_REMEDY}")
    if not is_file and buffer[:4].to_pybytes() != _CONTINUES:
        raise DataError(
            f"{source.name}: neither an Arrow IPC file (Feather version 2) nor a stream; {_REMEDY}"
        )
    return is_file


def _messages(buffer: pa.Buffer, is_file: bool) -> Iterator[pa.ipc.Message]:
    """Those of a stream, or those in the footer of a file: polars does not write them in order (File.fbs)."""
    if not is_file:
        yield from pa.ipc.MessageReader.open_stream(buffer)
        return
    length = struct.unpack("<i", buffer.slice(buffer.size - 10, 4).to_pybytes())[0]
    footer = buffer.slice(buffer.size - 10 - length, length).to_pybytes()
    for number in (_DICTIONARIES, _BATCHES):
        if not (at := _field(footer, _follow(footer, 0), number)):
            continue
        start = _follow(footer, at)
        for block in range(struct.unpack_from("<I", footer, start)[0]):
            offset = struct.unpack_from("<q", footer, start + 4 + _BLOCK_BYTES * block)[0]
            yield pa.ipc.read_message(buffer.slice(offset))


def _check_messages(source: Source, messages: Iterable[pa.ipc.Message]) -> int:
    """Refuse what would inflate too far; the number of rows otherwise."""
    rows = total = 0
    for message in messages:
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
