"""Content: what a file holds, before anyone decides which part is the embedding."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Protocol

import pyarrow as pa
from numpy.typing import NDArray

from kdeviz.errors import DataError

# In order of preference, in every kind of file; singular and plural are one name here.
_PREFERRED = ("embedding", "feature", "vector", "emb", "latent", "representation", "x", "arr_0")
_COUNTED = frozenset({"n", "num", "number", "no", "count", "has", "is", "max", "min"})  # as in num_features
_UNLIKELY = re.compile(
    r"(^|_)(bbox|box|boxes|bounding|shape|size|tokens?|token_ids|input_ids|ids?|mask|attention|keypoints?"
    r"|landmarks?|coord\w*|position|location|pose|colou?r|rgb|labels?|class(es)?|logits|prob\w*|scores?|hash(es)?|md5"
    r"|sha\d*|digest|checksum|pickled?)($|_)"
)
_UNLIKELY_RANK = 3 * len(_PREFERRED)


class NoRowsError(DataError):
    """A file without a single row; one of several can be such."""


class Candidate(NamedTuple):
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
        notes: what was found on the way.
    """

    notes: list[str]

    @property
    def candidates(self) -> list[Candidate]:
        """The ways to read an embedding, the best guess first; empty when there is none."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every column or key of the file, in its order; "" for an array without a name."""

    def features(self, candidate: Candidate) -> NDArray[Any]:
        """The (N, D) array of one candidate."""

    def columns(self, candidate: Candidate | None, rows: int) -> pa.Table:
        """The other columns of that many rows."""

    def why_not(self) -> str:
        """Why `candidates` is empty, and the remedy."""


def embedding_rank(name: str) -> int:
    """Where a column or key stands among those that could be the embedding, by its name: the least first.

    Names that say embedding come first, then names with such a word in them, then names that say nothing,
    and last those that say something else, such as bbox.
    """
    plain = re.sub(r"[\W_]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)).lower().strip("_")
    words = [word.removesuffix("s") for word in plain.split("_")]
    if plain.removesuffix("s") in _PREFERRED:
        return _PREFERRED.index(plain.removesuffix("s"))
    found = [rank for rank, word in enumerate(_PREFERRED[:-2]) if word in words]
    if found:
        return len(_PREFERRED) + found[0]
    return _UNLIKELY_RANK if _UNLIKELY.search(plain) else 2 * len(_PREFERRED)


def says_embedding(name: str) -> bool:
    """Whether the name alone says that a column or key holds embeddings, as clip_embedding does."""
    rank = embedding_rank(name)
    if rank < _PREFERRED.index("x"):
        return True
    words = re.findall(r"[a-z]+", name.lower()) if rank < 2 * len(_PREFERRED) else []
    return bool(words) and words[-1].removesuffix("s") in _PREFERRED[:-2] and words[0] not in _COUNTED


def is_unlikely(name: str) -> bool:
    """Whether the name says that a column holds something else than embeddings, such as bbox."""
    return embedding_rank(name) == _UNLIKELY_RANK
