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
from kdeviz.data.reading import ROLES
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
    wanted, ours = set(names), set(here)
    lacking = [name for name in names if name not in ours]
    data, notes = _with(data, lacking, fitted) if lacking else (data, [])
    place = {name: i for i, name in enumerate(data.feature_names or ())}
    extra = [name for name in here if name not in wanted]
    if extra:
        _refuse_wider(data, extra, names, fitted)
        notes.append(f"{data.name}: {_listed(extra)} left out, {fitted} has no such dimension.")
    if [name for name in here if name in wanted] != [name for name in names if name in ours]:
        notes.append(f"{data.name}: the columns stand in another order than in {fitted}, matched by name.")
    return data.take_columns(np.array([place[name] for name in names])), tuple(notes)


def _by_position(
    data: EmbeddingSet, names: Sequence[str] | None, dimensions: int, fitted: str
) -> tuple[str, ...]:
    found = data.features.shape[1]
    if found != dimensions:
        raise DataError(
            f"{data.name} has {found} dimensions, {fitted} has {dimensions}: both must come from the same "
            "feature extractor"
        )
    if names is None and data.feature_names is None:
        why = f"neither it nor {fitted} has names for them"
    else:
        why = f"{'it' if names else fitted} has no names for them"
    return (f"{data.name}: dimensions were matched by position, {why}.",)


def _with(data: EmbeddingSet, lacking: list[str], fitted: str) -> tuple[EmbeddingSet, list[str]]:
    """The rows with further dimensions: columns of numbers that were read as metadata by a guess."""
    found = {name: column for name in lacking if (column := _numbers(data, name)) is not None}
    if missing := [name for name in lacking if name not in found]:
        _refuse_lacking(data, missing, fitted)
    features = np.column_stack([data.features, *found.values()])
    wider = replace(data, features=features, feature_names=(*(data.feature_names or ()), *found))
    return wider, [f"{data.name}: {_listed(lacking)} taken for dimensions, as in {fitted}."]


def _numbers(data: EmbeddingSet, name: str) -> NDArray[Any] | None:
    """A column of numbers in the metadata, or None."""
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
    for role in ROLES:
        if data.reading is not None and getattr(data.reading, role) in lacking:
            name = getattr(data.reading, role)
            raise DataError(
                f"{data.name}: column {name!r} was read as the {role}, {fitted} has it as a dimension; "
                f"name another column as {role}_column, or fit again without it (leave_out)"
            )
    raise DataError(
        f"{data.name}: there is no column of numbers {_listed(lacking)}, which {fitted} has as a "
        f"dimension; the dimensions here are {_listed(list(data.feature_names or ()))}: add or rename "
        "columns, or fit again on those that both have"
    )


def _refuse_wider(data: EmbeddingSet, extra: list[str], names: Sequence[str], fitted: str) -> None:
    """f8 beside f0 to f7 tells of another extractor; a gap among them, of a column that was dropped."""
    most: dict[str, int] = {}
    for prefix, number in _numbered(names):
        most[prefix] = max(number, most.get(prefix, -1))
    for name, (prefix, number) in zip(extra, _numbered(extra), strict=True):
        if number > most.get(prefix, number):
            raise DataError(
                f"{data.name}: has {name!r}, {fitted} was fitted up to {prefix}{most[prefix]}: both must "
                f"come from the same feature extractor; where they do, drop {name!r} from the file"
            )


def _numbered(names: Sequence[str]) -> list[tuple[str, int]]:
    """Prefix and number of every name, -1 where it has none."""
    matches = [_NUMBERED.fullmatch(name) for name in names]
    return [(m[1], int(m[2])) if m else (name, -1) for m, name in zip(matches, names, strict=True)]


def _listed(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:_LISTED]))
    return shown if len(names) <= _LISTED else f"{shown} and {len(names) - _LISTED} more"
