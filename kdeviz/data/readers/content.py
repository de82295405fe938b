"""Content: what a file holds, before anyone decides which part is the embedding."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import pyarrow as pa
from numpy.typing import NDArray


class Choice(NamedTuple):
    """One way to read an embedding from a file.

    Attributes:
        name: what people see and pass as `embedding_column`.
        columns: the columns or keys it takes, in order of dimension.
        prefix: what the column names share, another way to ask for it.
    """

    name: str
    columns: tuple[str, ...]
    prefix: str = ""


class Content(Protocol):
    """What every reader returns.

    Attributes:
        choices: the ways to read an embedding, the best guess first; empty when there is none.
        notes: what was found on the way.
    """

    choices: list[Choice]
    notes: list[str]

    def features(self, choice: Choice) -> NDArray[Any]:
        """The (N, D) array of one choice."""

    def columns(self, choice: Choice | None, rows: int) -> pa.Table:
        """The other columns of that many rows."""

    def why_not(self) -> str:
        """Why `choices` is empty, and the remedy."""
