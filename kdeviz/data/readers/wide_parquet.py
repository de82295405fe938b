"""Row groups of many columns: some columns at a time, since each one that is open takes megabytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from tempfile import TemporaryFile

import pyarrow as pa
import pyarrow.parquet as pq

from kdeviz.data.readers.fields import Fields

_AT_ONCE = 64
_OPEN_BYTES = 3 << 20  # of a column: its page, what that unpacks to, and its dictionary; measured
_MOST_BYTES = 400 << 20

Opened = Callable[[int, Sequence[str]], Iterator[pa.RecordBatch]]
"""The batches of some columns of a row group, which have the same rows whichever columns they are."""


def is_wide(metadata: pq.FileMetaData, columns: int) -> bool:
    """Whether so many columns of some row group would take too much memory if all were open at once."""
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    largest = max((group.total_byte_size for group in groups), default=0) // max(metadata.num_columns, 1)
    return bool(columns * min(3 * largest, _OPEN_BYTES) > _MOST_BYTES)


def columns_at_once(fields: Fields, names: Sequence[str]) -> list[list[str]]:
    """The columns in parts that can be open together; fields of structs are not parted."""
    plain = [name for name in names if len(fields.paths[name]) == 1]
    inside = [name for name in names if len(fields.paths[name]) > 1]
    parts = [plain[start : start + _AT_ONCE] for start in range(0, len(plain), _AT_ONCE)]
    return [*parts, inside] if inside else parts


def batches_of_parts(opened: Opened, groups: int, parts: Sequence[Sequence[str]]) -> Iterator[pa.RecordBatch]:
    """Batches of all columns, of which those of one part are open at a time.

    Each part of a row group is unpacked into a temporary file, and then these are read side by side: that
    takes longer, and room on the disk for one row group.
    """
    for group in range(groups):
        # Whoever looks at the first rows alone does not wait for all of them.
        heads = [next(opened(group, part), None) for part in parts]
        if None not in heads:
            yield _beside(heads)
            yield from _others(opened, group, parts)


def _others(opened: Opened, group: int, parts: Sequence[Sequence[str]]) -> Iterator[pa.RecordBatch]:
    """All batches of a row group but the first."""
    with ExitStack() as stack:
        readers = []
        for part in parts:
            batches = opened(group, part)
            next(batches)
            if (second := next(batches, None)) is None:
                return
            stored = stack.enter_context(TemporaryFile())
            with pa.ipc.new_stream(stored, second.schema) as writer:
                writer.write_batch(second)
                for batch in batches:
                    writer.write_batch(batch)
            stored.seek(0)
            readers.append(pa.ipc.open_stream(stored))
            pa.default_memory_pool().release_unused()
        for some in zip(*readers, strict=True):
            yield _beside(some)


def _beside(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    schema = pa.schema([field for batch in batches for field in batch.schema])
    return pa.record_batch([column for batch in batches for column in batch.columns], schema=schema)
