"""What Arrow types weigh and mean here, and how their values become numpy arrays."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kdeviz.data.readers.source import Source

_COPIED = 128  # rows at once, so that what is turned from columns to rows stays in cache

# Asked a million times of a table of a hundred thousand columns: pa.types is five times as slow.
_LISTS = frozenset(
    kind.id for kind in (pa.list_(pa.int8()), pa.large_list(pa.int8()), pa.list_(pa.int8(), 1))
)
_TEXTS = frozenset((pa.string().id, pa.large_string().id))
_BYTES = _TEXTS | {pa.binary().id, pa.large_binary().id}
_DICTIONARY = pa.dictionary(pa.int8(), pa.string()).id
_NUMBERS = frozenset(
    kind.id
    for kind in (
        *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
        *(pa.float16(), pa.float32(), pa.float64()),
        *(pa.decimal32(1), pa.decimal64(1), pa.decimal128(1), pa.decimal256(1)),
    )
)


def is_number(kind: pa.DataType) -> bool:
    """Integers, floats and decimals of any width."""
    return kind.id in _NUMBERS


def is_list(kind: pa.DataType) -> bool:
    """A list of any layout that can be one embedding per row."""
    return kind.id in _LISTS


def has_bytes(kind: pa.DataType) -> bool:
    """Text or bytes, of which one value can be of any length."""
    return kind.id in _BYTES


def is_text(kind: pa.DataType) -> bool:
    """Text, be it in a dictionary."""
    return (kind.value_type if kind.id == _DICTIONARY else kind).id in _TEXTS


def plain_text(column: pa.Array) -> pa.Array:
    """Text without dictionaries and long offsets."""
    return column if pa.types.is_string(column.type) else pc.cast(column, pa.string())


def decoded(column: pa.Array, source: Source) -> pa.Array:
    """One value per row: a dictionary may say one long text a million times."""
    if not pa.types.is_dictionary(column.type):
        return column
    if has_bytes(column.type.value_type):
        lengths = pc.binary_length(column.dictionary).take(column.indices)
        source.check(pc.sum(lengths.cast(pa.int64())).as_py() or 0, "a text column")
    return column.dictionary_decode()


def is_flat(kind: pa.DataType) -> bool:
    """Whether a column can be metadata: single values, or a struct of them."""
    if pa.types.is_struct(kind):
        return all(_is_single(child.type) for child in kind)
    return _is_single(kind)


def _is_single(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    types = pa.types
    others = (types.is_boolean, types.is_null, types.is_temporal)
    return is_number(kind) or has_bytes(kind) or any(check(kind) for check in others)


def cast_or_none(column: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """The column in another type; None where a value does not fit it."""
    try:
        return column.cast(kind)
    except pa.ArrowInvalid:
        return None


def single_items(column: pa.Array) -> pa.Array | None:
    """The values of lists that hold one each, null for a missing list; None when one holds more, or none."""
    lengths = pc.list_value_length(column)
    if not pc.all(pc.equal(lengths, 1)).as_py() and lengths.null_count < len(lengths):
        return None
    if not column.null_count:
        return column.flatten()
    places = np.cumsum(np.asarray(column.is_valid())) - 1
    return column.flatten().take(pa.array(places, mask=np.asarray(column.is_null())))


def value_bytes(kind: pa.DataType) -> int:
    """Bytes that one value takes as numpy sees it; 0 when only the values themselves can tell."""
    if pa.types.is_boolean(kind):
        return 1
    if pa.types.is_null(kind):
        return 8
    if pa.types.is_struct(kind):
        return sum(value_bytes(child.type) for child in kind)
    return int(kind.bit_width) // 8 if pa.types.is_primitive(kind) else 0


def no_columns(rows: int) -> pa.Table:
    """A table that knows its number of rows and nothing else."""
    return pa.table({"": pa.nulls(rows)}).select([])


def numbers(column: pa.Array) -> NDArray[Any]:
    """One column as numpy; a null becomes NaN, a decimal the nearest float64."""
    if pa.types.is_null(column.type) or pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    elif pa.types.is_boolean(column.type) and column.null_count:
        column = column.cast(pa.uint8())
    return np.asarray(column.to_numpy(zero_copy_only=False))


def stacked(blocks: Iterator[NDArray[Any]], rows: int) -> NDArray[Any]:
    """One C-contiguous array of all blocks; a single block that is one already is not copied.

    Raises:
        ValueError: the blocks do not have that many rows together.
    """
    first = next(blocks)
    if len(first) == rows and first.flags.c_contiguous:
        return first
    out, start = np.empty((rows, first.shape[1]), first.dtype), 0
    for part in chain([first], blocks):
        if (kind := np.result_type(out, part)) != out.dtype:  # later rows may be the first with a null
            out = out.astype(kind)
        place = out[start : start + len(part)]
        for top in range(0, len(place), _COPIED):
            place[top : top + _COPIED] = part[top : top + _COPIED]
        start += len(part)
    if start != rows:
        raise ValueError(f"{rows} rows were announced, {start} are there")
    return out
