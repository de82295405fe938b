"""Arrays that are named after what they hold: {"good": ..., "bad": ...}, perhaps in each split."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from kdeviz.data.readers.arrays import Values, flat_shape, is_numeric
from kdeviz.data.readers.labels import read_labels
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.splits import split_in, without_split


def joined_by_class(
    arrays: Mapping[str, Values], source: Source, notes: list[str]
) -> dict[str, Values] | None:
    """The arrays one after the other, with a column "label"; None when their names are no labels."""
    classes = [without_split(key) for key in arrays]
    splits = [split_in(key) for key in arrays]
    if len(set(classes)) < 2 or len(set(map(bool, splits))) > 1 or not _are_labels(classes):
        return None
    if not all(is_numeric(values) and len(flat_shape(values)) == 2 for values in arrays.values()):
        return None
    if len({values.shape[1:] for values in arrays.values()}) > 1:
        return None
    source.check(sum(values.nbytes for values in arrays.values()), "all arrays together")
    rows = [len(values) for values in arrays.values()]
    notes.append(f"{', '.join(arrays)} were read as one set, with these names as labels.")
    found: dict[str, Values] = {"": np.concatenate(list(arrays.values())), "label": np.repeat(classes, rows)}
    return found | ({"split": np.repeat([split or "" for split in splits], rows)} if all(splits) else {})


def _are_labels(words: list[str]) -> bool:
    named = all(any(map(str.isalpha, word)) for word in words)  # 0 and 1 can be anything
    return named and read_labels(pa.chunked_array([sorted(set(words))]), "").values is not None
