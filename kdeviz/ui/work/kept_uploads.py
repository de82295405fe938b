"""Uploaded files on the server's disk: found by their address after a restart, limited, and forgotten."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import platformdirs
import streamlit as st

from kdeviz.atomic import held, write_whole
from kdeviz.data import Corrections
from kdeviz.errors import DataError, KdevizError
from kdeviz.preflight import preflight
from kdeviz.ui.door import options
from kdeviz.ui.work.loaded import Loaded, Upload, from_uploads
from kdeviz.wording import size

_MOST_BYTES = 4 * 2**30
_KEPT_S = 7 * 24 * 3600.0
_TOKEN = re.compile(r"[0-9a-f]{32}")
"""What the address has of some data, and the name of a file."""
_CHEAP = 1
"""Components that the checks are made for: the names of fixes do not depend on them."""


class _Kept(msgspec.Struct, frozen=True):
    """What an address stands for: files by name and digest, how they are read, and who sent them."""

    files: tuple[tuple[str, str] | None, ...]
    said: Corrections
    fixes: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()


class KeptUploads:
    """A private folder of uploaded files, named by the digest of their content.

    Beside them is one small file for each address, which says how to read them. Several processes may use the
    folder at once.

    Args:
        folder: made when the first file is kept.
        most: bytes of all files; the longest unused make room.
        seconds: how long after its last use a file is kept.
    """

    def __init__(self, folder: Path, most: int = _MOST_BYTES, seconds: float = _KEPT_S) -> None:
        self.folder = folder
        self._most, self._seconds = most, seconds
        if folder.is_dir():
            with suppress(OSError), held(folder):
                self._make_room(0)

    def keep(self, data: Loaded) -> None:
        """Keep the files behind these data, which were uploaded, for who sent them.

        Raises:
            DataError: they take more than the folder may hold, or it cannot be written to.
        """
        if data.uploaded > self._most:
            raise DataError(f"{data.source} takes {size(data.uploaded)}, and {size(self._most)} are kept")
        digests = [None if file is None else (file[0], _digest(file[1])) for file in data.files]
        with self._writing():
            before = self._kept(data.token)
            owners = {data.owner, *(before.owners if before else ())}
            kept = _Kept(tuple(digests), replace(data.said, images=None), data.fixes, tuple(sorted(owners)))
            # First, so that none of its files is taken for an unused one when room is made.
            write_whole(self._place(data.token), msgspec.json.encode(kept))
            new = {
                digest: file[1]
                for file, (_, digest) in zip(filter(None, data.files), filter(None, digests), strict=True)
                if not (self.folder / digest).exists()
            }
            self._make_room(sum(map(len, new.values())))
            for digest, content in new.items():
                write_whole(self.folder / digest, content)

    def knows(self, token: str) -> bool:
        """Whether the files of this address are here."""
        return self._kept(token) is not None

    def open(self, token: str, images: str | None = None) -> Loaded:
        """Read the files of an address as they were read before.

        Args:
            token: from the address.
            images: the folder of pictures that the app was started with.

        Raises:
            DataError: they are gone, or no longer what they were.
        """
        kept = self._kept(token)
        if kept is None:
            raise DataError("the file of this address is no longer on this server: load it again")
        main, score, about, score_about = map(self._file, kept.files)
        if main is None:
            raise DataError("the file of this address is damaged: load it again")
        said = replace(kept.said, images=images)
        data = from_uploads(main, score, about, said, score_about, kept.owners[0] if kept.owners else "")
        for name in kept.fixes:
            data = data.fixed(preflight(data.everything, _CHEAP).fix(name))
        with suppress(OSError):
            self._place(token).touch()
        return data

    def forget(self, owner: str | None = None) -> None:
        """Delete the files that this user sent, or with None all; what others sent as well stays theirs.

        Raises:
            DataError: the folder cannot be written to.
        """
        if not self.folder.is_dir():
            return
        with self._writing():
            for place, kept in self._all():
                others = () if kept is None or owner is None else tuple(set(kept.owners) - {owner})
                if kept is None or not others:
                    place.unlink(missing_ok=True)
                elif others != kept.owners:
                    write_whole(place, msgspec.json.encode(msgspec.structs.replace(kept, owners=others)))
            self._drop_unused()

    def _kept(self, token: str) -> _Kept | None:
        place = self._place(token) if _TOKEN.fullmatch(token) else None
        if place is None or self._is_old(place):
            return None
        kept = _read(place)
        names = [file for file in (kept.files if kept else ()) if file is not None]
        whole = all(_TOKEN.fullmatch(digest) and (self.folder / digest).is_file() for _, digest in names)
        return kept if whole and names and len(kept.files if kept else ()) == 4 else None

    def _file(self, file: tuple[str, str] | None) -> Upload | None:
        if file is None:
            return None
        name, digest = file
        try:
            content = (self.folder / digest).read_bytes()
        except OSError as error:
            raise DataError(f"{name} cannot be read ({error.strerror}): load it again") from None
        if _digest(content) != digest:
            raise DataError(f"{name} is not what it was: load it again")
        return name, content

    def _place(self, token: str) -> Path:
        return self.folder / f"{token}.json"

    def _is_old(self, place: Path) -> bool:
        try:
            return time.time() - place.stat().st_mtime > self._seconds
        except OSError:
            return True

    def _all(self) -> list[tuple[Path, _Kept | None]]:
        """What is kept, the longest unused first."""
        places = [place for place in self.folder.glob("*.json") if _TOKEN.fullmatch(place.stem)]
        with suppress(FileNotFoundError):
            places.sort(key=lambda place: place.stat().st_mtime)
        return [(place, _read(place)) for place in places]

    def _make_room(self, wanted: int) -> None:
        for place, _ in self._all():
            if self._is_old(place):
                place.unlink(missing_ok=True)
        self._drop_unused()
        for place, _ in self._all():
            if self._bytes + wanted <= self._most:
                return
            place.unlink(missing_ok=True)
            self._drop_unused()

    def _drop_unused(self) -> None:
        used = {file[1] for _, kept in self._all() if kept for file in kept.files if file is not None}
        for path in self._contents():
            if path.name not in used:
                path.unlink(missing_ok=True)

    def _contents(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if _TOKEN.fullmatch(path.name)]

    @property
    def _bytes(self) -> int:
        return sum(path.stat().st_size for path in self._contents())

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            with held(self.folder):
                yield
        except OSError as error:
            raise DataError(f"{self.folder} cannot be written to ({error.strerror or error})") from None


def is_token(text: str) -> bool:
    """Whether an address could stand for some data by this."""
    return _TOKEN.fullmatch(text) is not None


def _read(place: Path) -> _Kept | None:
    """Nothing in the file is believed before it is checked."""
    try:
        return msgspec.json.decode(place.read_bytes(), type=_Kept)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KdevizError):
        return None


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def kept_uploads() -> KeptUploads:
    """Of this server: in the folder it was started with, or in the user's cache."""
    said = options().uploads
    return _in_folder(Path(said) if said else platformdirs.user_cache_path("kdeviz") / "uploads")


@st.cache_resource(show_spinner=False)
def _in_folder(folder: Path) -> KeptUploads:
    return KeptUploads(folder)
