"""Names of classes beside arrays: {"good": ..., "bad": ...}, or target_names beside target."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from kdeviz.data.readers.arrays import Values, as_column, flat_shape, is_numeric
from kdeviz.data.readers.labels import are_labels
from kdeviz.data.readers.roles import is_label
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.splits import split_in, without_split

_NAMES = re.compile(r"(.*/)?(class|label|target)(es|_?names)")
_NUMBERS = re.compile(r"(.*/)?(class|label|target)_to_(idx|index|id)/(?P<name>.+)")


def with_class_names(arrays: Mapping[str, Values], notes: list[str]) -> dict[str, Values]:
    """Numbers of classes as their names, where the names stand in an array of their own; 1 may mean good."""
    keys, names = _class_names(arrays)
    if len(names) < 2:
        return dict(arrays)
    found = {key: values for key, values in arrays.items() if key not in keys}
    named = [
        key
        for key, values in found.items()
        if is_label(without_split(key)) and _counts_to(values, len(names))
    ]
    if not named:
        return dict(arrays)
    notes.append(f"The numbers in {', '.join(named)} were read as the names in {keys[0].partition('/')[0]}.")
    for key in named:
        numbers = np.asarray(found[key]).reshape(-1).astype(np.int64)
        places = pa.array(numbers, mask=numbers < 0)
        found[key] = pa.array(names, pa.string()).take(places)
    return found


def _class_names(arrays: Mapping[str, Values]) -> tuple[list[str], list[str]]:
    """The keys under which classes are named, and their names in the order of their numbers."""
    for key, values in arrays.items():
        if _NAMES.fullmatch(key) and not is_numeric(values):
            names = as_column(values).to_pylist()
            if all(isinstance(name, str) for name in names):
                return [key], names
    matches = {key: match for key in arrays if (match := _NUMBERS.fullmatch(key))}
    numbers = {key: np.asarray(arrays[key]) for key in matches if is_numeric(arrays[key])}
    order = sorted(numbers, key=lambda key: numbers[key].reshape(-1)[0] if numbers[key].size == 1 else -1)
    if not all(numbers[key].size == 1 and numbers[key].item() == i for i, key in enumerate(order)):
        return [], []
    return order, [matches[key]["name"] for key in order]


def _counts_to(values: Values, count: int) -> bool:
    """Whether these are whole numbers from -1 on and below a count."""
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iu" or not values.size:
        return False
    return bool(values.size == len(values) and values.min() >= -1 and values.max() < count)


def joined_by_class(
    arrays: Mapping[str, Values], source: Source, notes: list[str]
) -> dict[str, Values] | None:
    """The arrays one after the other, with a column "label"; None when their names are no labels."""
    classes = [without_split(key) for key in arrays]
    splits = [split_in(key) for key in arrays]
    if len(set(classes)) < 2 or len(set(map(bool, splits))) > 1 or not are_labels(classes):
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
