"""Pieces: the ids and features of a file that need not fit into memory, some rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.formats import format_of
from kdeviz.data.labels import ANOMALOUS
from kdeviz.data.load import columns_beside, embedding_set
from kdeviz.data.readers.cells import PLAIN
from kdeviz.data.readers.content import Content, NoRowsError
from kdeviz.data.readers.describe import telling, told
from kdeviz.data.readers.labels import Distinct
from kdeviz.data.readers.opening import opened
from kdeviz.data.readers.refused import refuse_disguised
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.streams import STREAMS, CannotCutError, Columns, Part, parts_of_batch
from kdeviz.data.readers.tables import TableContent
from kdeviz.data.reading import GUESS, NONE, Corrections, Reading
from kdeviz.data.remote import RemoteFile
from kdeviz.data.row_numbers import row_numbers
from kdeviz.errors import DataError

WHOLE_BYTES = 256 * 2**20
"""The most that a file may take whose kind can only be read as a whole, and that a part of another may."""
_WHOLE_ROWS = 1 << 16


class Plan(NamedTuple):
    """How all pieces are read, as the first one tells it.

    Attributes:
        said: what becomes of which column.
        columns: those that are needed.
        reading: what the first piece was taken to be.
        notes: what was guessed, beside labels and split.
        feature_names: of the dimensions, or None.
    """

    said: Corrections
    columns: Columns
    reading: Reading
    notes: tuple[str, ...]
    feature_names: tuple[str, ...] | None


class Piece(NamedTuple):
    """Consecutive rows of a file.

    Attributes:
        data: their ids and features; neither labels nor metadata.
        start: the number of the first one in the file.
        done: the share of the file that ends with them.
        plan: how it was read, and others are.
        beside: the columns that may say normal or anomalous, train or test, where they were asked for.
    """

    data: EmbeddingSet
    start: int
    done: float
    plan: Plan
    beside: pa.Table | None = None


def read_pieces(
    path: str | Path | RemoteFile,
    said: Corrections = GUESS,
    plan: Plan | None = None,
    beside: bool = False,
) -> Iterator[Piece]:
    """Read a file a piece at a time.

    Parquet, Arrow, .npy, text tables and lines of JSON take little memory, however large they are. What
    becomes of the columns is decided on the first piece, as `load_embeddings` does it, and then the same for
    all. Other kinds, and texts that cannot be cut, are read whole. A file on another machine is copied here,
    as long as it is read.

    Args:
        path: one file.
        said: what is known of its columns instead of a guess.
        plan: of another file of the same set; then nothing is decided here.
        beside: read the columns that tell labels and split, too.

    Raises:
        DataError: it is missing, unreadable or unsafe, holds no usable embedding, or can only be read whole
            and takes more than `WHOLE_BYTES`.
    """
    if isinstance(path, RemoteFile):
        with path.fetched() as copy:
            yield from read_pieces(copy, said, plan, beside)
        return
    path = Path(path)
    kind = format_of(path.name)
    if kind is not None and kind in STREAMS and path.is_file():
        source = Source(path, path.name, WHOLE_BYTES, said)
        refuse_disguised(source, f".{kind}")
        with suppress(CannotCutError):  # which comes before the first piece
            chosen = plan or _plan_of_part(source, next(STREAMS[kind](source, None), None), beside)
            yield from _pieces(STREAMS[kind](source, chosen.columns), source, chosen, beside)
            return
    yield from _whole(path, said, plan, beside)


Batches: TypeAlias = pa.RecordBatch | pa.Table | Iterable[pa.RecordBatch]
"""One record batch, a table, or whatever hands out batches, such as a reader or an engine."""


def pieces_of_batches(batches: Batches, said: Corrections = GUESS) -> Iterator[Piece]:
    """The same of record batches that something else reads; `done` is 0.

    Raises:
        DataError: they hold no usable embedding.
    """
    source = Source(b"", "the batches", WHOLE_BYTES, said)
    if isinstance(batches, pa.RecordBatch | pa.Table):  # which hand out columns
        batches = [batches] if isinstance(batches, pa.RecordBatch) else batches.to_batches()
    filled = (batch for batch in batches if len(batch))
    if (first := next(filled, None)) is None:
        return
    plan = _plan_of_part(source, next(parts_of_batch(source, first, None, 0.0)), False)
    parts = (
        part for batch in chain([first], filled) for part in parts_of_batch(source, batch, plan.columns, 0.0)
    )
    yield from _pieces(parts, source, plan, False)


def rows_to_judge(rows: Sequence[Mapping[str, Any]], name: str, said: Corrections) -> NDArray[np.bool_]:
    """Which rows may tell whether a file looks like the training data.

    Those are neither labelled anomalous nor of split train, as far as these rows tell what is meant.

    Args:
        rows: what the columns of `Piece.beside` hold in each.
        name: of the file.
        said: what is known of its columns.
    """
    columns = {column: Distinct() for column in dict.fromkeys(column for row in rows for column in row)}
    for column, values in columns.items():
        values.add_values(row.get(column) for row in rows)
    judged = np.ones(len(rows), bool)
    with suppress(DataError):  # none of these rows holds what was said to mean normal
        about = told(columns, Source(b"", name, 0, said))
        if about.labels.values is not None:
            judged &= about.labels.values != ANOMALOUS
        if about.split is not None and (test := about.split != "train").any():
            judged &= test
    return judged


def _whole(path: Path, said: Corrections, plan: Plan | None, beside: bool) -> Iterator[Piece]:
    try:
        source, content = opened(path, None, WHOLE_BYTES, said if plan is None else plan.said)
        chosen = plan or _plan(source, content, beside)
        source = replace(source, wanted=chosen.said)
        data = embedding_set(source, content)
    except DataError as error:
        if "the limit is" not in str(error):
            raise
        raise DataError(f"{error}; as .parquet or .npy it is read in parts, however large") from None
    columns = _telling(source, content, chosen.reading, len(data)) if beside else None
    for start in range(0, len(data), _WHOLE_ROWS):
        rows = np.arange(start, min(start + _WHOLE_ROWS, len(data)))
        some = None if columns is None else columns.slice(start, len(rows))
        yield Piece(data.take(rows), start, (start + len(rows)) / len(data), chosen, some)


def _pieces(parts: Iterable[Part], source: Source, plan: Plan, beside: bool) -> Iterator[Piece]:
    start, source = 0, replace(source, wanted=plan.said)
    for part in parts:
        with suppress(NoRowsError):  # blank lines at the end
            own = replace(source, data=part.content, first_row=start)
            content = part.read(own)
            data = embedding_set(own, content)
            if data.reading is not None and data.reading.id is None:
                data = replace(data, ids=row_numbers(start + len(data), start))
            columns = _telling(own, content, plan.reading, len(data)) if beside else None
            yield Piece(data, start, part.done, plan, columns)
            start += len(data)


def _telling(source: Source, content: Content, reading: Reading, rows: int) -> pa.Table:
    """The columns that may tell labels and split; some records lack some."""
    columns = columns_beside(source, content, rows)
    names = [name for name in columns.column_names if name != reading.id]
    return columns.select(telling(names, reading.corrections))


def _plan_of_part(source: Source, first: Part | None, beside: bool) -> Plan:
    if first is None:
        raise NoRowsError(f"{source.name}: there are no rows")
    source = replace(source, data=first.content)
    return _plan(source, first.read(source), beside)


def _plan(source: Source, content: Content, beside: bool) -> Plan:
    # What means normal may not be among these rows.
    source = replace(source, wanted=replace(source.wanted, normal=()))
    data = embedding_set(source, content)
    reading = data.reading
    assert reading is not None
    names, notes = [], data.notes
    if beside:
        columns = _telling(source, content, reading, len(data))
        names = columns.column_names
        about = told({name: Distinct(columns[name]) for name in names}, source)
        notes = tuple(note for note in data.notes if note not in about.notes)
    needed = (*reading.features, *([] if reading.id is None else [reading.id]), *names)
    fixed = _fixed(source.wanted, content, reading)
    return Plan(fixed, tuple(dict.fromkeys(needed)), reading, notes, data.feature_names)


def _fixed(wanted: Corrections, content: Content, reading: Reading) -> Corrections:
    """How every part is read: its ids and features, and nothing else."""
    table = isinstance(content, TableContent)
    marks = content.marks if isinstance(content, TableContent) else PLAIN
    return replace(
        wanted,
        embedding_column=reading.features if table else reading.embedding,
        id_column=NONE if reading.id is None else reading.id or None,
        label_column=NONE,
        split_column=NONE,
        picture_column=NONE,
        normal=(),
        leave_out=(),
        decimal=wanted.decimal if marks == PLAIN else marks.decimal,
    )
