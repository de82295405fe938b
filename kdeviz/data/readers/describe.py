"""describe: the columns beside the features become ids, labels, split, thumbnails and metadata."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kdeviz.data.formats import image_type
from kdeviz.data.readers import roles
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.thumbnails import read_thumbnails
from kdeviz.data.readers.values import has_bytes
from kdeviz.data.reading import Corrections, Reading
from kdeviz.data.row_numbers import row_numbers

if TYPE_CHECKING:
    import pandas as pd


class About(NamedTuple):
    """What the columns say about N rows, in the terms of EmbeddingSet."""

    ids: NDArray[np.str_]
    labels: NDArray[np.int8] | None
    split: NDArray[np.str_] | None
    thumbnails: list[bytes] | None
    metadata: pd.DataFrame | None
    notes: list[str]
    reading: Reading


def describe(table: pa.Table, source: Source, wanted: Corrections) -> About:
    """Give every column its role; what has none is metadata."""
    notes: list[str] = []
    names = table.column_names
    used: set[str] = set()
    id_, label, split_ = (roles.find(role, names) for role in ("id", "label", "split"))
    ids = _ids(table, id_, source, notes, used)
    labels = split = None
    if label is not None:
        labels, keep, note = roles.read_labels(table[label], label)
        _remember(label, keep, note, notes, used)
    if split_ is not None:
        split, keep, note = roles.read_split(table[split_], split_)
        _remember(split_, keep, note, notes, used)
    thumbnails = _thumbnails(table, notes, used)
    rest = _metadata(table.select([name for name in names if name not in used]), source, notes)
    reading = Reading(
        id=id_,
        label=label if labels is not None else None,
        split=split_ if split is not None else None,
        corrections=wanted,
    )
    return About(ids, labels, split, thumbnails, rest, notes, reading)


def _remember(name: str, keep: bool, note: str, notes: list[str], used: set[str]) -> None:
    if note:
        notes.append(note)
    if not keep:
        used.add(name)


def _ids(
    table: pa.Table, name: str | None, source: Source, notes: list[str], used: set[str]
) -> NDArray[np.str_]:
    if name is None:
        return row_numbers(len(table))
    used.add(name)
    ids = roles.read_ids(table[name])
    # numpy gives every text the room of the longest.
    source.check(4 * len(ids) * max(map(len, ids)), f"the ids in {name}")
    twice = [value for value, times in Counter(ids).items() if times > 1]
    if twice:
        shown = ", ".join(repr(value[:40]) for value in twice[:3])
        notes.append(f"{len(twice)} ids occur more than once, for example {shown}.")
    return np.array(ids, np.str_)


def _thumbnails(table: pa.Table, notes: list[str], used: set[str]) -> list[bytes] | None:
    names = [name for name in table.column_names if name not in used and has_bytes(table[name].type)]
    named = roles.find("thumbnail", names)
    name = next((name for name in names if _begins_with_image(table[name])), named)
    if name is None:
        return None
    images, note = read_thumbnails(table[name].to_pylist(), name)
    _remember(name, images is None, note, notes, used)
    return images


def _begins_with_image(column: pa.ChunkedArray) -> bool:
    first = next((value.as_py() for value in column if value.is_valid), b"")
    return first.startswith("data:image/") if isinstance(first, str) else image_type(first) is not None


def _metadata(table: pa.Table, source: Source, notes: list[str]) -> pd.DataFrame | None:
    for field in table.schema:
        if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            notes.append(f"{field.name} is left out: it holds bytes.")
            table = table.drop_columns(field.name)
    if not table.num_columns:
        return None
    with source.reading("table"):
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    return frame
