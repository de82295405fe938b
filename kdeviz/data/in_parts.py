"""Data sets beyond memory: what two passes over their files tell, and the few rows that are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.pieces import Piece, Plan, read_pieces
from kdeviz.data.readers.content import NoRowsError
from kdeviz.data.readers.describe import Told, telling, told
from kdeviz.data.readers.folder import Member
from kdeviz.data.readers.labels import Distinct
from kdeviz.data.readers.opening import files_of
from kdeviz.data.readers.source import Source
from kdeviz.data.reading import GUESS, Corrections, Reading
from kdeviz.data.remote import size_of
from kdeviz.data.rows import Rows, begun_digest
from kdeviz.errors import DataError

OnShare = Callable[[float], None]
"""Called with the share of all bytes that were read; what it raises ends the reading."""


class Survey(NamedTuple):
    """What a first pass over all files tells.

    Attributes:
        name: of the set.
        files: in name order.
        plan: how each is read.
        rows: how many there are.
        rows_of: how many each file has.
        train: (rows,) True for those to fit on; None for all.
        labels: (rows,) int8 as in `EmbeddingSet`, or None.
        dtype: that holds the features of all files.
        dimensions: D.
        reading: what became of the columns.
        notes: what was guessed or found, one sentence each.
    """

    name: str
    files: tuple[Member, ...]
    plan: Plan
    rows: int
    rows_of: tuple[int, ...]
    train: NDArray[np.bool_] | None
    labels: NDArray[np.int8] | None
    dtype: np.dtype[Any]
    dimensions: int
    reading: Reading
    notes: tuple[str, ...]

    @property
    def rows_to_fit(self) -> int:
        """How many rows there are to fit on."""
        return self.rows if self.train is None else int(self.train.sum())


def survey(data: Sequence[str | Path], said: Corrections = GUESS, on_share: OnShare | None = None) -> Survey:
    """Read all files once, as one set in name order, and keep a few bytes of every row.

    Labels and split are told from all rows, as `load_embeddings` tells them. Only whole columns are looked
    at: arrays that lie in files of their own, such as labels beside features, are not joined.

    Args:
        data: files, folders and patterns, also on other machines (s3://bucket/folder).
        said: what is known of the columns instead of a guess.
        on_share: called after every piece.

    Raises:
        DataError: a file is missing or cannot be read in parts, or the files do not belong together.
    """
    name, files = files_of(data)
    found = _Found(said)
    for member, piece in _pieces(files, said, None, on_share):
        found.add(member, piece)
    if found.plan is None:
        raise DataError(f"{name}: there are no rows in any of its {len(files)} files")
    return found.survey(name, files)


def draw(
    found: Survey, numbers: NDArray[np.int64], on_share: OnShare | None = None
) -> tuple[EmbeddingSet, str]:
    """Read all files again, and keep some rows.

    Args:
        found: from `survey`.
        numbers: (n,) which of the rows to fit on, ascending.
        on_share: called after every piece.

    Returns:
        The rows, and the digest of all rows to fit on, as `EmbeddingSet.digest` tells it of them in memory.

    Raises:
        DataError: a row to fit on holds NaN or infinity, or the files have changed since the first pass.
    """
    features = np.empty((len(numbers), found.dimensions), found.dtype)
    digest, done, at = begun_digest(found.dtype, found.rows_to_fit, found.dimensions), 0, 0
    ids: list[str] = []
    for _, piece in _pieces(found.files, found.plan.said, found.plan, on_share, beside=False):
        inside = np.arange(len(piece.data)) if found.train is None else _inside(found.train, at, piece)
        values = piece.data.features[inside].astype(found.dtype, copy=False)
        Rows(values).check_finite(done)
        digest.update(np.ascontiguousarray(values).data)
        first, last = np.searchsorted(numbers, [done, done + len(values)])
        wanted = numbers[first:last] - done
        features[first:last] = values[wanted]
        ids += _ids(piece, inside[wanted], at)
        at, done = at + len(piece.data), done + len(values)
    if at != found.rows:
        raise DataError(
            f"{found.name}: it had {found.rows} rows and now has {at}: it changed while it was read"
        )
    return _set(found, features, ids, numbers), digest.hexdigest()


def rows_to_fit(
    file: Member, plan: Plan, train: NDArray[np.bool_] | None, dtype: np.dtype[Any]
) -> Iterator[tuple[NDArray[Any], float]]:
    """The rows to fit on of one file, some at a time, and the share of the file that ends with them.

    Args:
        file: one of `Survey.files`.
        plan: as there.
        train: (rows of the file,) True for those to fit on; None for all.
        dtype: that of the result.
    """
    for _, piece in _pieces([file], plan.said, plan, None, beside=False):
        inside = slice(None) if train is None else _inside(train, piece.start, piece)
        yield piece.data.features[inside].astype(dtype, copy=False), piece.done


class _Found:
    """What the first pass has found so far."""

    def __init__(self, said: Corrections) -> None:
        self._said = said
        self.plan: Plan | None = None
        self._first = ""
        self._rows, self._dimensions = 0, 0
        self._rows_of: dict[str, int] = {}
        self._dtypes: list[np.dtype[Any]] = []
        self._columns: dict[str, Distinct] = {}

    def add(self, member: Member, piece: Piece) -> None:
        """Some rows more."""
        features = piece.data.features
        if self.plan is None:
            self.plan, self._first, self._dimensions = piece.plan, member.name, features.shape[1]
        if features.shape[1] != self._dimensions:
            raise DataError(
                f"{member.name} has {features.shape[1]} dimensions and {self._first} has {self._dimensions}; "
                "all files must come from the same feature extractor"
            )
        if features.dtype not in self._dtypes:
            self._dtypes.append(features.dtype)
        for name, column in _told_by(member, piece, self._said).items():
            known = self._columns.setdefault(name, Distinct())
            known.pad(self._rows)
            known.add(column)
        self._rows += len(features)
        self._rows_of[str(member.path)] = self._rows_of.get(str(member.path), 0) + len(features)

    def survey(self, name: str, files: Sequence[Member]) -> Survey:
        """The end of the pass."""
        assert self.plan is not None
        for column in self._columns.values():
            column.pad(self._rows)
        about = told(self._columns, Source(b"", name, 0, self._said))
        reading = replace(
            self.plan.reading,
            label=about.label,
            split=about.split_name,
            normal=about.labels.normal,
            anomalous=about.labels.anomalous,
        )
        one_set = (
            f"{len(files)} files were read as one set, in name order: {files[0].name} ... {files[-1].name}."
        )
        notes = (*self.plan.notes, *([one_set] if len(files) > 1 else []), *about.notes)
        dtype = self._dtypes[0] if len(files) == len(self._dtypes) == 1 else np.result_type(*self._dtypes)
        return Survey(
            Path(name).stem,
            tuple(files),
            self.plan,
            self._rows,
            tuple(self._rows_of.get(str(file.path), 0) for file in files),
            _to_fit(about),
            about.labels.values,
            dtype,
            self._dimensions,
            reading,
            notes,
        )


def _pieces(
    files: Sequence[Member],
    said: Corrections,
    plan: Plan | None,
    on_share: OnShare | None,
    beside: bool = True,
) -> Iterator[tuple[Member, Piece]]:
    """Those of all files, each read as the first one."""
    sizes = [size_of(file.path) for file in files]
    for file, size, before in zip(files, sizes, np.cumsum([0, *sizes]).tolist(), strict=False):
        with suppress(
            *([NoRowsError] if len(files) > 1 or plan is not None else [])
        ):  # Spark and Dask write some without
            for piece in read_pieces(file.path, _said_of(file, said), plan, beside):
                plan = piece.plan
                yield file, piece
                if on_share is not None:
                    on_share((before + piece.done * size) / max(sum(sizes), 1))


def _said_of(file: Member, said: Corrections) -> Corrections:
    """What was said of columns, without those that are not in the file but in its path."""
    label, split = (None if said.of(role) in file.columns else said.of(role) for role in ("label", "split"))
    return replace(said, label_column=label, split_column=split)


def _told_by(member: Member, piece: Piece, said: Corrections) -> dict[str, pa.ChunkedArray]:
    """The columns that may tell labels and split, those of the file before those of its path."""
    rows = len(piece.data)
    names = telling([*member.columns], said)
    by_path = {
        name: pa.chunked_array([pa.array([member.columns[name]] * rows, pa.string())]) for name in names
    }
    beside = piece.beside
    return by_path | ({} if beside is None else {name: beside[name] for name in beside.column_names})


def _to_fit(about: Told) -> NDArray[np.bool_] | None:
    """As `EmbeddingSet.train_and_test` has it: without a row of either kind, all are fitted."""
    if about.split is None:
        return None
    train: NDArray[np.bool_] = about.split == "train"
    return None if train.all() or not train.any() else train


def _inside(train: NDArray[np.bool_], at: int, piece: Piece) -> NDArray[np.int64]:
    """Which of a piece's rows are to be fitted on."""
    return np.flatnonzero(train[at : at + len(piece.data)])


def _ids(piece: Piece, rows: NDArray[np.int64], at: int) -> list[str]:
    if piece.plan.reading.id is None:
        return [str(at + row) for row in rows]
    found: list[str] = piece.data.ids[rows].tolist()
    return found


def _set(found: Survey, features: NDArray[Any], ids: list[str], numbers: NDArray[np.int64]) -> EmbeddingSet:
    rows = numbers if found.train is None else np.flatnonzero(found.train)[numbers]
    return EmbeddingSet(
        features,
        np.array(ids, np.str_),
        None if found.labels is None else found.labels[rows],
        name=found.name,
        notes=found.notes,
        feature_names=found.plan.feature_names,
        reading=found.reading,
    )
