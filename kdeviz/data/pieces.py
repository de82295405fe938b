"""Pieces: the ids and features of a file that need not fit into memory, some rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.formats import TEXT_READERS, format_of
from kdeviz.data.load import embedding_set, load_embeddings
from kdeviz.data.readers.cells import PLAIN
from kdeviz.data.readers.content import NoRowsError
from kdeviz.data.readers.disguise import refuse_disguised
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.streams import STREAMS, CannotCutError, Columns, Part, parts_of_batch
from kdeviz.data.readers.tables import TableContent
from kdeviz.data.reading import GUESS, NONE, Corrections
from kdeviz.data.row_numbers import row_numbers
from kdeviz.errors import DataError

WHOLE_BYTES = 256 * 2**20
"""The most that a file may take whose kind can only be read as a whole, and that a part of another may."""
_WHOLE_ROWS = 1 << 16


class Piece(NamedTuple):
    """Consecutive rows of a file.

    Attributes:
        data: their ids and features; neither labels nor metadata.
        start: the number of the first one in the file.
        done: the share of the file that ends with them.
    """

    data: EmbeddingSet
    start: int
    done: float


def read_pieces(path: str | Path, said: Corrections = GUESS) -> Iterator[Piece]:
    """Read a file a piece at a time.

    Parquet, Arrow, .npy, text tables and lines of JSON take little memory, however large they are. What
    becomes of the columns is decided on the first piece, as `load_embeddings` does it, and then the same for
    all. Other kinds, and texts that cannot be cut, are read whole.

    Args:
        path: one file.
        said: what is known of its columns instead of a guess.

    Raises:
        DataError: it is missing, unreadable or unsafe, holds no usable embedding, or can only be read whole
            and takes more than `WHOLE_BYTES`.
    """
    path = Path(path)
    kind = format_of(path.name)
    if kind is None or kind not in STREAMS or not path.is_file():
        yield from _whole(path, said)
        return
    source = Source(path, path.name, WHOLE_BYTES, said)
    refuse_disguised(source, f".{kind}", kind in TEXT_READERS)
    try:
        fixed, columns = _decided(source, next(STREAMS[kind](source, None), None))
    except CannotCutError:
        yield from _whole(path, said)
        return
    yield from _pieces(STREAMS[kind](source, columns), replace(source, wanted=fixed))


def pieces_of_batches(batches: Iterable[pa.RecordBatch], said: Corrections = GUESS) -> Iterator[Piece]:
    """The same of record batches that something else reads, such as an engine; `done` is 0.

    Raises:
        DataError: they hold no usable embedding.
    """
    source = Source(b"", "the batches", WHOLE_BYTES, said)
    filled = (batch for batch in batches if len(batch))
    if (first := next(filled, None)) is None:
        return
    fixed, columns = _decided(source, next(parts_of_batch(first, None, 0.0)))
    parts = (part for batch in chain([first], filled) for part in parts_of_batch(batch, columns, 0.0))
    yield from _pieces(parts, replace(source, wanted=fixed))


def _whole(path: Path, said: Corrections) -> Iterator[Piece]:
    try:
        data = load_embeddings(path, max_bytes=WHOLE_BYTES, **said.given)
    except DataError as error:
        if "the limit is" not in str(error):
            raise
        raise DataError(f"{error}; as .parquet or .npy it is read in parts, however large") from None
    for start in range(0, len(data), _WHOLE_ROWS):
        stop = min(start + _WHOLE_ROWS, len(data))
        yield Piece(data.take(np.arange(start, stop)), start, stop / len(data))


def _pieces(parts: Iterable[Part], source: Source) -> Iterator[Piece]:
    start = 0
    for part in parts:
        with suppress(NoRowsError):  # blank lines at the end
            data = _read(source, part)[1]
            if data.reading is not None and data.reading.id is None:
                data = replace(data, ids=row_numbers(start + len(data))[start:])
            yield Piece(data, start, part.done)
            start += len(data)


def _decided(source: Source, first: Part | None) -> tuple[Corrections, Columns]:
    """How all parts are read, as the first one tells it, and which columns that takes."""
    if first is None:
        raise NoRowsError(f"{source.name}: there are no rows")
    content, data = _read(source, first)
    reading = data.reading
    assert reading is not None
    marks = content.marks if isinstance(content, TableContent) else PLAIN
    fixed = replace(
        source.wanted,
        embedding_column=reading.features if reading.features != ("",) else None,
        id_column=NONE if reading.id is None else reading.id or None,
        label_column=NONE,
        split_column=NONE,
        picture_column=NONE,
        leave_out=(),
        decimal=source.wanted.decimal if marks == PLAIN else marks.decimal,
    )
    return fixed, (*reading.features, *([] if reading.id is None else [reading.id]))


def _read(source: Source, part: Part) -> tuple[TableContent | object, EmbeddingSet]:
    content = part.read(replace(source, data=part.content))
    return content, embedding_set(source, content)
