"""Files and folders that appear whole or not at all, and that a power cut does not take back.

Whoever writes holds a lock on what is unfinished. The system lets go of it when the process ends, however it
ends: so the next writer in that folder knows what was abandoned, and removes it.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    _LOCKS = False
else:
    _LOCKS = True

_UNFINISHED = re.compile(r"\.(kdeviz-[0-9a-f]{16}\.tmp|(keeping|deleting)-[0-9a-f]{16})")
_ABANDONED_AFTER = 3600.0  # seconds; where no lock ends with its process
# Nothing that leads elsewhere is opened, and nothing that waits for a reader.
_LOOK = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_NEW = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0)
_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a temporary file beside `path`, then rename it into place.

    The content is on the disk before it has its name, and the name is there when this returns.

    Raises:
        OSError: the folder does not exist or cannot be written to, or the disk is full; the old file is as it
            was, and nothing is left behind.
    """
    nameless = getattr(os, "O_TMPFILE", None)
    if nameless is not None:
        with suppress(OSError):  # not on this file system; whatever else is wrong, the plain way will tell
            with written_whole(path, nameless) as file:
                file.write(content)
            return
    with written_whole(path) as file:
        file.write(content)


@contextmanager
def written_whole(path: str | os.PathLike[str], nameless: int | None = None) -> Iterator[IO[bytes]]:
    """A file to write into, which is on the disk and has its name when the block ends; nothing if it fails.

    Args:
        path: where it will be.
        nameless: the system's flag for files that have no name before they are whole, and that go with their
            process; without it, a file with another name.

    Raises:
        OSError: as `write_whole`.
    """
    target = Path(path)
    sweep(target.parent)
    temporary = target.with_name(f".kdeviz-{secrets.token_hex(8)}.tmp")
    descriptor = _new_file(temporary) if nameless is None else _new_nameless_file(target.parent, nameless)
    try:
        with open(descriptor, "wb", closefd=os.name == "nt") as file:  # an open one cannot be renamed there
            yield file
            file.flush()
            _sync(descriptor)
        if nameless is not None:
            # Python follows the link only when it is given a folder, which an absolute path does not need.
            os.link(f"/proc/self/fd/{descriptor}", temporary, src_dir_fd=descriptor)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
        if os.name != "nt":
            os.close(descriptor)
    sync(target.parent)


@contextmanager
def hidden_folder(parent: Path) -> Iterator[Path]:
    """A new folder to fill and to `put_in_place`; nothing is left of it otherwise."""
    sweep(parent)
    hidden, descriptor = _new_folder(parent / f".keeping-{secrets.token_hex(8)}")
    try:
        yield hidden
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
        _let_go(descriptor)


def put_in_place(hidden: Path, target: Path) -> None:
    """Give a filled folder its name, when all that is in it is on the disk."""
    for path in hidden.iterdir():
        sync(path)
    sync(hidden)
    hidden.rename(target)  # never onto another: one that is not empty cannot be replaced
    sync(target.parent)


def delete_folder(folder: Path) -> None:
    """Gone at once for whoever looks; what cannot be deleted now is swept up later."""
    hidden = folder.rename(folder.with_name(f".deleting-{secrets.token_hex(8)}"))
    sync(hidden.parent)
    shutil.rmtree(hidden, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove what processes that died left unfinished in a folder, and nothing that somebody is writing."""
    with suppress(OSError), os.scandir(folder) as inside:
        for found in inside:
            if _UNFINISHED.fullmatch(found.name):
                with suppress(OSError):  # gone meanwhile, or not for us to remove
                    _remove_abandoned(Path(found.path))


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock on a file or folder; others who want it wait. Nothing is held on Windows."""
    descriptor = _hold(path)
    try:
        yield
    finally:
        _let_go(descriptor)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk; Windows does the latter by itself.

    Raises:
        OSError: it did not get there.
    """
    if os.name == "nt" and path.is_dir():
        return
    try:
        descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    except PermissionError:  # a folder to put things into, but not to look into
        return
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _new_file(path: Path) -> int:
    """The descriptor of an empty file with its lock."""
    while True:
        # Made as any new file is, and not by tempfile, whose files nobody else may read.
        descriptor = os.open(path, _NEW, 0o666)
        _lock(descriptor)
        if os.fstat(descriptor).st_nlink:  # otherwise it was swept up before it was locked
            return descriptor
        os.close(descriptor)


def _new_nameless_file(folder: Path, flag: int) -> int:
    descriptor = os.open(folder, flag | os.O_RDWR, 0o666)
    _lock(descriptor)
    return descriptor


def _new_folder(path: Path) -> tuple[Path, int | None]:
    """An empty folder and its lock."""
    while True:
        path.mkdir()
        with suppress(FileNotFoundError):
            descriptor = _hold(path)
            if path.exists():
                return path, descriptor
            _let_go(descriptor)


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def _hold(path: Path) -> int | None:
    """A descriptor with the lock of a file or folder; None without locks, or where it may not be read."""
    if not _LOCKS:
        return None
    try:
        descriptor = os.open(path, _LOOK)
    except PermissionError:
        return None
    _lock(descriptor)
    return descriptor


def _let_go(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    if _LOCKS:
        with suppress(OSError):  # a file system without locks: nothing is swept up there either
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def _remove_abandoned(path: Path) -> None:
    """Remove a file or folder unless somebody holds it; it is held here meanwhile, lest somebody begins.

    Raises:
        OSError: somebody holds it, or it is gone.
    """
    descriptor = None
    try:
        if _LOCKS:
            descriptor = os.open(path, _LOOK)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        elif time.time() - path.stat().st_mtime < _ABANDONED_AFTER:
            return
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    finally:
        _let_go(descriptor)
