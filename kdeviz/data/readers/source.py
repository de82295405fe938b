"""Source: the bytes of a file that nobody vouches for, its name, and how much it may become in memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from kdeviz.data.reading import GUESS, Corrections
from kdeviz.errors import DataError

Readable = str | Path | bytes | BinaryIO


@dataclass(frozen=True)
class Source:
    """A path, or the bytes of an upload, that is about to be read.

    Attributes:
        data: where the bytes are.
        name: the file's own name, without folders; every message begins with it.
        max_bytes: the most that its arrays may take in memory.
        wanted: what was asked for instead of a guess.
        mapped: whether Arrow maps a file; otherwise it reads what it needs, and the rest takes no memory.
        first_row: the number of its first row in the whole file, of which this may be a part.
    """

    data: Path | bytes
    name: str
    max_bytes: int
    wanted: Corrections = GUESS
    mapped: bool = True
    first_row: int = 0

    @classmethod
    def of(cls, data: Readable, filename: str | None, max_bytes: int, wanted: Corrections = GUESS) -> Source:
        """Find the name, and read an upload no further than `max_bytes`.

        Raises:
            DataError: there is no such file, bytes came without a filename, or they are too many.
        """
        if isinstance(data, str | Path):
            path = Path(data)
            name = Path(filename).name if filename else path.name
            if not path.is_file():
                raise DataError(f"{path}: there is no such file")
            source = cls(path, name, max_bytes, wanted)
        else:
            filename = filename or getattr(data, "name", None)
            if not isinstance(filename, str):
                raise DataError("bytes need a filename, so that the format is known: pass filename='x.npy'")
            content = data if isinstance(data, bytes) else _read(data, max_bytes)
            source = cls(content, Path(filename).name, max_bytes, wanted)
        source.check(source.size, "the file itself")
        return source

    @property
    def size(self) -> int:
        """Bytes as stored."""
        return len(self.data) if isinstance(self.data, bytes) else self.data.stat().st_size

    def open(self) -> BinaryIO:
        """A fresh stream at the first byte."""
        return io.BytesIO(self.data) if isinstance(self.data, bytes) else self.data.open("rb")

    def buffer(self) -> pa.Buffer:
        """Every byte, mapped rather than read when it is a file."""
        if isinstance(self.data, bytes):
            return pa.py_buffer(self.data)
        if not self.size:  # an empty file cannot be mapped
            return pa.py_buffer(b"")
        return pa.memory_map(str(self.data)).read_buffer()

    def native(self) -> pa.NativeFile:
        """The file as Arrow reads it."""
        if self.mapped or isinstance(self.data, bytes):
            return pa.BufferReader(self.buffer())
        return pa.OSFile(str(self.data))

    def check(self, needed: int, what: str) -> None:
        """Refuse before inflating.

        Raises:
            DataError: `needed` bytes are more than `max_bytes`.
        """
        if needed > self.max_bytes:
            raise DataError(
                f"{self.name}: {what} would take {needed:,} bytes and the limit is {self.max_bytes:,}; "
                "keep fewer rows or columns, or raise max_bytes"
            )

    @contextmanager
    def reading(self, kind: str) -> Iterator[None]:
        """Turn whatever a parser raises into one line that names the file."""
        try:
            yield
        except DataError:
            raise
        # Parsers of hostile bytes raise anything (struct.error, MemoryError ...): no list is complete.
        except Exception as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise DataError(
                f"{self.name}: not a readable {kind} file, or a damaged one ({reason})"
            ) from error


def _read(stream: BinaryIO, max_bytes: int) -> bytes:
    if stream.seekable():
        stream.seek(0)  # an upload widget hands out the same stream on every rerun
    return stream.read(max_bytes + 1)
