"""Files on other machines (s3://, gs://, az://, hf:// ...), through fsspec; nothing secret is shown."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from kdeviz.errors import DataError, KdevizError, OptionError
from kdeviz.wording import one_line

_SIGN = "://"
_CHAIN = "::"
_ACCOUNTS = ("abfs", "abfss", "wasb", "wasbs")
"""Where what stands before @ is no user but a container."""
_ADDRESS = re.compile(r"([\w.+-]{2,}):/{1,2}(?=[^/])([^\s'\"<>]+)")
# Up to the last @ before a slash; or, for keys with slashes in them, before the end, unless there is a port.
_USER = re.compile(r"([^/\s]*|[^/:@\s]*:(?!\d+(?:/|$))\S*)@")
_REASON = 200


@dataclass(frozen=True)
class RemoteFile:
    """A file on another machine.

    Attributes:
        shown: its address, without anything secret.
        size: bytes.
        version: a digest of what its machine says of it, which changes with its content.
        address: as it was given, secrets and all; that of its folder or pattern where one was.
        system: fsspec's file system.
        path: as that file system has it.
    """

    shown: str
    size: int
    version: str
    address: str = field(repr=False)
    system: Any = field(repr=False)
    path: str = field(repr=False)

    def __str__(self) -> str:
        return self.shown

    @property
    def name(self) -> str:
        """Its own name, without folders."""
        return PurePosixPath(urlsplit(self.shown).path or self.shown).name

    @property
    def stem(self) -> str:
        """The same without its extension."""
        return PurePosixPath(self.name).stem

    @contextmanager
    def fetched(self) -> Iterator[Path]:
        """A copy of the file on this machine, under its own name, as long as the block lasts.

        Raises:
            DataError: it cannot be had.
        """
        with tempfile.TemporaryDirectory(prefix="kdeviz-") as folder:
            local = Path(folder) / self.name
            with talking(self.shown, self.address):
                self.system.get_file(self.path, str(local))
            yield local


def is_remote(text: object) -> bool:
    """Whether this is an address of a file or folder on another machine."""
    return isinstance(text, str) and _SIGN in text


def size_of(file: Path | RemoteFile) -> int:
    """Bytes; 0 where there is no such file."""
    if isinstance(file, RemoteFile):
        return file.size
    return file.stat().st_size if file.is_file() else 0


def version_of(file: Path | RemoteFile) -> str | int:
    """What changes with the content: what its machine says of it, or when it was written."""
    if isinstance(file, RemoteFile):
        return file.version
    return file.stat().st_mtime_ns if file.is_file() else 0


def shown(address: str) -> str:
    """An address without user, password, query and fragment; a container of Azure looks alike, and stays."""
    return _CHAIN.join(map(_plain, address.split(_CHAIN)))


def shown_in(text: str) -> str:
    """A text in which every address is as `shown`, also one with a single slash, as a path has it."""
    return _ADDRESS.sub(lambda found: shown(f"{found[1]}{_SIGN}{found[2]}"), text)


def _plain(link: str) -> str:
    scheme, sign, rest = re.split(r"[?#]", link)[0].partition(_SIGN)
    return scheme + sign + rest.removeprefix(f"{user}@") if (user := _user(link)) else scheme + sign + rest


def _user(link: str) -> str:
    """Who asks, and the password, in one link of an address."""
    scheme, _, rest = re.split(r"[?#]", link)[0].partition(_SIGN)
    found = _USER.match(rest)
    if found is None or (scheme in _ACCOUNTS and ":" not in found[1]):
        return ""
    return found[1]


def remote_files(address: str) -> list[tuple[RemoteFile, PurePosixPath]]:
    """The files that an address stands for, and their places below it; more than one for a folder or pattern.

    Raises:
        DataError: nothing is there, or it cannot be read.
        OptionError: a package that this kind of address needs is not installed.
    """
    name = shown(address)
    with talking(name, address):
        system, path = opened_address(address)
        if any(sign in path for sign in "*["):
            found = [(each, PurePosixPath(each).name) for each in system.glob(path) if system.isfile(each)]
        elif system.isdir(path):
            found = [(each, each.removeprefix(path.rstrip("/")).lstrip("/")) for each in system.find(path)]
        else:
            found = [(path, PurePosixPath(urlsplit(name).path).name)]
        if not found:
            raise DataError(f"{name}: no file matches")
        return [(_file(system, each, address), PurePosixPath(place)) for each, place in found]


def opened_address(address: str) -> tuple[Any, str]:
    """fsspec's file system of an address, and the path that this has there.

    Raises:
        OptionError: a package that it needs is not installed.
    """
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise OptionError(f"{shown(address)}: takes pip install 'kdeviz[remote]'") from None
    try:
        system, path = url_to_fs(address)
    except ImportError as error:  # "Install s3fs to access S3"
        raise OptionError(f"{shown(address)}: takes another package: {one_line(error)}") from None
    return system, str(path)


def _file(system: Any, path: str, address: str) -> RemoteFile:
    size, version = system.info(path).get("size"), str(system.ukey(path))
    return RemoteFile(shown(system.unstrip_protocol(path)), int(size or 0), version, address, system, path)


@contextmanager
def talking(name: str, address: str, done: str = "read") -> Iterator[None]:
    """Turn whatever a file system raises into one line that names the file and no secret.

    Args:
        name: of the file, as it may be shown.
        address: with its secrets.
        done: what was to be done with it.
    """
    try:
        yield
    except KdevizError:
        raise
    except FileNotFoundError:
        raise DataError(f"{name}: there is no such file") from None
    # Each file system has errors of its own.
    except Exception as error:
        reason = one_line(_without_secrets(str(error), address), _REASON) or type(error).__name__
        raise DataError(f"{name}: cannot be {done} ({reason})") from None


def _without_secrets(text: str, address: str) -> str:
    """What others say, without what `shown` leaves out of this address and of any other."""
    secrets: set[str] = set()
    for link in address.split(_CHAIN):
        user, query = _user(link), urlsplit(link).query
        secrets |= {user, *user.split(":", 1), query, *(value for _, value in parse_qsl(query))}
    for secret in sorted(secrets | {*map(unquote, secrets)}, key=len, reverse=True):
        text = text.replace(secret, "…") if secret else text
    return shown_in(text)
