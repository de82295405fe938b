"""The text of a file, whatever it was compressed and encoded with, as UTF-8 with plain line ends."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import IO, NamedTuple, cast

import numpy as np
import pyarrow as pa

from kdeviz.data.readers.source import Source
from kdeviz.errors import DataError


def _open_zstd(stream: IO[bytes]) -> IO[bytes]:
    opened: IO[bytes] = pa.CompressedInputStream(pa.PythonFile(stream, "r"), "zstd")
    return opened


def _open_gzip(stream: IO[bytes]) -> IO[bytes]:
    opened = gzip.GzipFile(fileobj=stream)
    return cast("IO[bytes]", opened)


COMPRESSIONS: Mapping[str, Callable[[IO[bytes]], IO[bytes]]] = MappingProxyType(
    {
        ".gz": _open_gzip,
        ".bz2": bz2.BZ2File,
        ".xz": lzma.LZMAFile,
        ".zst": _open_zstd,
    }
)
"""What a text table may be compressed with, by the last part of its name."""
_MAGIC = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\0": ".xz", b"\x28\xb5\x2f\xfd": ".zst"}

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


class Text(NamedTuple):
    """UTF-8 bytes whose lines end in a line feed, and what had to be guessed about them."""

    data: bytes
    notes: list[str]


def read_text(source: Source) -> Text:
    """Inflate, decode, and unify line ends.

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
    return Text(data, notes)


def _inflated(source: Source) -> bytes:
    with source.open() as stream:
        start = stream.read(6)
    kind = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)
    with source.open() as stream:
        if kind is None:
            return stream.read()
        with COMPRESSIONS[kind](stream) as inflating:
            # Asked for in parts: a reader asked for everything may inflate everything first.
            parts, total = [], 0
            while part := inflating.read(1 << 24):
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
