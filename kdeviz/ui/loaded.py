"""What the app is looking at: a training set, perhaps a set to score, and where they came from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from kdeviz.data import EmbeddingSet, load_embeddings
from kdeviz.errors import DataError
from kdeviz.samples import load_sample

__all__ = ["Loaded", "from_path", "from_uploads", "sample"]

Upload = tuple[str, bytes]
"""File name and content."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """One data source.

    Attributes:
        token: stands for the exact content of every file behind this, in cache keys.
        train: the rows to fit on.
        score: the rows to inspect; None to inspect the training rows themselves.
        source: what to write in a script to read the same data: "sample", a path, or an uploaded file's name.
        everything: the main file as read, before it was split.
    """

    token: str
    train: EmbeddingSet
    score: EmbeddingSet | None
    source: str
    everything: EmbeddingSet

    @property
    def inspected(self) -> EmbeddingSet:
        """The rows that scores are about."""
        return self.train if self.score is None else self.score


@st.cache_resource(show_spinner="Reading the sample set …")
def sample() -> Loaded:
    """The sample set, read once per server."""
    return _loaded("sample", load_sample(), None, "sample")


@st.cache_resource(show_spinner="Reading the file …", max_entries=2)
def _read_path(path: str, modified: int, size: int, column: str | None) -> Loaded:
    embeddings = load_embeddings(path, embedding_column=column)
    return _loaded(_token(f"{path}{modified}{size}{column}".encode()), embeddings, None, path)


def from_path(path: str, column: str | None = None) -> Loaded:
    """A file on the server's disk; read again when it changes.

    Raises:
        DataError: missing or unreadable.
    """
    if not Path(path).is_file():
        raise DataError(f"{path}: there is no such file")
    status = Path(path).stat()
    return _read_path(path, status.st_mtime_ns, status.st_size, column)


def from_uploads(
    main: Upload, score: Upload | None = None, metadata: Upload | None = None, column: str | None = None
) -> Loaded:
    """Uploaded files: embeddings, perhaps a second file to score, perhaps a table about the first.

    Raises:
        DataError: a file cannot be used.
    """
    about = None if metadata is None else (metadata[1], metadata[0])
    embeddings = load_embeddings(main[1], filename=main[0], embedding_column=column, metadata=about)
    others = None if score is None else load_embeddings(score[1], filename=score[0])
    if others is not None and others.features.shape[1] != embeddings.features.shape[1]:
        raise DataError(
            f"{score[0] if score else ''} has {others.features.shape[1]} dimensions, {main[0]} has "
            f"{embeddings.features.shape[1]}: both must come from the same feature extractor"
        )
    contents = [
        part for upload in (main, score, metadata) if upload for part in (upload[0].encode(), upload[1])
    ]
    return _loaded(_token(*contents, str(column).encode()), embeddings, others, main[0])


def _loaded(token: str, everything: EmbeddingSet, score: EmbeddingSet | None, source: str) -> Loaded:
    train, rest = everything.train_and_test()
    return Loaded(token, train, rest if score is None else score, source, everything)


def _token(*parts: bytes) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()
