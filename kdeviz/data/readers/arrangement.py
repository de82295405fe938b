"""Arrangements: how the arrays of one file belong together.

One per part (features, labels), per part and split (x_train, y_test), per class, per sample, or per layer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kdeviz.data.readers.arrays import (
    ArrayContent,
    Values,
    as_column,
    flat_shape,
    is_numeric,
    named_by_position,
    shape_of,
    table_of,
)
from kdeviz.data.readers.content import Content, embedding_rank
from kdeviz.data.readers.labels import are_labels
from kdeviz.data.readers.roles import is_label, is_role
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.splits import joined, split_in, without_split
from kdeviz.errors import DataError

Tree: TypeAlias = "NDArray[Any] | pa.Array | dict[str, Tree]"
"""Arrays, perhaps in groups within groups."""

_WEIGHTS = re.compile(
    r"(.*[./])?(weight|bias|running_(mean|var)|num_batches_tracked|kernel|gamma|beta|moving_(mean|variance)"
    r"|exp_avg(_sq)?|momentum_buffer)(:0)?"
)
_MOST_LAYERS = 64  # that a model has: more matrices than that are one per sample
_DIMENSION = re.compile(r"(f|x|v|d|dim|feature|feat|pc|component|col|var)[ _-]?\d+", re.IGNORECASE)
_CLASS_NAMES = re.compile(r"(.*/)?(class|label|target)(es|_?names)")
_CLASS_NUMBERS = re.compile(r"(.*/)?(class|label|target)_to_(idx|index|id)/(?P<name>.+)")


def arranged(source: Source, tree: Mapping[str, Tree], notes: list[str]) -> Content:
    """Find the rows in named arrays.

    Raises:
        DataError: they are a model's weights, a matrix per sample, or vectors of different lengths.
    """
    arrays = _flattened(_records(tree))
    _refuse_weights(arrays, source.name)
    arrays = _with_class_names(arrays, notes)
    for join in (_joined_by_class, joined):
        if (whole := join(arrays, source, notes)) is not None:
            return ArrayContent(source, whole, notes)
    arrays = named_by_position(_by_last_name(arrays), notes)
    matrices = _numeric(arrays, 2)
    if len(matrices) > 1 and all(len(matrix) == 1 for matrix in matrices.values()):
        arrays |= {key: matrix.reshape(-1) for key, matrix in matrices.items()}
    if any(is_numeric(values) and values.ndim > 1 and not is_role(key) for key, values in arrays.items()):
        _refuse_matrix_per_sample(matrices, source.name)
        return ArrayContent(source, arrays, notes)
    return _of_vectors(source, arrays, notes)


def in_rows(values: list[Values]) -> Values | None:
    """Vectors, or single values, one below the other; None when they do not fit."""
    shapes = {shape_of(value) for value in values}
    if len(shapes) != 1 or not all(isinstance(value, np.ndarray) for value in values):
        return None
    shape = shapes.pop()
    if shape == () or (all(map(is_numeric, values)) and len(shape) == 1):
        return np.stack(values)
    return np.concatenate(values) if all(map(is_numeric, values)) and shape[0] == 1 else None


def _records(tree: Mapping[str, Tree]) -> Mapping[str, Tree]:
    """A group per sample, each with the same vectors and values, as one array for each of these."""
    groups = list(tree.values())
    first = groups[0] if groups else None
    if len(groups) < 2 or not isinstance(first, dict) or any(map(split_in, tree)):
        return tree
    if not all(isinstance(group, dict) and group.keys() == first.keys() for group in groups):
        return tree
    found: dict[str, Tree] = {}
    for name in first:
        values = [group[name] for group in groups if isinstance(group, dict)]
        rows = None if any(isinstance(value, dict) for value in values) else in_rows(values)
        if rows is None:
            return tree
        found[name] = rows
    return found if "id" in found else {"id": pa.array(list(tree)), **found}


def _flattened(tree: Mapping[str, Tree], path: str = "") -> dict[str, Values]:
    """All arrays by their whole path, group/name; the fields of a structured array count as a group."""
    found: dict[str, Values] = {}
    for name, value in tree.items():
        key = f"{path}{name}"
        if isinstance(value, np.ndarray) and value.dtype.names is not None:
            value = {field: value[field] for field in value.dtype.names}
        if isinstance(value, dict):
            found |= _flattened(value, f"{key}/")
        else:
            found[key] = value
    return found


def _by_last_name(arrays: dict[str, Values]) -> dict[str, Values]:
    """Without the groups, where the names alone tell the arrays apart."""
    short = {key.rpartition("/")[2]: values for key, values in arrays.items()}
    return short if len(short) == len(arrays) else arrays


def _numeric(arrays: Mapping[str, Values], dimensions: int) -> dict[str, NDArray[Any]]:
    return {
        key: values
        for key, values in arrays.items()
        if is_numeric(values) and values.ndim == dimensions and not is_role(key)
    }


def _refuse_weights(arrays: Mapping[str, Values], name: str) -> None:
    weights = [key for key in arrays if _WEIGHTS.fullmatch(key)]
    if len(weights) < len(arrays):  # beside features, weight can be a value of each row
        weights = [key for key in weights if re.search(r"[./]", key)]
    if weights and not any(embedding_rank(key) <= embedding_rank("x") for key in arrays):
        raise DataError(
            f"{name}: holds a model's weights (a checkpoint or state dict: {weights[0]} and "
            f"{len(arrays) - 1} more), not embeddings; run the model on your samples and save its output"
        )


def _refuse_matrix_per_sample(matrices: Mapping[str, NDArray[Any]], name: str) -> None:
    heights = {len(matrix) for matrix in matrices.values()}
    widths = {matrix.shape[1] for matrix in matrices.values()}
    named = any(embedding_rank(key) <= embedding_rank("x") for key in matrices)
    if named or len(matrices) < 3 or len(widths) > 1 or (len(heights) == 1 and len(matrices) <= _MOST_LAYERS):
        return
    first = next(iter(matrices))
    raise DataError(
        f"{name}: holds {len(matrices)} matrices, {first} of shape {matrices[first].shape} and so on; save "
        "one row for each sample, as matrix.mean(axis=0), or np.concatenate(matrices) if they are batches"
    )


def _of_vectors(source: Source, arrays: dict[str, Values], notes: list[str]) -> Content:
    """One-dimensional arrays: each a row, each a column, or no embedding at all."""
    vectors = _numeric(arrays, 1)
    if len(vectors) < 2:
        return ArrayContent(source, arrays, notes)
    length, count = Counter(map(len, vectors.values())).most_common(1)[0]
    beside = {shape_of(values)[:1] for key, values in arrays.items() if key not in vectors}
    if _are_columns(vectors, (length,) in beside, length):
        return _table(source, arrays, length, notes)
    kind = next(vector.dtype.kind for vector in vectors.values() if len(vector) == length)
    odd = [key for key, vector in vectors.items() if len(vector) not in (length, count)]
    others = [key for key in odd if vectors[key].dtype.kind == kind]
    if others and 2 * count > len(vectors):
        key = others[0]
        raise DataError(
            f"{source.name}: {count} arrays have {length} numbers and {key} has {len(vectors[key])}; "
            "every row needs the same number of dimensions"
        )
    rows = [key for key in vectors if len(vectors[key]) == length]
    if others or count < 2:
        return ArrayContent(source, arrays, notes)
    _refuse_either_way(vectors, length, source.name)
    source.check(sum(vectors[key].nbytes for key in rows), "all vectors together")
    notes.append(f"{count} arrays of {length} numbers were read as one row each, with their names as ids.")
    rest = {key: values for key, values in arrays.items() if key not in rows}
    stacked = np.stack([vectors[key] for key in rows])
    return ArrayContent(source, {"": stacked, "id": pa.array(rows), **rest}, notes)


def _are_columns(vectors: Mapping[str, NDArray[Any]], has_others: bool, length: int) -> bool:
    """Whether each array is a dimension and not a sample."""
    return all(map(_DIMENSION.fullmatch, vectors)) or (has_others and length != len(vectors))


def _refuse_either_way(vectors: Mapping[str, NDArray[Any]], length: int, name: str) -> None:
    """Few arrays of many numbers whose names are mere words can be columns as well as rows."""
    if length > len(vectors) and not any(re.search(r"[\d./]", key) for key in vectors):
        first = next(iter(vectors))
        raise DataError(
            f"{name}: holds {len(vectors)} arrays of {length} numbers ({first} ...), each a row or each a "
            "column; save them as one array: np.stack(arrays) for rows, np.stack(arrays, axis=1) for columns"
        )


def _table(source: Source, arrays: Mapping[str, Values], rows: int, notes: list[str]) -> Content:
    columns = {
        key: as_column(values) for key, values in arrays.items() if shape_of(values) in ((rows,), (rows, 1))
    }
    left_out = {key: shape_of(values) for key, values in arrays.items() if key not in columns}
    notes += [
        f"{key} of shape {shape} is left out: it is not one value per row." for key, shape in left_out.items()
    ]
    return table_of(source, columns, notes)


def _with_class_names(arrays: Mapping[str, Values], notes: list[str]) -> dict[str, Values]:
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
        if _CLASS_NAMES.fullmatch(key) and not is_numeric(values):
            names = as_column(values).to_pylist()
            if all(isinstance(name, str) for name in names):
                return [key], names
    matches = {key: match for key in arrays if (match := _CLASS_NUMBERS.fullmatch(key))}
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


def _joined_by_class(
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
