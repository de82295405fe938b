"""Lists, tensors, structs and Spark's vectors of Arrow as plain lists of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kdeviz.data.readers.source import Source
from kdeviz.data.readers.values import is_list, numbers, single_items
from kdeviz.errors import DataError

_SPARK = {"type", "size", "indices", "values"}
_DENSE = 1  # the value of `type` in Spark's dense vectors; sparse ones have 0


def listed(values: pa.Array, lengths: pa.Array) -> pa.Array:
    """Consecutive values as lists of these lengths; a missing length gives a missing list."""
    ends = np.cumsum(np.asarray(pc.fill_null(lengths, 0)), dtype=np.int64)
    missing = np.append(np.asarray(lengths.is_null()), False)
    return pa.LargeListArray.from_arrays(pa.array(np.append(0, ends), mask=missing), values)


def without_single_dimensions(column: pa.Array) -> pa.Array:
    """Lists of lists as lists, where the outer ones or the inner ones all hold a single item."""
    while is_list(column.type) and is_list(column.type.value_type):
        if (items := single_items(column.flatten())) is not None:
            column = listed(items, pc.list_value_length(column))
        elif (items := single_items(column)) is not None:
            column = items
        else:
            break
    return column


def nested(flat: pa.Array, shape: Sequence[int]) -> pa.Array:
    """A tensor's flat list as lists of lists, so that what has several dimensions is seen to have them."""
    values = flat.flatten()
    for size in shape[:0:-1]:
        values = pa.FixedSizeListArray.from_arrays(values, size)
    return listed(values, pc.if_else(flat.is_valid(), shape[0], None)) if len(shape) > 1 else flat


def in_rows(array: NDArray[Any]) -> pa.Array:
    """An array of several dimensions as one list per row, nested where it has more than two."""
    values = pa.array(array.reshape(-1))
    for size in array.shape[:0:-1]:
        values = pa.FixedSizeListArray.from_arrays(values, size)
    return without_single_dimensions(values)


def is_spark_vector(kind: pa.DataType) -> bool:
    """Whether a struct is what Spark's VectorUDT is stored as."""
    return bool(pa.types.is_struct(kind)) and {child.name for child in kind} == _SPARK


def dense(name: str, parts: Mapping[str, pa.Array], source: Source) -> pa.Array:
    """Spark's vectors, sparse ones filled up with zeros.

    Raises:
        DataError: their sizes differ, or an index lies outside of its vector.
    """
    is_sparse = np.asarray(pc.fill_null(parts["type"], _DENSE)) != _DENSE
    if not is_sparse.any():
        return parts["values"].cast(pa.large_list(pa.float64()))
    lengths = np.asarray(pc.fill_null(pc.list_value_length(parts["values"]), 0))
    sizes = np.where(is_sparse, np.asarray(pc.fill_null(parts["size"], 0)), lengths)
    valid = np.asarray(parts["values"].is_valid())
    width = int(sizes[valid][0]) if valid.any() else 0
    if (sizes[valid] != width).any():
        other = sizes[valid & (sizes != width)][0]
        raise DataError(
            f"{source.name}: a vector of {name} has {other} dimensions and another {width}; "
            "every row needs the same number of dimensions"
        )
    source.check(8 * len(sizes) * width, name)
    return _filled(name, parts, is_sparse, lengths, width, source)


def _filled(
    name: str,
    parts: Mapping[str, pa.Array],
    is_sparse: NDArray[np.bool_],
    lengths: NDArray[np.integer[Any]],
    width: int,
    source: Source,
) -> pa.Array:
    row = np.repeat(np.arange(len(lengths)), lengths)
    column = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    places = np.where(is_sparse, np.asarray(pc.fill_null(pc.list_value_length(parts["indices"]), 0)), 0)
    if (places != np.where(is_sparse, lengths, 0)).any() or parts["indices"].flatten().null_count:
        raise DataError(
            f"{source.name}: {name} holds a sparse vector of more values than indices, or of fewer"
        )
    of_sparse = parts["indices"].filter(pa.array(is_sparse)).flatten()
    column[is_sparse[row]] = np.asarray(of_sparse)
    if len(column) and (column.min() < 0 or column.max() >= width):
        raise DataError(
            f"{source.name}: {name} holds a sparse vector with an index beyond its {width} dimensions"
        )
    out = np.zeros((len(lengths), width))
    out[row, column] = numbers(parts["values"].flatten())
    missing = pc.invert(parts["values"].is_valid())
    filled = pa.FixedSizeListArray.from_arrays(pa.array(out.ravel()), width, mask=missing)
    return filled.cast(pa.large_list(pa.float64()))
