"""How much memory is free, and whether files would take too much of it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from kdeviz.data.embedding_set import MAX_BYTES
from kdeviz.data.formats import format_of
from kdeviz.data.readers.opening import files_of
from kdeviz.data.readers.streams import STREAMS
from kdeviz.data.remote import RemoteFile, size_of

_MEMORY = Path("/proc/meminfo")
_SHARE = 0.25  # packed columns become larger, and a fit takes as much again


def free_memory() -> int | None:
    """Bytes that can be used without swapping; None where the system does not tell."""
    with suppress(OSError):
        if found := re.search(r"^MemAvailable:\s+(\d+) kB", _MEMORY.read_text(), re.MULTILINE):
            return int(found[1]) * 1024
    with suppress(AttributeError, ValueError, OSError):
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def is_beyond_memory(data: Sequence[str | Path]) -> bool:
    """Whether files are better read in parts, and can be.

    They are larger than a quarter of the free memory, or than what is read at once, or not on this machine.

    Args:
        data: files, folders and patterns.

    Raises:
        DataError: a folder or pattern holds no file that can be read.
    """
    paths = [file.path for file in files_of(data)[1]]
    if any(isinstance(path, RemoteFile) for path in paths):
        return True
    if not all(size_of(path) and format_of(path.name) in STREAMS for path in paths):
        return False
    free = free_memory()
    most = MAX_BYTES if free is None else min(MAX_BYTES, int(_SHARE * free))
    return sum(map(size_of, paths)) > most
