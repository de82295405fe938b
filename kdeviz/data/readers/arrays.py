"""Named arrays, as .npy, .npz, .pt, .safetensors and .h5 files hold them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kdeviz.data.readers.arrow_lists import in_rows
from kdeviz.data.readers.content import Candidate, embedding_rank
from kdeviz.data.readers.roles import is_picture, is_role
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.tables import TableContent
from kdeviz.data.readers.values import cast_or_none, has_bytes, no_columns
from kdeviz.errors import DataError

Values: TypeAlias = "NDArray[Any] | pa.Array"
"""Numbers as numpy arrays; texts, some of which may be missing, as Arrow's."""

_LAYER = re.compile(r"(layer|block|stage|hidden|encoder)\D*(\d+)", re.IGNORECASE)
_NO_NAME = re.compile(r"(arr_)?\d+")


@dataclass
class ArrayContent:
    """Arrays by key; a file with a single unnamed array has the key ""."""

    source: Source
    arrays: dict[str, Values]
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        numeric = {key: a for key, a in self.arrays.items() if is_numeric(a) and not _has_role(key, a)}
        matrices = {key: a for key, a in numeric.items() if len(flat_shape(a)) == 2}
        wide = {key: a for key, a in matrices.items() if flat_shape(a)[1] > 1} or matrices or numeric
        self.candidates = [
            Candidate(key, (key,)) for key in sorted(wide, key=lambda key: _rank(key, wide[key]))
        ]

    @property
    def names(self) -> tuple[str, ...]:
        """Every key, in the file's order."""
        return tuple(self.arrays)

    def features(self, candidate: Candidate) -> NDArray[Any]:
        """The chosen array as (N, D), in a type and byte order that torch knows.

        Raises:
            DataError: it has more dimensions than two, or fewer, or is complex.
        """
        array = self.arrays[candidate.name]
        where = f"{self.source.name}: {candidate.name or 'the array'}"
        if array.dtype.kind == "c":
            raise DataError(f"{where} holds complex numbers; keep real ones, for example abs(array)")
        shape = flat_shape(array)
        if len(shape) != 2:
            raise DataError(
                f"{where} has shape {array.shape}, need (rows, dimensions); {_remedy(array.shape)}"
            )
        self._refuse_turned(candidate.name, shape, where)
        if shape != array.shape:
            self.notes.append(f"{candidate.name or 'The array'} of shape {array.shape} was read as {shape}.")
        return _usual(array.reshape(shape))

    def _refuse_turned(self, chosen: str, shape: tuple[int, ...], where: str) -> None:
        """Refuse one column, not one row, for every label."""
        sizes = {
            key: math.prod(shape_of(values))
            for key, values in self.arrays.items()
            if key != chosen and is_role(key)
        }
        rows, columns = shape
        key = next((key for key, size in sizes.items() if size == columns), None)
        if key is not None and rows not in sizes.values():
            raise DataError(
                f"{where} of shape {shape} has a column, not a row, for each of the {columns} values of "
                f"{key}: it lies on its side; save array.T"
            )

    def columns(self, candidate: Candidate | None, rows: int) -> pa.Table:
        """The arrays that have one entry per row."""
        found: dict[str, pa.Array] = {}
        for key, values in self.arrays.items():
            if candidate is not None and key == candidate.name:
                continue
            shape = shape_of(values)
            if shape in ((rows,), (rows, 1), (1, rows)):
                with self.source.reading("array"):
                    found[key] = as_column(values)
            elif candidate is None or Candidate(key, (key,)) not in self.candidates:
                self.notes.append(f"{key} of shape {shape} is left out: it is not one value per row.")
        return pa.table(found) if found else no_columns(rows)

    def why_not(self) -> str:
        """There is no array of numbers."""
        held = ", ".join(f"{key or 'an array'} of {kind_of(values)}" for key, values in self.arrays.items())
        return f"need an array of numbers of shape (rows, dimensions), found {held or 'nothing'}"


def _has_role(key: str, values: NDArray[Any]) -> bool:
    """Whether an array is ids or labels by its name; numbers of several columns are no pictures."""
    if not key or (is_picture(key) and len(flat_shape(values)) == 2 and flat_shape(values)[1] > 1):
        return False
    return is_role(key)


def table_of(source: Source, columns: dict[str, pa.Array], notes: Sequence[str] = ()) -> TableContent:
    """Columns of one length as a table, which then finds the embedding among them."""
    table = pa.table(columns)
    return TableContent(
        source, table.schema, len(table), lambda names: iter(table.select(names).to_batches()), list(notes)
    )


def structured(source: Source, array: NDArray[Any]) -> TableContent:
    """The fields of a structured array as columns; a field of several numbers becomes a list column.

    Raises:
        DataError: a field has fields itself, or the array is not one-dimensional.
    """
    if array.ndim != 1:
        raise DataError(
            f"{source.name}: a structured array of shape {array.shape}; need one record per row: "
            "array.reshape(-1)"
        )
    columns = {}
    for name in array.dtype.names or ():
        values = array[name]
        if values.dtype.names is not None or values.dtype.hasobject:
            raise DataError(
                f"{source.name}: field {name!r} of the structured array holds {values.dtype}; "
                f"save its numbers as an array of their own: np.save(path, array[{name!r}])"
            )
        columns[name] = as_column(values) if values.ndim == 1 else in_rows(_usual(values))
    return table_of(source, columns)


def is_numeric(values: Values) -> bool:
    """Whether these are numbers, or yes and no."""
    return isinstance(values, np.ndarray) and values.dtype.kind in "biufc"


def shape_of(values: Values) -> tuple[int, ...]:
    """The shape; texts have one dimension."""
    return values.shape if isinstance(values, np.ndarray) else (len(values),)


def kind_of(values: Values) -> str:
    """The type in words."""
    return str(values.dtype if isinstance(values, np.ndarray) else values.type)


def flat_shape(array: NDArray[Any]) -> tuple[int, ...]:
    """(rows, dimensions) where all dimensions but one are single; otherwise the shape as it is."""
    wide = [size for size in array.shape[1:] if size != 1]
    if array.ndim <= 2 or len(wide) > 1:
        return array.shape
    return (len(array), wide[0] if wide else 1)


def as_column(values: Values) -> pa.Array:
    """One value per row."""
    if isinstance(values, pa.Array):
        return values
    values = _usual(values.reshape(-1))
    if values.dtype.kind == "S":
        binary = pa.array(values, pa.binary())
        text = cast_or_none(binary, pa.string())
        return binary if text is None else text
    return pa.array(values)


def named_by_position(arrays: Mapping[str, Values], notes: list[str]) -> dict[str, Values]:
    """The same arrays; those beside a single matrix of features are called id and label when they look so."""
    numeric = {key: flat_shape(values) for key, values in arrays.items() if is_numeric(values)}
    matrices = [key for key, shape in numeric.items() if len(shape) > 1 and shape[1] > 1]
    if len(matrices) != 1 or not all(map(_NO_NAME.fullmatch, arrays)):
        return dict(arrays)
    rows = len(arrays[matrices[0]])
    names: dict[str, str] = {}
    for key, values in arrays.items():
        role = _role(as_column(values)) if shape_of(values) in ((rows,), (rows, 1)) else ""
        if role and role not in names.values():
            names[key] = role
            notes.append(f"{key} has no name: it was taken for the {role}s.")
    return {names.get(key, key): values for key, values in arrays.items()}


def _role(column: pa.Array) -> str:
    """Id for texts that all differ, label for few different words or whole numbers."""
    different = pc.count_distinct(column).as_py()
    if different == len(column):
        return "id" if has_bytes(column.type) else ""
    if pa.types.is_floating(column.type) and not pc.all(pc.equal(pc.floor(column), column)).as_py():
        return ""
    return "label" if 2 * different <= len(column) else ""


def _rank(key: str, array: NDArray[Any]) -> tuple[Any, ...]:
    """By name, then floats before whole numbers, the widest, and of equally wide layers the last."""
    shape, layer = flat_shape(array), _LAYER.search(key)
    order = -int(layer[2][:9]) if layer else 0
    return embedding_rank(key), len(shape) != 2, array.dtype.kind != "f", -shape[-1] if shape else 0, order


def _usual(array: NDArray[Any]) -> NDArray[Any]:
    """In this machine's byte order; numbers wider than float64 as float64."""
    if array.dtype.kind == "f" and array.dtype.itemsize > np.dtype(np.float64).itemsize:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, which the checks name
            return array.astype(np.float64)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _remedy(shape: tuple[int, ...]) -> str:
    if len(shape) > 2 and shape[0] == 1:
        return f"array[0] has {shape[1]} rows, array.reshape(1, -1) one"
    if len(shape) > 2:
        return f"flatten each row: array.reshape({shape[0]}, -1)"
    return "for one dimension pass array.reshape(-1, 1), for one row array.reshape(1, -1)"
