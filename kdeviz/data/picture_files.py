"""Pictures from paths, read below one folder only, small ones as they are and large ones made small."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import overload

from kdeviz.data.formats import image_type
from kdeviz.data.pictures import made_small
from kdeviz.errors import DataError

MOST_BYTES = 50_000_000
"""The largest picture file that is opened."""
MOST_PIXELS = 100_000_000
"""The largest picture that is decoded."""
_SIDE = 512  # pixels; larger pictures are made smaller
_AS_THEY_ARE = 200_000  # bytes
_LOOKED_AT = 100
_KEPT = 512


class PictureFiles(Sequence[bytes]):
    """One encoded picture for every path, read when it is asked for; b"" where there is none.

    Args:
        folder: nothing outside of it is read.
        paths: as they stand in a table, relative to the folder, below it, or from another machine: then
            their last parts are looked for.
    """

    def __init__(self, folder: Path, paths: Sequence[str]) -> None:
        self.folder, self.paths = folder, paths

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, row: int) -> bytes: ...
    @overload
    def __getitem__(self, row: slice) -> PictureFiles: ...
    def __getitem__(self, row: int | slice) -> bytes | PictureFiles:
        if isinstance(row, slice):
            return PictureFiles(self.folder, self.paths[row])
        found = find_below(self.folder, self.paths[row])
        return b"" if found is None else _encoded(found, found.stat().st_mtime_ns)

    def take(self, rows: Sequence[int]) -> PictureFiles:
        """The pictures of some rows, unread."""
        return PictureFiles(self.folder, [self.paths[row] for row in rows])


def bytes_in_memory(pictures: Sequence[bytes] | None) -> int:
    """What they take; those on disk take nothing, and none of them is read to tell."""
    return 0 if pictures is None or isinstance(pictures, PictureFiles) else sum(map(len, pictures))


def picture_files(folder: Path, paths: Sequence[str], name: str) -> tuple[PictureFiles, str]:
    """The pictures of a column of paths, and what is wrong with them at first sight.

    Raises:
        DataError: there is no such folder, or none of the first paths leads to a file in it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder of pictures")
    folder = folder.resolve()
    first = [path for path in paths if path][:_LOOKED_AT]
    lacking = [path for path in first if find_below(folder, path) is None]
    if lacking and len(lacking) == len(first):
        raise DataError(
            f"{folder}: none of the first {len(first)} paths in {name} leads to a file below it, for example "
            f"{lacking[0][:80]!r}; give the folder that these paths begin in"
        )
    note = (
        f"{name}: {len(lacking)} of the first {len(first)} pictures are not below {folder}."
        if lacking
        else ""
    )
    return PictureFiles(folder, paths), note


def find_below(folder: Path, path: str) -> Path | None:
    """The file that a path means, if it lies below the folder: links that lead out of it are not followed."""
    parts = PurePosixPath(path.replace("\\", "/").strip()).parts
    for start, part in enumerate(parts):  # the whole path first, then without its first parts
        if not part.strip("/\\"):
            continue
        try:
            found = folder.joinpath(*parts[start:]).resolve(strict=True)
            if found.is_file() and found.is_relative_to(folder):
                return found
        except (OSError, ValueError, RuntimeError):  # names that no file can have, circles of links
            continue
    return None


@lru_cache(maxsize=_KEPT)
def _encoded(path: Path, changed: int) -> bytes:
    """A picture that a browser shows; b"" when the file is none, or too large. `changed` is for the cache."""
    from PIL import Image

    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            return b""
        data = path.read_bytes()
        if size <= _AS_THEY_ARE and image_type(data):
            return data
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MOST_PIXELS:
                return b""
            stream = io.BytesIO()
            made_small(image, _SIDE).save(stream, "PNG")
    # Pillow raises anything on damaged files (struct.error, SyntaxError ...), and the file may be gone.
    except Exception:
        return b""
    return stream.getvalue()
