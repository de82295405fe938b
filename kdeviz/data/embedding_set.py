"""EmbeddingSet: N feature rows and what is known about each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.data.picture_files import PictureFiles
from kdeviz.data.pictures import picture_uri
from kdeviz.data.reading import Reading
from kdeviz.data.row_numbers import row_numbers
from kdeviz.data.texts import cell_text, sound_bytes, sound_column, text_columns
from kdeviz.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

MAX_BYTES = 4 * 2**30
"""The most that the features of a file may take in memory unless the caller says otherwise."""
_TRUE_LOG_DENSITY = "true log density"


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
        excluded: (N,) True for rows that are scored and shown but never fitted on, or None.
        changes: what was done to the file as read, one sentence each, oldest first.
        feature_names: the names of the D dimensions, or None where the file has none.
        reading: what every column of the file became; None when there was no file.

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
    excluded: NDArray[np.bool_] | None = None
    changes: tuple[str, ...] = ()
    feature_names: tuple[str, ...] | None = None
    reading: Reading | None = None

    def __post_init__(self) -> None:
        if self.features.ndim != 2:
            raise DataError(f"{self.name}: features need shape (rows, dimensions), got {self.features.shape}")
        if self.feature_names is not None and len(self.feature_names) != self.features.shape[1]:
            raise DataError(
                f"{self.name}: {self.features.shape[1]} dimensions have {len(self.feature_names)} names"
            )
        rows = len(self.features)
        for part in ("ids", "labels", "split", "metadata", "thumbnails", "excluded"):
            value = getattr(self, part)
            if value is not None and len(value) != rows:
                raise DataError(f"{self.name}: {part} has {len(value)} rows, features have {rows}")

    def __len__(self) -> int:
        return len(self.features)

    @classmethod
    def from_array(cls, features: NDArray[Any], name: str = "embeddings") -> EmbeddingSet:
        """Wrap a bare (N, D) array: ids are row numbers, nothing else is known."""
        return cls(features, row_numbers(len(features)), name=name)

    @cached_property
    def digest(self) -> str:
        """32 hexadecimal digits over every byte of the features, their dtype and shape (blake2b)."""
        from kdeviz.data.rows import Rows  # torch is not needed to read a file

        return Rows(self.features).digest()

    def thumbnail_uri(self, row: int, every_pixel: bool = False, side: int | None = None) -> str | None:
        """A row's thumbnail as a data URI, or None when it has none; see `picture_uri`."""
        image = self.thumbnails[row] if self.thumbnails is not None else b""
        return picture_uri(image, every_pixel, side)

    @cached_property
    def text_columns(self) -> tuple[str, ...]:
        """Names of the metadata that hold texts to read, that with the longest ones first."""
        return text_columns(self.metadata)

    def texts(self, rows: Sequence[int] | NDArray[np.integer[Any]], column: str | None = None) -> list[str]:
        """What some rows say in a column of the metadata, in full; "" where there is nothing.

        Args:
            rows: their numbers.
            column: its name; the first of `text_columns` if None or if there is no such column.
        """
        names = [] if self.metadata is None else list(map(str, self.metadata.columns))
        wanted = column if column in names else next(iter(self.text_columns), None)
        if self.metadata is None or wanted is None:
            return [""] * len(rows)
        chosen = self.metadata.iloc[:, names.index(wanted)].iloc[np.asarray(rows, dtype=np.int64)]
        return [cell_text(value) for value in chosen.tolist()]

    @cached_property
    def sound_column(self) -> str | None:
        """The metadata that hold sounds, or names of sound files, if any do."""
        return sound_column(self.metadata)

    @cached_property
    def true_log_density(self) -> NDArray[np.float64] | None:
        """(N,) nats, what a column "true log density" of made-up data says of the features in the file.

        NaN where the column is empty; None where there is none, or not of numbers.
        """
        for name, column in () if self.metadata is None else self.metadata.items():
            if str(name).strip().casefold().replace("_", " ") == _TRUE_LOG_DENSITY:
                return column.to_numpy(np.float64, na_value=np.nan) if column.dtype.kind in "iuf" else None
        return None

    def sound(self, row: int, folder: Path | None = None) -> bytes:
        """A row's sound, from the file or from below a folder; b"" when it has none; see `sound_bytes`."""
        if self.sound_column is None:
            return b""
        (value,) = self.texts([row], self.sound_column)
        return sound_bytes(value, folder)

    def feature_name(self, feature: int) -> str:
        """What to call one of the D dimensions: its name in the file, or "feature 3"."""
        return f"feature {feature}" if self.feature_names is None else self.feature_names[feature]

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
            thumbnails=_taken(self.thumbnails, index),
            excluded=None if self.excluded is None else self.excluded[index],
        )

    def take_columns(self, columns: NDArray[np.bool_] | NDArray[np.integer[Any]]) -> EmbeddingSet:
        """The chosen dimensions of the features (a boolean mask or numbers), in that order, copied.

        Raises:
            DataError: none is chosen.
        """
        index = np.arange(self.features.shape[1])[columns]
        if not len(index):
            raise DataError(f"{self.name}: no dimensions would be left, keep at least one")
        names = None if self.feature_names is None else tuple(self.feature_names[i] for i in index)
        return replace(self, features=np.asarray(np.take(self.features, index, axis=1)), feature_names=names)

    @property
    def in_training(self) -> NDArray[np.bool_]:
        """(N,) True for rows to fit on: those of split "train", or all when none is; never excluded ones."""
        train = np.ones(len(self), bool) if self.split is None else self.split == "train"
        if not train.any():
            train = ~train
        return train if self.excluded is None else train & ~self.excluded

    @cached_property
    def to_fit(self) -> EmbeddingSet:
        """The rows that are not excluded; itself when none is.

        Raises:
            DataError: all of them are.
        """
        if self.excluded is None or not self.excluded.any():
            return self
        if self.excluded.all():
            raise DataError(f"{self.name}: every training row is left out of training, keep some")
        return self.take(~self.excluded)

    def train_and_test(self) -> tuple[EmbeddingSet, EmbeddingSet | None]:
        """The rows to fit on and the rows to score, by `split`; (self, None) when there is no split.

        Excluded rows are among the rows to score, with split "test".

        Raises:
            DataError: every training row is excluded.
        """
        if self.split is None:
            return self, None
        train = self.split == "train"
        if train.all() or not train.any():
            return self, None
        fitted = self.in_training
        if not fitted.any():
            raise DataError(f"{self.name}: every training row is left out of training, keep some")
        test = self.take(~fitted)
        return self.take(fitted), replace(test, split=np.full(len(test), "test"))


def _taken(thumbnails: Sequence[bytes] | None, index: NDArray[np.integer[Any]]) -> Sequence[bytes] | None:
    """Those of some rows; pictures on disk stay there until one is looked at."""
    if isinstance(thumbnails, PictureFiles):
        return thumbnails.take(index.tolist())
    return None if thumbnails is None else [thumbnails[i] for i in index]
