"""Which columns of a file can be the axes of a map: numbers among the metadata, and features with names."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.data import EmbeddingSet
from kdeviz.decision import Decision, metadata_columns
from kdeviz.errors import OptionError


def axis_choices(decision: Decision) -> list[str]:
    """The inspected rows' columns that can be axes, the metadata first."""
    return _choices(decision.analysis)


@cached
def _choices(analysis: Analysis) -> list[str]:
    return axis_columns(analysis.inspected)


def axis_columns(rows: EmbeddingSet) -> list[str]:
    """Their names, the metadata first; a column without any number is not among them."""
    features = rows.feature_names or ()
    numeric = [
        name for name, column in metadata_columns(rows, features).items() if _numbers_in(column) is not None
    ]
    return [*numeric, *dict.fromkeys(features)]


def column_of(rows: EmbeddingSet, name: str) -> NDArray[np.float64]:
    """(N,) numbers, NaN where there is none or an infinite one.

    Raises:
        OptionError: there is no such column.
    """
    features = rows.feature_names or ()
    if name in features:
        return _finite(rows.features[:, features.index(name)].astype(np.float64))
    column = metadata_columns(rows, features).get(name)
    numbers = None if column is None else _numbers_in(column)
    if numbers is None:
        raise OptionError(f"{name!r} is no column of numbers: choose from {axis_columns(rows)}")
    return numbers


def _numbers_in(column: pd.Series) -> NDArray[np.float64] | None:
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return None
    if pd.api.types.is_complex_dtype(column):
        return None
    numbers = _finite(column.to_numpy(dtype=np.float64, na_value=np.nan))
    return numbers if not np.isnan(numbers).all() else None


def _finite(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(numbers), numbers, np.nan)
