"""Arrays that come in parts, x_train and x_test, as one set with a split."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from kdeviz.data.readers.arrays import Values, as_column, flat_shape, is_numeric, shape_of
from kdeviz.data.readers.content import embedding_rank
from kdeviz.data.readers.roles import is_picture, is_role
from kdeviz.data.readers.source import Source
from kdeviz.errors import DataError

_WORDS = {
    word: split
    for split, words in {
        "train": "train training trn tr",
        "validation": "val valid validation dev eval holdout",
        "test": "test testing tst te",
    }.items()
    for word in words.split()
}
_RUN_TOGETHER = re.compile(
    r"([xy])(train|trn|tr|test|tst|te|valid|val)|(train|trn|tr|test|tst|te|valid|val)([xy])", re.IGNORECASE
)


def split_in(name: str) -> str | None:
    """The split that a name speaks of; None when it speaks of none, or of two."""
    found = {_WORDS[word] for word in _words(name) if word in _WORDS}
    return found.pop() if len(found) == 1 else None


def joined(arrays: Mapping[str, Values], source: Source, notes: list[str]) -> dict[str, Values] | None:
    """The parts of each array one after the other, with a column "split"; None when nothing comes in parts.

    Raises:
        DataError: the features of one part have other dimensions than those of another.
    """
    parts = _parts(arrays)
    rest = {key: values for key, values in arrays.items() if split_in(key) is None}
    stems = [
        stem for stem, found in parts.items() if _are_features(stem, [arrays[k] for k in found.values()])
    ]
    if not stems or parts.keys() & rest.keys():
        return None
    best = min(stems, key=lambda stem: (embedding_rank(stem), -len(parts[stem])))
    rows = {split: len(arrays[parts[best][split]]) for split in _WORDS.values() if split in parts[best]}
    source.check(sum(values.nbytes for values in arrays.values()), "the arrays of all splits together")
    whole: dict[str, Values] = {}
    for stem, keys in parts.items():
        found = {split: arrays[key] for split, key in keys.items()}
        if (values := _one_after_the_other(stem, found, rows, source.name)) is not None:
            whole[stem] = values
        else:
            notes.append(f"{', '.join(keys.values())} are left out: they do not have the rows of {best}.")
    counts = ", ".join(f"{count} {split}" for split, count in rows.items())
    notes.append(f"{' and '.join(parts[best].values())} were read as one set with a split: {counts}.")
    words = np.repeat(np.array(list(rows)), list(rows.values()))
    return {**whole, **rest} if "split" in whole | rest else {**whole, **rest, "split": words}


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    found: list[str] = []
    for word in re.split(r"[\W_]+", spaced):
        together = _RUN_TOGETHER.fullmatch(word)
        found += filter(None, together.groups() if together else [word])
    return [word.lower() for word in found]


def without_split(key: str) -> str:
    """What a key says beside its split: x for x_train, labels for test/labels, features for train alone."""
    for step in reversed(key.split("/")):
        if rest := [word for word in _words(step) if word not in _WORDS]:
            return "_".join(rest)
    return "features"


def _parts(arrays: Mapping[str, Values]) -> dict[str, dict[str, str]]:
    """Keys by stem and split; a key of which there are two for the same is left to itself."""
    parts: dict[str, dict[str, str]] = defaultdict(dict)
    for key in arrays:
        if (split := split_in(key)) is not None:
            parts[without_split(key)].setdefault(split, key)
    return parts


def _are_features(stem: str, values: Sequence[Values]) -> bool:
    may_be = is_picture(stem) or not is_role(stem)
    return may_be and all(is_numeric(array) and len(flat_shape(array)) > 1 for array in values)


def _one_after_the_other(
    stem: str, found: Mapping[str, Values], rows: Mapping[str, int], name: str
) -> Values | None:
    """All rows of one array; missing values where a split lacks it, None where it does not fit."""
    if any(split not in rows or shape_of(values)[:1] != (rows[split],) for split, values in found.items()):
        return None
    if _are_features(stem, list(found.values())):
        if len(found) < len(rows):
            return None
        widths = {values.shape[1:] for values in found.values()}
        if len(widths) > 1:
            shapes = ", ".join(f"{split} {values.shape}" for split, values in found.items())
            raise DataError(
                f"{name}: {stem} has other dimensions from split to split ({shapes}); "
                "all rows must come from the same feature extractor"
            )
        return np.concatenate([found[split] for split in rows])
    if any(np.prod(shape_of(values)[1:]) != 1 for values in found.values()):
        return None
    columns = [as_column(found[split]) if split in found else pa.nulls(rows[split]) for split in rows]
    tables = [pa.table({stem: column}) for column in columns]
    return pa.concat_tables(tables, promote_options="permissive")[stem].combine_chunks()
