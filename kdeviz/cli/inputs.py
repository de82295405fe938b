"""What a command reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kdeviz.cli.output import say
from kdeviz.errors import DataError, OptionError

if TYPE_CHECKING:
    from kdeviz.data import EmbeddingSet

__all__ = ["existing", "is_sample", "read"]

SAMPLE = "sample"


def is_sample(data: str) -> bool:
    """Whether the shipped sample set is meant."""
    return data == SAMPLE and not Path(data).exists()


def existing(path: str) -> Path:
    """The full path of a file that is there."""
    if not Path(path).is_file():
        raise DataError(f"{path}: there is no such file")
    return Path(path).resolve()


def read(data: str, embedding_column: str | None, metadata: str | None) -> EmbeddingSet:
    """The sample set or the rows of a file; what was noted on reading goes to stderr."""
    from kdeviz.data import load_embeddings
    from kdeviz.samples import load_sample

    if not is_sample(data):
        rows = load_embeddings(data, embedding_column=embedding_column, metadata=metadata)
    elif embedding_column is None and metadata is None:
        rows = load_sample()
    else:
        raise OptionError("the sample set takes no --embedding-column and no --metadata: leave them out")
    for note in rows.notes:
        say("note", note)
    return rows
