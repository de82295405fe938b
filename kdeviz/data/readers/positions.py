"""Arrays without names, as (features, labels) leaves them: what each is can only be told from its values."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from kdeviz.data.readers.arrays import Values, as_column, flat_shape, is_numeric, shape_of
from kdeviz.data.readers.values import has_bytes

_NO_NAME = re.compile(r"(arr_)?\d+")


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
