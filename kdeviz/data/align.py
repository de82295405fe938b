"""aligned: the dimensions of one file in the order of another's, by their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.errors import DataError

_LISTED = 5
_NUMBERED = re.compile(r"(.*?)(\d{1,9})", re.DOTALL)


def aligned(
    data: EmbeddingSet, names: Sequence[str] | None, dimensions: int, fitted: str
) -> tuple[EmbeddingSet, tuple[str, ...]]:
    """The rows to score with the dimensions that a model was fitted on, in its order.

    Args:
        data: M rows as they were read.
        names: of the model's dimensions, or None.
        dimensions: how many there are.
        fitted: what they belong to, for messages: "the model", or the name of a file.

    Returns:
        The rows, and what was done: sentences. Where one side has no names, only the position is left.

    Raises:
        DataError: a dimension is missing, or the numbers of dimensions differ.
    """
    here = data.feature_names
    if names is None or here is None:
        return data, _by_position(data, names, dimensions, fitted)
    if tuple(names) == here:
        return data, ()
    _refuse_twice(data, here)
    columns = {name: data.features[:, i] for i, name in enumerate(here)}
    kept = {name: values for name in names if name not in columns and (values := _kept(data, name)) is not None}
    _refuse_lacking(data, [name for name in names if name not in columns and name not in kept], fitted)
    extra = [name for name in here if name not in set(names)]
    _refuse_wider(data, extra, names, fitted)
    notes = []
    if extra:
        notes.append(f"{data.name}: {_listed(extra)} left out, {fitted} has no such dimension.")
    if [name for name in here if name in set(names)] != [name for name in names if name in columns]:
        notes.append(f"{data.name}: the columns stand in another order than in {fitted}, matched by name.")
    if not kept:
        place = {name: i for i, name in enumerate(here)}
        return data.take_columns(np.array([place[name] for name in names])), tuple(notes)
    notes.append(f"{data.name}: {_listed(list(kept))} taken for dimensions, as in {fitted}.")
    features = np.stack([(columns | kept)[name] for name in names], axis=1)
    return replace(data, features=features, feature_names=tuple(names)), tuple(notes)


def _by_position(
    data: EmbeddingSet, names: Sequence[str] | None, dimensions: int, fitted: str
) -> tuple[str, ...]:
    found = data.features.shape[1]
    if found != dimensions:
        raise DataError(
            f"{data.name} has {found} dimensions, {fitted} has {dimensions}: both must come from the same "
            "feature extractor"
        )
    nameless = [who for who, its in ((data.name, data.feature_names), (fitted, names)) if its is None]
    who = "neither file names its" if len(nameless) == 2 else f"{nameless[0]} does not name its"
    return (f"{data.name}: dimensions were matched by position, {who} dimensions.",)


def _kept(data: EmbeddingSet, name: str) -> NDArray[Any] | None:
    """A column of numbers that was read as metadata, since the embedding had to be guessed; or None."""
    if data.metadata is None or name not in data.metadata.columns:
        return None
    values = data.metadata[name]
    if values.dtype.kind not in "iufb" or values.isna().any():
        return None
    numbers: NDArray[Any] = values.to_numpy(np.float64)
    return numbers


def _refuse_twice(data: EmbeddingSet, names: Sequence[str]) -> None:
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise DataError(f"{data.name}: {times} dimensions are called {name!r}; give each its own name")


def _refuse_lacking(data: EmbeddingSet, lacking: list[str], fitted: str) -> None:
    if not lacking:
        return
    name = lacking[0]
    role = data.reading and next((r for r in ("id", "label", "split") if data.reading.of(r) == name), None)
    if role:
        raise DataError(
            f"{data.name}: column {name!r} was read as the {role}, {fitted} has it as a dimension; name another "
            f"{role}_column, or fit again without it (leave_out)"
        )
    there = f"its dimensions are {_listed(list(data.feature_names or ()))}"
    raise DataError(
        f"{data.name}: there is no column of numbers {_listed(lacking)}, which {fitted} was fitted on; {there}: "
        "add or rename the columns, or fit again on columns that both have"
    )


def _refuse_wider(data: EmbeddingSet, extra: list[str], names: Sequence[str], fitted: str) -> None:
    """f8 beside f0 to f7 is the embedding of another extractor; a gap among them is a column dropped before."""
    most: dict[str, int] = {}
    for prefix, number in _numbered(names):
        most[prefix] = max(number, most.get(prefix, -1))
    for name, (prefix, number) in zip(extra, _numbered(extra), strict=True):
        if number > most.get(prefix, number):
            raise DataError(
                f"{data.name}: has {name!r}, {fitted} was fitted up to {prefix}{most[prefix]}: both must come from "
                f"the same feature extractor; where they do, drop {name!r} from the file"
            )


def _numbered(names: Sequence[str]) -> list[tuple[str, int]]:
    """Prefix and number of every name, -1 where it has none."""
    matches = [_NUMBERED.fullmatch(name) for name in names]
    return [(m[1], int(m[2])) if m else (name, -1) for m, name in zip(matches, names, strict=True)]


def _listed(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:_LISTED]))
    return shown if len(names) <= _LISTED else f"{shown} and {len(names) - _LISTED} more"
