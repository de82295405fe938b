"""describe: the columns beside the features become ids, labels, split, pictures and metadata."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kdeviz.data.picture_files import PictureFiles, picture_files
from kdeviz.data.readers import roles
from kdeviz.data.readers.labels import Distinct, Labels, read_labels, read_split, text_of
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.thumbnails import begins_with_image, read_thumbnails
from kdeviz.data.readers.values import has_bytes
from kdeviz.data.reading import NONE, Corrections, Reading
from kdeviz.data.row_numbers import row_numbers
from kdeviz.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


class About(NamedTuple):
    """What the columns say about N rows, in the terms of EmbeddingSet."""

    ids: NDArray[np.str_]
    labels: NDArray[np.int8] | None
    split: NDArray[np.str_] | None
    thumbnails: Sequence[bytes] | None
    metadata: pd.DataFrame | None
    notes: list[str]
    reading: Reading


class Told(NamedTuple):
    """What some columns say of all rows, and which ones say it."""

    label: str | None
    labels: Labels
    split_name: str | None
    split: NDArray[np.str_] | None
    notes: list[str]


def told(columns: Mapping[str, Distinct], source: Source) -> Told:
    """Labels and split of rows that were read in parts, as `describe` tells them of a whole table.

    Raises:
        DataError: a role was asked for that a column cannot have.
    """
    found = _Description(pa.table({name: [] for name in columns}), source, parts=columns)
    (label, labels), (split_name, split) = found.labels(), found.split()
    return Told(label, labels, split_name, split, found.notes)


def telling(names: Sequence[str], wanted: Corrections) -> tuple[str, ...]:
    """The columns that `told` may look at."""
    found = (_role_names(role, names, wanted) for role in ("label", "split"))
    return tuple(dict.fromkeys(name for some in found for name in some if name in names))


def describe(table: pa.Table, source: Source) -> About:
    """Give every column its role; what has none is metadata.

    Raises:
        DataError: a role was asked for that a column cannot have.
    """
    with source.reading("table"):  # a damaged date is beyond what Python can hold
        return _Description(table, source).about()


def id_column(table: pa.Table, wanted: Corrections) -> str | None:
    """The column with the ids: so named, or with file names, or named to end in id, or with row numbers."""
    names = table.column_names
    if (asked := wanted.id_column) is not None and (asked == NONE or asked in names):
        return asked or None
    strong = [name for name in roles.named("id", names) if _can_be_id(table[name])]
    if strong:
        return strong[0]
    files = [name for name in roles.named_files(names) if _holds_names(table[name])]
    if files:
        name = max(files, key=lambda name: _distinct(table[name]))  # the first of equals
        if 2 * _distinct(table[name]) > len(table):
            return name
    others = [name for name in roles.named_ids(names) if _can_be_id(table[name])]
    others += [name for name in roles.named_samples(names) if _holds_names(table[name])]
    others = [name for name in others if _all_differ(table[name])]
    return next(chain(others, filter(roles.is_row_number, names)), None)


@dataclass
class _Description:
    """Gives one table's columns their roles; a column has one role."""

    table: pa.Table
    source: Source
    notes: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    parts: Mapping[str, Distinct] | None = None
    unclear_label: str | None = None

    def about(self) -> About:
        id_ = id_column(self.table, self.source.wanted)
        ids = self._ids(id_)
        label, labels = self.labels()
        split_name, split = self.split()
        picture, pictures = self._pictures()
        rest = [name for name in self.table.column_names if name not in self.used]
        metadata = self._metadata(self.table.select(rest))
        reading = Reading(
            id=id_,
            label=label,
            split=split_name,
            picture=picture,
            normal=labels.normal,
            anomalous=labels.anomalous,
            unclear_label=self.unclear_label,
            metadata=() if metadata is None else tuple(metadata.columns),
            corrections=self.source.wanted,
        )
        return About(ids, labels.values, split, pictures, metadata, self.notes, reading)

    def _asked(self, role: str) -> str | None:
        """The column that was asked for, "" for none of them, None to guess."""
        asked = self.source.wanted.of(role)
        if asked and asked not in self.table.column_names:
            columns = ", ".join(map(repr, self.table.column_names[:12])) or "none beside the embedding"
            raise DataError(
                f"{self.source.name}: there is no column {asked!r} for the {role}; the columns are {columns}"
            )
        return asked

    def _distinct(self, name: str) -> Distinct:
        return Distinct(self.table[name]) if self.parts is None else self.parts[name]

    def _remember(self, name: str, keep: bool, note: str) -> None:
        if note:
            self.notes.append(note)
        if not keep:
            self.used.add(name)

    def _ids(self, name: str | None) -> NDArray[np.str_]:
        self._asked("id")
        if name is None:
            return row_numbers(len(self.table))
        self.used.add(name)
        ids = read_ids(self.table[name], self.source.first_row)
        # numpy gives every text the room of the longest.
        self.source.check(4 * len(ids) * max(map(len, ids)), f"the ids in {name}")
        twice = [value for value, times in Counter(ids).items() if times > 1]
        if twice:
            shown = ", ".join(repr(value[:40]) for value in twice[:3])
            self.notes.append(f"{len(twice)} ids occur more than once, for example {shown}.")
        return np.array(ids, np.str_)

    def labels(self) -> tuple[str | None, Labels]:
        """The first column that can be the label and is understood."""
        self._asked("label")
        normal, columns = self.source.wanted.normal, self.table.column_names
        names = [n for n in _role_names("label", columns, self.source.wanted) if n not in self.used]
        if normal and not names:
            raise DataError(
                f"{self.source.name}: there is no label column in which {normal[0]!r} could mean normal; "
                "name it with label_column (--label-column)"
            )
        notes = []
        for name in names:
            labels = self._told(name, normal)
            if labels.values is not None:
                self._remember(name, labels.keep, labels.note)
                return name, labels
            notes.append(labels.note)
            if labels.unclear and name == names[0]:  # of which `normal` would be told
                self.unclear_label = name
        self.notes += notes[:1]
        return None, Labels(None)

    def _told(self, name: str, normal: tuple[str, ...]) -> Labels:
        try:
            return read_labels(self._distinct(name), name, normal)
        except DataError as error:
            raise DataError(f"{self.source.name}: {error}") from None

    def split(self) -> tuple[str | None, NDArray[np.str_] | None]:
        self._asked("split")
        names, notes = _role_names("split", self.table.column_names, self.source.wanted), []
        for name in names:
            split, keep, note = read_split(self._distinct(name), name)
            if split is not None:
                self._remember(name, keep, note)
                return name, split
            notes.append(note)
        self.notes += notes[:1]
        return None, None

    def _pictures(self) -> tuple[str | None, Sequence[bytes] | None]:
        """Pictures in the file, or on disk where a folder was given."""
        asked = self._asked("picture")
        if asked == NONE:
            return None, None
        if self.source.wanted.images is not None:
            return self._picture_files(asked, Path(self.source.wanted.images))
        columns = self.table.column_names if asked is None else [asked]
        names = [name for name in columns if name not in self.used and has_bytes(self.table[name].type)]
        named = [
            name
            for name in (roles.named("picture", names) if asked is None else names)
            if not _holds_names(self.table[name])
        ]
        name = next((name for name in names if begins_with_image(self.table[name])), next(iter(named), None))
        if name is None:
            return None, None
        images, note = read_thumbnails(self.table[name].to_pylist(), name)
        self._remember(name, images is None, note)
        return (None, None) if images is None else (name, images)

    def _picture_files(self, asked: str | None, folder: Path) -> tuple[str | None, PictureFiles]:
        names = [asked] if asked else roles.named_files(self.table.column_names)
        texts = [name for name in names if asked or _holds_names(self.table[name])]
        if not texts:
            raise DataError(
                f"{self.source.name}: no column holds file names to look for in {folder}; name one with "
                "picture_column (--picture-column)"
            )
        name = max(texts, key=lambda name: _distinct(self.table[name]))
        paths = [text_of(value) for value in self.table[name].to_pylist()]
        pictures, note = picture_files(folder, paths, name)
        if note:
            self.notes.append(note)
        return name, pictures

    def _metadata(self, table: pa.Table) -> pd.DataFrame | None:
        for column in table.schema:
            if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
                self.notes.append(f"{column.name} is left out: it holds bytes.")
                table = table.drop_columns(column.name)
        if not table.num_columns:
            return None
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True, types_mapper=_exact_types(table))
        return frame


def _role_names(role: str, names: Sequence[str], wanted: Corrections) -> list[str]:
    """The columns that may play a role: the one that was asked for, or the likely ones."""
    asked = wanted.of(role)
    return roles.named(role, names) if asked is None else [asked] if asked else []


def read_ids(column: pa.ChunkedArray, first_row: int = 0) -> list[str]:
    """Every id as text; a missing one becomes "row 7"."""
    values = enumerate(column.to_pylist(), first_row)
    return [f"row {i}" if value is None else text_of(value) for i, value in values]


def _can_be_id(column: pa.ChunkedArray) -> bool:
    """Fractions are no ids."""
    if not pa.types.is_floating(column.type):
        return not pa.types.is_null(column.type)
    values = np.asarray(pc.drop_null(column))
    return bool((values[np.isfinite(values)] % 1 == 0).all())


def _holds_names(column: pa.ChunkedArray) -> bool:
    """Whether texts are file names or the like, not pictures, addresses or nothing."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return False
    first = next((value.as_py() for value in column if value.is_valid and value.as_py().strip()), "")
    return (
        bool(first)
        and len(first) < 1000
        and not first.lower().startswith(("data:", "http:", "https:", "ftp:", "//"))
    )


def _distinct(column: pa.ChunkedArray) -> int:
    count: int = pc.count_distinct(column).as_py()
    return count


def _all_differ(column: pa.ChunkedArray) -> bool:
    return bool(pc.count_distinct(column, mode="all").as_py() == len(column))


def _exact_types(table: pa.Table) -> Callable[[pa.DataType], object] | None:
    """Whole numbers that floats cannot hold stay whole where others of the column are missing."""
    import pandas as pd

    lossy = any(
        pa.types.is_int64(column.type) and column.null_count and _beyond_floats(column)
        for column in table.columns
    )
    return {pa.int64(): pd.Int64Dtype()}.get if lossy else None


def _beyond_floats(column: pa.ChunkedArray) -> bool:
    extremes = pc.min_max(column).as_py()
    return any(value is not None and abs(value) > 2**53 for value in extremes.values())
