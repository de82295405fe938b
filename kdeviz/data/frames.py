"""Numbers and names out of what callers pass as rows: tensors, arrays, and data frames of any library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.errors import DataError

_LISTED = 3


def numbers_of(features: Any) -> Tensor | NDArray[Any]:
    """A tensor, detached, or an array of them, copied only where that cannot be helped.

    Missing values of a data frame become NaN.

    Raises:
        DataError: it is sparse, masks some values, or a column of it holds no numbers.
    """
    if isinstance(features, Tensor):
        if features.layout != torch.strided:
            raise DataError("features are a sparse tensor: call to_dense() first")
        return features.detach()
    if hasattr(features, "toarray"):
        raise DataError("features are a sparse matrix: call toarray() first")
    if isinstance(features, np.ma.MaskedArray) and np.ma.getmaskarray(features).any():
        raise DataError("features mask some values: fill them, or leave those rows out")
    found = np.asarray(features)
    return _unboxed(features, found) if found.dtype == object and hasattr(features, "dtypes") else found


def column_names(features: Any) -> tuple[str, ...] | None:
    """Of a data frame, whose columns all have texts for names; None for anything else."""
    names = getattr(features, "columns", None)
    if names is None or not hasattr(features, "to_numpy"):
        return None
    found = tuple(names)
    return found if found and all(isinstance(name, str) for name in found) else None


def in_order(features: Any, names: Sequence[str] | None) -> Any:
    """A data frame with its columns in the order of these names; anything without names as it is.

    Raises:
        DataError: its columns have other names.
    """
    here = column_names(features)
    if names is None or here is None or here == tuple(names):
        return features
    lacking = [name for name in names if name not in here]
    if lacking or len(here) != len(names):
        what = lacking or [name for name in here if name not in names]
        more = ", …" * (len(what) > _LISTED)
        raise DataError(
            f"the columns are not those that the model was fitted on: {', '.join(what[:_LISTED])}{more} "
            f"{'missing' if lacking else 'unknown'}"
        )
    return features[list(names)]


def _unboxed(frame: Any, found: NDArray[Any]) -> NDArray[Any]:
    """The float64 numbers of a data frame whose columns are of several kinds, or may lack values."""
    columns = zip(frame.columns, found.T, strict=True)
    return np.column_stack([_floats(name, column) for name, column in columns])


def _floats(name: object, column: NDArray[Any]) -> NDArray[np.float64]:
    numbers = np.array([np.nan if _is_missing(value) else value for value in column], dtype=object)
    if not all(isinstance(value, int | float | np.number | np.bool_) for value in numbers):
        raise DataError(f"features need to be real numbers: the column {name!r} holds others")
    return numbers.astype(np.float64)


def _is_missing(value: object) -> bool:
    return value is None or str(value) in ("<NA>", "NaT")
