"""EmbeddingSet: N feature rows and what is known about each; `load_embeddings` reads one from a file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = ["ANOMALOUS", "NORMAL", "UNKNOWN", "EmbeddingSet"]

NORMAL, ANOMALOUS, UNKNOWN = 0, 1, -1


@dataclass(frozen=True, eq=False)
class EmbeddingSet:
    """N embeddings of D dimensions, with what is known about each row.

    Attributes:
        features: (N, D) numbers, possibly a read-only memory map.
        ids: (N,) strings; row numbers when the file has none.
        labels: (N,) int8 of NORMAL (0), ANOMALOUS (1) or UNKNOWN (-1), or None.
        split: (N,) strings, "train" or "test", or None.
        metadata: N rows of every other column, possibly without columns; None means none.
        thumbnails: N encoded images (PNG, JPEG, GIF or WebP bytes; b"" where a row has none), or None.
        name: a short name for titles.
        embedding_column: which column or key of the file the features came from, when there was a choice.
        embedding_choices: every column or key that could have been chosen.
        notes: sentences about what was guessed or found on reading (for example duplicated ids).

    Raises:
        DataError: the parts do not have N rows each, or features is not two-dimensional.
    """

    features: NDArray[Any]
    ids: NDArray[np.str_]
    labels: NDArray[np.int8] | None = None
    split: NDArray[np.str_] | None = None
    metadata: pd.DataFrame | None = None
    thumbnails: Sequence[bytes] | None = None
    name: str = "embeddings"
    embedding_column: str | None = None
    embedding_choices: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.features.ndim != 2:
            raise DataError(f"{self.name}: features need shape (rows, dimensions), got {self.features.shape}")
        rows = len(self.features)
        for part in ("ids", "labels", "split", "metadata", "thumbnails"):
            value = getattr(self, part)
            if value is not None and len(value) != rows:
                raise DataError(f"{self.name}: {part} has {len(value)} rows, features have {rows}")

    def __len__(self) -> int:
        return len(self.features)

    @classmethod
    def from_array(cls, features: NDArray[Any], name: str = "embeddings") -> EmbeddingSet:
        """Wrap a bare (N, D) array: ids are row numbers, nothing else is known."""
        return cls(features, np.arange(len(features)).astype(np.str_), name=name)

    @cached_property
    def digest(self) -> str:
        """32 hexadecimal digits over every byte of the features, their dtype and shape (blake2b)."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(f"{self.features.dtype.str}{self.features.shape}".encode())
        for start in range(0, len(self.features), 4096):
            digest.update(np.ascontiguousarray(self.features[start : start + 4096]).data)
        return digest.hexdigest()

    def take(self, rows: NDArray[np.bool_] | NDArray[np.integer[Any]]) -> EmbeddingSet:
        """The chosen rows (a boolean mask or row numbers), in that order, copied."""
        index = np.arange(len(self))[rows]
        return replace(
            self,
            features=np.asarray(self.features[index]),
            ids=self.ids[index],
            labels=None if self.labels is None else self.labels[index],
            split=None if self.split is None else self.split[index],
            metadata=None if self.metadata is None else self.metadata.iloc[index].reset_index(drop=True),
            thumbnails=None if self.thumbnails is None else [self.thumbnails[i] for i in index],
        )

    def train_and_test(self) -> tuple[EmbeddingSet, EmbeddingSet | None]:
        """The rows to fit on and the rows to score, by `split`; (self, None) when there is no split."""
        if self.split is None:
            return self, None
        train = self.split == "train"
        if train.all() or not train.any():
            return self, None
        return self.take(train), self.take(~train)
