"""Files that are something else than their names say, told by their first bytes."""

from __future__ import annotations

import re

from kdeviz.data.readers.source import Source
from kdeviz.errors import DataError

_KINDS = {
    b"PAR1": ("a parquet file", ".parquet", ".pq"),
    b"ARROW1": ("an Arrow file", ".arrow", ".feather", ".ipc"),
    b"\x93NUMPY": ("an array of numpy", ".npy"),
    b"\x89HDF\r\n\x1a\n": ("an HDF5 file", ".h5", ".hdf5"),
    b"PK\x03\x04": ("a zip archive", ".npz", ".xlsx", ".pt", ".pth"),
}
_COMPRESSED = {b"\x1f\x8b": "gunzip", b"BZh": "bunzip2", b"\xfd7zXZ\0": "unxz", b"\x28\xb5\x2f\xfd": "unzstd"}
_LFS = b"version https://git-lfs"
_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype html|html|\?xml|head|table)\b", re.IGNORECASE)
_TEXT = re.compile(rb"[\x09\x0a\x0d\x20-\x7e]{16,}")
_HEAD = 512


def refuse_disguised(source: Source, kind: str, is_text: bool) -> None:
    """Refuse what cannot be what its name says, in words that say what it is.

    Args:
        source: the file.
        kind: the extension it is read by.
        is_text: whether that is a text, which may be compressed.

    Raises:
        DataError: it is of another kind, a pointer of Git LFS, or a web page.
    """
    with source.open() as stream:
        head = stream.read(_HEAD)
    if head.startswith(_LFS):
        raise DataError(
            f"{source.name}: a pointer of Git LFS, not the file itself; fetch that with git lfs pull"
        )
    if _PAGE.match(head):
        raise DataError(
            f"{source.name}: a web page (HTML or XML), not data; perhaps a download asked for a login"
        )
    for magic, kinds in _KINDS.items():
        if head.startswith(magic) and kind not in kinds:
            raise DataError(f"{source.name}: this is {kinds[0]}: name it {' or '.join(kinds[1:])}")
    if not is_text:
        _refuse_text_and_packed(source, kind, head)


def _refuse_text_and_packed(source: Source, kind: str, head: bytes) -> None:
    """Where bytes are expected that no text and no compressed file begins with."""
    for magic, tool in _COMPRESSED.items():
        if head.startswith(magic):
            raise DataError(f"{source.name}: only texts are read compressed; unpack it first ({tool})")
    if _TEXT.match(head):
        raise DataError(
            f"{source.name}: the content is text, not a readable {kind} file; if it is a table, name it .csv"
        )
