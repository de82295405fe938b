"""What the app is looking at: a training set, perhaps a set to score, and where they came from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kdeviz.data import (
    EXAMPLES,
    GUESS,
    Corrections,
    EmbeddingSet,
    aligned,
    bytes_in_memory,
    load_embeddings,
    load_sample,
    sample_source,
)
from kdeviz.errors import DataError
from kdeviz.preflight import Fix, apply

_FLAGS = re.compile(r"\([^()]*--[a-z][^()]*\)")
"""Where a note names Python's argument and the command's option."""
_LARGE_BYTES = 100e6
Upload = tuple[str, bytes]
"""File name and content."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """One data source.

    Attributes:
        token: stands for the exact content of every file behind this, in cache keys.
        origin: stands for the samples as they were read, whatever was dropped since: marks belong to it.
        train: the rows to fit on.
        score: the rows to inspect; None to inspect the training rows themselves.
        everything: the main file as read, before it was split.
        notes: sentences about what was guessed, found or left out on reading.
        source: what to write in a script to read it: "sample", a path, or an uploaded file's name.
        score_source: the same of a second file, if `score` came from one.
        about_source: the same of a table about the first file's rows, if there was one.
        score_about_source: the same of a table about the second file's rows.
        read_again: read the same files with other corrections.
        said: how the reading of the first file was corrected.
        fixes: names of the fixes that were applied, in order; see `preflight`.
        before: what the last of them was applied to.
        files: the uploaded files behind this, in the order of `from_uploads`, to be read again.
        owner: who uploaded them, by the name they have on a shared server.
    """

    token: str
    origin: str
    train: EmbeddingSet
    score: EmbeddingSet | None
    everything: EmbeddingSet
    notes: tuple[str, ...]
    source: str
    read_again: Callable[[Corrections], Loaded]
    score_source: str | None = None
    about_source: str | None = None
    said: Corrections = GUESS
    fixes: tuple[str, ...] = ()
    before: Loaded | None = None
    score_about_source: str | None = None
    files: tuple[Upload | None, ...] = ()
    owner: str = ""

    @property
    def uploaded(self) -> int:
        """Bytes of the uploaded files behind this."""
        return sum(len(file[1]) for file in self.files if file is not None)

    @property
    def bytes(self) -> int:
        """Memory of the files and of the rows in them."""
        parts = (self.everything, self.train, *([] if self.score is None else [self.score]))
        arrays = {id(part.features): part.features.nbytes for part in parts}
        return self.uploaded + sum(arrays.values()) + bytes_in_memory(self.everything.thumbnails)

    @property
    def is_large(self) -> bool:
        """Whether whatever reads all of it would make somebody wait for the first picture."""
        return self.everything.features.nbytes > _LARGE_BYTES

    @property
    def inspected(self) -> EmbeddingSet:
        """The rows that scores are about."""
        return self.train if self.score is None else self.score

    def fixed(self, fix: Fix) -> Loaded:
        """The same with a fix applied to the main file, and its columns dropped everywhere.

        Raises:
            DataError: nothing would be left.
        """
        everything = apply(fix, self.everything)
        train, score = everything.train_and_test()
        if not len(train.to_fit):
            raise DataError(f"{everything.name}: no row would be left to learn from")
        if self.score_source is not None and self.score is not None:
            score = self.score if fix.columns is None else self.score.take_columns(_others(fix))
        return replace(
            self,
            token=_token(self.token.encode(), fix.name.encode()),
            train=train,
            score=score,
            everything=everything,
            fixes=(*self.fixes, fix.name),
            before=self,
        )


def _others(fix: Fix) -> NDArray[np.bool_]:
    """Which columns a fix keeps."""
    kept = np.ones(fix.shape[1], dtype=bool)
    kept[fix.columns] = False
    return kept


def sample(name: str = next(iter(EXAMPLES))) -> Loaded:
    """A built-in example, read once per server."""
    return _example(name)


@st.cache_resource(show_spinner=False)
def _example(name: str) -> Loaded:
    source = sample_source(name)
    return _from_one_file(load_sample(name), source, source, lambda _: sample(name))


def from_path(path: str, said: Corrections = GUESS) -> Loaded:
    """A file on the server's disk, read as somebody said.

    Raises:
        DataError: missing or unreadable.
    """
    everything = _read(path, said)
    status = Path(path).stat()
    token = _token(f"{path}|{status.st_mtime_ns}|{status.st_size}|{said}".encode())
    return _from_one_file(everything, token, path, partial(from_path, path), said)


def _from_one_file(
    everything: EmbeddingSet,
    token: str,
    source: str,
    read_again: Callable[[Corrections], Loaded],
    said: Corrections = GUESS,
) -> Loaded:
    train, score = everything.train_and_test()
    origin, notes = everything.digest, everything.notes
    return Loaded(token, origin, train, score, everything, notes, source, read_again, said=said)


def from_uploads(
    main: Upload,
    score: Upload | None = None,
    about: Upload | None = None,
    said: Corrections = GUESS,
    score_about: Upload | None = None,
    owner: str = "",
) -> Loaded:
    """Uploaded files: embeddings, perhaps a second file to score, perhaps a table about the rows of each.

    Their owner is who sent them. The second file is read as was said of the first, as far as it has
    these columns.

    Raises:
        DataError: a file cannot be used.
    """
    files = (main, score, about, score_about)
    contents = [part for file in files for part in ((file[0].encode(), file[1]) if file else (b"", b""))]
    with ThreadPoolExecutor(1) as aside:  # of a large file each digest takes a second
        token = aside.submit(_token, *contents, str(said).encode())
        everything = _read(main[1], said, filename=main[0], metadata=_metadata(about))
        _ = everything.digest
    train, rest = everything.train_and_test()
    notes = everything.notes
    if score is None and score_about is not None:
        raise DataError(f"{score_about[0]}: it is about more samples to score, load those as well")
    if score is not None:
        if rest is not None:
            notes += (f"{len(rest)} test rows of {main[0]} are left out: those of {score[0]} are scored.",)
        rest = _second(score, said, everything.embedding_column, score_about)
        notes += _second_notes(score[0], rest, everything.embedding_column)
        rest = replace(rest, name=score[0])
        rest, remarks = aligned(rest, train.feature_names, train.features.shape[1], main[0])
        rest, notes = replace(rest, name=Path(score[0]).stem), (*notes, *remarks)
    return Loaded(
        token=token.result(),
        origin=everything.digest + ("" if score is None or rest is None else rest.digest),
        train=train,
        score=rest,
        everything=everything,
        notes=notes,
        source=main[0],
        score_source=None if score is None else score[0],
        about_source=None if about is None else about[0],
        read_again=lambda other: from_uploads(main, score, about, other, score_about, owner),
        said=said,
        score_about_source=None if score_about is None else score_about[0],
        files=files,
        owner=owner,
    )


def _read(source: str | bytes, said: Corrections, **options: Any) -> EmbeddingSet:
    """A file, without pictures where it leads to none in the folder; its notes in the words of the screen."""
    try:
        read = load_embeddings(source, **options, **said.given)
    except DataError as error:
        if said.images is None:
            raise
        read = load_embeddings(source, **options, **replace(said, images=None).given)
        read = replace(read, notes=(*read.notes, f"No pictures from the folder: {error}"))
    return replace(read, notes=tuple(_FLAGS.sub("(see About this file)", note) for note in read.notes))


def _metadata(about: Upload | None) -> tuple[bytes, str] | None:
    return None if about is None else (about[1], about[0])


def _second(file: Upload, said: Corrections, column: str | None, about: Upload | None) -> EmbeddingSet:
    """The rows to score, from the same column as the rows to fit on where there is one."""
    name, content = file
    if said != GUESS:
        try:
            given = said if said.embedding_column else replace(said, embedding_column=column)
            return _read(content, given, filename=name, metadata=_metadata(about))
        except DataError as error:
            read = _second(file, GUESS, column, about)
            return replace(
                read, notes=(*read.notes, f"It was not read as you said of the first file: {error}")
            )
    try:
        return load_embeddings(content, filename=name, embedding_column=column, metadata=_metadata(about))
    except DataError:
        guessed = load_embeddings(content, filename=name, metadata=_metadata(about))
        if column in guessed.embedding_choices:
            raise
        return guessed


def _second_notes(name: str, read: EmbeddingSet, column: str | None) -> tuple[str, ...]:
    notes = tuple(f"{name}: {note}" for note in read.notes)
    if column is None or read.embedding_column in (None, column):
        return notes
    return (*notes, f"{name} has no {column}: its {read.embedding_column} was read as the embedding.")


def _token(*parts: bytes) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()
