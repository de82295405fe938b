"""The text of a file, whatever it was compressed and encoded with, as UTF-8 with plain line ends."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import IO, Any

import numpy as np
import pyarrow as pa

from kdeviz.data.readers.source import Source
from kdeviz.errors import DataError

_MAGIC: Mapping[bytes, Callable[[Any], Any]] = MappingProxyType(
    {
        b"\x1f\x8b": gzip.open,
        b"BZh": bz2.open,
        b"\xfd7zXZ\0": lzma.open,
        b"\x28\xb5\x2f\xfd": lambda stream: pa.CompressedInputStream(pa.PythonFile(stream, "r"), "zstd"),
    }
)

_BOMS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
_MOST_CONTROL = 0.1  # a note may hold one; of random bytes one in ten is one, beside zeros
_HEAD = 4096


def read_text(source: Source) -> tuple[bytes, list[str]]:
    """UTF-8 bytes whose lines end in a line feed, and what had to be guessed about them.

    Raises:
        DataError: it is no text, or would inflate beyond the limit.
    """
    data, notes = _inflated(source), []
    encoding = _encoding(data)
    if encoding is None:
        encoding = "cp1252" if _is(data, "cp1252") else "latin-1"
        notes.append("The text is not UTF-8 and was read as Windows-1252 (Latin-1).")
    if encoding != "utf-8":
        data = data.decode(encoding).encode()
    if data.endswith(b"\x1a"):
        data = data.rstrip(b"\x1a")  # how DOS ended a text
    begin = data[: 1 << 20]
    if b"\0" in data or len(_CONTROL.findall(begin)) > _MOST_CONTROL * len(begin):
        raise DataError(f"{source.name}: not a text file; save it as UTF-8 text with one header line")
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")  # as old Macs end lines; elsewhere one alone belongs to a cell
    if b"\r\n" in data:
        data = data.replace(b"\r\n", b"\n")
    return data, notes


@contextmanager
def inflating(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    """What was compressed into a stream; the stream itself where nothing was."""
    start = stream.read(6)
    stream.seek(0)
    opener = next((opener for magic, opener in _MAGIC.items() if start.startswith(magic)), None)
    if opener is None:
        yield stream
        return
    with opener(stream) as inflated:
        yield inflated


def is_wide(begin: bytes) -> bool:
    """Whether a text seems to be in UTF-16 or UTF-32, of which a line end is no single byte."""
    return b"\0" in begin[:_HEAD]


def _inflated(source: Source) -> bytes:
    with source.open() as stored, inflating(stored) as stream:
        if stream is stored:
            return stored.read()
        # Asked for in parts: a reader asked for everything may inflate everything first.
        parts, total = [], 0
        while part := stream.read(1 << 24):
            parts.append(part)
            total += len(part)
            source.check(total, "the inflated text")
    return b"".join(parts)


def _encoding(data: bytes) -> str | None:
    """What the text says it is, or None when it is neither UTF-8 nor UTF-16."""
    for bom, encoding in _BOMS.items():
        if data.startswith(bom):
            return encoding
    if data.isascii() and b"\0" not in data[:_HEAD]:
        return "utf-8"
    zeros = np.frombuffer(data[:_HEAD][: len(data[:_HEAD]) // 2 * 2], np.uint8).reshape(-1, 2) == 0
    for column, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(zeros) and zeros[:, column].mean() > 0.9 and not zeros[:, 1 - column].any():
            return encoding
    return "utf-8" if _is(data, "utf-8") else None


def _is(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
