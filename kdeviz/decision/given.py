"""Checks of what callers give: arrays as they are needed, or a DataError; numbers, or an OptionError."""

from __future__ import annotations

import math
import sys
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.data import ANOMALOUS, NORMAL
from kdeviz.errors import DataError, OptionError
from kdeviz.settings import is_between
from kdeviz.wording import shown

_LARGEST = sys.float_info.max
_MOST = 2**63
_KINDS = {"real numbers": "fiub", "labels": "fiub", "True or False": "b"}


def given_numbers(values: Any, name: str = "scores", *, nan: bool = False) -> NDArray[Any]:
    """(M,) real numbers, whole ones in float64, none of them NaN unless that is allowed."""
    array = _one_dimension(values, name, "real numbers")
    if array.dtype.kind != "f":
        return array.astype(np.float64)
    if not nan and np.isnan(array).any():
        raise DataError(f"{name} hold NaN: leave these rows out or score them again")
    return array


def given_labels(labels: Any, rows: int | None = None) -> NDArray[Any]:
    """(M,) labels, one for each of so many rows."""
    array = _one_dimension(labels, "labels", "labels")
    if rows is not None and len(array) != rows:
        raise DataError(f"{rows} scores and {len(array)} labels: give one label per score")
    return array


def given_mask(mask: Any, name: str) -> NDArray[np.bool_]:
    """(M,) True or False."""
    return _one_dimension(mask, name, "True or False")


def _one_dimension(values: Any, name: str, wanted: str) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:  # rows of unequal length; a tensor on a GPU
        raise DataError(f"{name} cannot be read as an array: {error}") from None
    if array.size == 0 and array.ndim == 1 and not isinstance(values, np.ndarray):
        array = array.astype(bool)  # an empty list is of no kind
    if array.dtype.kind not in _KINDS[wanted]:
        hint = f": {NORMAL} is normal, {ANOMALOUS} anomalous, -1 unknown" if wanted == "labels" else ""
        raise DataError(f"{name} need to be {wanted}, got {array.dtype}{hint}")
    if array.ndim != 1:
        raise DataError(f"{name} need one dimension, got shape {array.shape}")
    return array


def check_number(name: str, value: Any) -> None:
    """Raise OptionError unless it is a finite number."""
    if not is_between(value, -_LARGEST, _LARGEST):
        raise OptionError(f"{name}={shown(value)} is not possible: give a finite number")


def check_log_density(name: str, value: Any) -> None:
    """Raise OptionError unless it is a number; the infinite ones are numbers too."""
    infinite = is_between(value, math.inf, math.inf) or is_between(value, -math.inf, -math.inf)
    if not infinite and not is_between(value, -_LARGEST, _LARGEST):
        raise OptionError(f"{name}={shown(value)} is not possible: give a log density")


def check_whole(name: str, value: Any, least: int, hint: str = "") -> None:
    """Raise OptionError unless it is a whole number, at least so large."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not least <= int(value) < _MOST:
        raise OptionError(
            f"{name}={shown(value)} is not possible: give a whole number, {least} or more{hint}"
        )


def check_kind(name: str, value: Any, kind: type) -> None:
    """Raise OptionError unless it is of this kind."""
    if not isinstance(value, kind):
        raise OptionError(f"{name}={shown(value)} is not possible: give a {kind.__name__}")
