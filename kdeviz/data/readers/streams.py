"""Streams: a large file as small ones, which are read one after the other as any file is."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from kdeviz.data.readers.content import Content
from kdeviz.data.readers.delimited import read_delimited
from kdeviz.data.readers.feather import batches_of_file, read_table
from kdeviz.data.readers.fields import Fields
from kdeviz.data.readers.numpy_files import mapped_parts, read_npy
from kdeviz.data.readers.parquet import read_parquet
from kdeviz.data.readers.records import read_json_lines
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.text import inflating, is_wide
from kdeviz.errors import DataError

_TEXT_BYTES = 1 << 23
_ARRAY_BYTES = 1 << 23
_FIRST_RECORDS = 200
_NO_LIMIT = 1 << 62

Columns = Sequence[str] | None
"""Those that are needed; all of them if None."""


class Part(NamedTuple):
    """Some rows of a file.

    Attributes:
        content: a file that holds nothing else; b"" where the rows are in memory as Arrow has them.
        read: what reads it.
        done: the share of the whole file that ends with it.
    """

    content: bytes
    read: Callable[[Source], Content]
    done: float


class CannotCutError(DataError):
    """A file that is read as a whole or not at all."""


def of_parquet(source: Source, columns: Columns) -> Iterator[Part]:
    """Batches of rows."""
    content = read_parquet(replace(source, max_bytes=_NO_LIMIT, mapped=False))
    rows = 0
    with source.reading("parquet"):
        for batch in content.batches(_stored(source, columns, content.names)):
            rows += len(batch)
            yield _part(batch, rows / content.rows)
            pa.default_memory_pool().release_unused()  # of every column's pages


def of_arrow(source: Source, columns: Columns) -> Iterator[Part]:
    """The batches of an Arrow file or stream, cut where they are large."""
    for batch, done in batches_of_file(source):
        yield from parts_of_batch(source, batch, columns, done)


def of_npy(source: Source, columns: Columns) -> Iterator[Part]:
    """Blocks of rows of the one array."""
    for array, done in mapped_parts(replace(source, max_bytes=_NO_LIMIT), _ARRAY_BYTES):
        file = io.BytesIO()
        np.save(file, array, allow_pickle=False)
        yield Part(file.getvalue(), read_npy, done)


def of_lines(source: Source, columns: Columns) -> Iterator[Part]:
    """Blocks of lines, one record in each."""
    for block, done in _blocks(source):
        yield Part(block, read_json_lines, done)


def of_table(source: Source, columns: Columns) -> Iterator[Part]:
    """Blocks of the lines of a text table, each under the lines that stand above the whole."""
    heading: bytes | None = None
    for block, done in _blocks(source):
        if heading is None:
            heading = _heading(source, block)
            yield Part(block, read_delimited, done)
        else:
            yield Part(heading + block, read_delimited, done)


STREAMS: Mapping[str, Callable[[Source, Columns], Iterator[Part]]] = MappingProxyType(
    {
        "npy": of_npy,
        **dict.fromkeys(("parquet", "pq"), of_parquet),
        **dict.fromkeys(("feather", "arrow", "ipc"), of_arrow),
        **dict.fromkeys(("csv", "tsv", "txt", "vec"), of_table),
        **dict.fromkeys(("jsonl", "ndjson"), of_lines),
    }
)
"""Kinds of files that are read in parts; the others are read whole."""


def parts_of_batch(source: Source, batch: pa.RecordBatch, columns: Columns, done: float) -> Iterator[Part]:
    """A record batch, cut where it is large."""
    fields = Fields(batch.schema)
    chosen = fields.of(batch, _stored(source, columns, fields.schema.names))
    rows = max(_ARRAY_BYTES * len(batch) // max(chosen.nbytes, 1), 1)
    for start in range(0, len(batch), rows):
        yield _part(chosen.slice(start, rows), done)


def _stored(source: Source, columns: Columns, there: Sequence[str]) -> list[str]:
    """The columns that hold these: "image" where image.path is needed."""
    found: dict[str, None] = {}
    for name in columns or there:
        holder = name
        while holder not in there:
            holder = holder.rpartition(".")[0]
            if not holder:
                raise DataError(f"{source.name}: there is no column {name!r}, which is needed")
        found[holder] = None
    return list(found)


def _part(batch: pa.RecordBatch, done: float) -> Part:
    """What a file of this batch would be; to write it would take as long as to read it."""
    return Part(b"", lambda source: read_table(source, pa.Table.from_batches([batch])), done)


def _blocks(source: Source) -> Iterator[tuple[bytes, float]]:
    """Whole records of a text, of about `_TEXT_BYTES`, and the share of the file that was read.

    Raises:
        CannotCutError: it is a text in UTF-16, or one document.
        DataError: a line is longer than the limit.
    """
    with source.reading("text"), source.open() as stored, inflating(stored) as stream:
        rest, first = b"", True
        while part := stream.read(_TEXT_BYTES):
            block = rest + part
            if first and (is_wide(block) or block.lstrip()[:1] == b"["):
                raise CannotCutError(f"{source.name}: it cannot be read in parts")
            first, end = False, _end_of_records(block)
            rest = block[end:]
            source.check(len(rest), "a single line")
            if end:
                yield block[:end], min(stored.tell() / max(source.size, 1), 1.0)
        if rest.strip():
            yield rest, 1.0


def _end_of_records(block: bytes) -> int:
    """Behind the last line end that is not between quotes; 0 for none.

    A mark of inches is no quote, yet counts as one: where that leaves less than half of the block, every line
    end counts.
    """
    last = end = block.rfind(b"\n")
    while end >= 0 and block.count(b'"', 0, end) % 2:
        end = block.rfind(b"\n", 0, end)
    return (end if 2 * end > last else last) + 1


def _heading(source: Source, block: bytes) -> bytes:
    """The lines above the first row.

    Raises:
        CannotCutError: the reader does not find in single lines what it finds in all.
    """
    for quoted in (True, False):
        records = _first_records(block, quoted)
        above = len(records) - _rows(source, b"".join(records))
        if above < len(records):
            heading = b"".join(records[: max(above, 0)])
            if all(_rows(source, heading + record) == 1 for record in (records[above], records[-1])):
                return heading
    raise CannotCutError(f"{source.name}: it cannot be read in parts")


def _rows(source: Source, text: bytes) -> int:
    """How many rows the reader finds in some lines."""
    try:
        return read_delimited(replace(source, data=text)).rows
    except DataError:
        return 0


def _first_records(block: bytes, quoted: bool) -> list[bytes]:
    """The first lines that are not blank; where quotes can hold line ends, those that one cuts are one."""
    records, record = [], b""
    for line in io.BytesIO(block):
        record += line
        if not quoted or record.count(b'"') % 2 == 0:
            if record.strip():
                records.append(record)
            record = b""
        if len(records) == _FIRST_RECORDS:
            break
    return records
