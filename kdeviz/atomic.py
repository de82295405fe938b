"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a temporary file beside `path`, then rename it into place.

    Raises:
        OSError: the folder does not exist or cannot be written to; nothing is left behind.
    """
    target = Path(path)
    temporary = target.with_name(f".kdeviz-{secrets.token_hex(8)}.tmp")
    try:
        # Made as any new file is, and not by tempfile, whose files nobody else may read.
        with temporary.open("xb") as file:
            file.write(content)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
