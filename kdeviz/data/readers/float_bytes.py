"""Embeddings stored as raw bytes, as databases keep them: which kind of float, told from the bits."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_KINDS = ("<f4", "<f8", "<f2")
_MOST_SPREAD = 8.0
"""Standard deviation of binary exponents above which bytes are no floats of that kind.

Normal numbers have 1.6, features of very different scales 5; bytes of something else have 9 and more, because
what is a low exponent bit in one kind is a high one in another.
"""


def float_kind(column: pa.Array) -> np.dtype[np.floating] | None:
    """The float type whose values vary least in magnitude, nulls aside; None if none fits or lengths vary."""
    values = column.drop_null()
    lengths = {len(value.as_buffer()) for value in values}
    if len(lengths) != 1 or not (length := lengths.pop()):
        return None
    raw = b"".join(value.as_py() for value in values)
    spreads = {kind: _spread(raw, np.dtype(kind)) for kind in _KINDS if length % np.dtype(kind).itemsize == 0}
    best = min(spreads, key=lambda kind: spreads[kind], default=None)
    return np.dtype(best) if best is not None and spreads[best] <= _MOST_SPREAD else None


def floats_in(column: pa.Array, kind: np.dtype[np.floating]) -> pa.Array:
    """One list of numbers for each value; null where it is missing.

    Raises:
        ValueError: a value's length is no multiple of the number's.
    """
    values = [None if not v.is_valid else np.frombuffer(v.as_buffer(), kind) for v in column]
    return pa.array(values, pa.list_(pa.from_numpy_dtype(kind)))


def _spread(raw: bytes, kind: np.dtype[np.floating]) -> float:
    numbers: NDArray[np.floating] = np.frombuffer(raw, kind)
    if not np.isfinite(numbers).all():
        return float("inf")
    exponents = np.frexp(numbers[numbers != 0])[1]
    # Whole float64 numbers have nothing in their lower halves: as float32 every other one would be zero.
    if kind == "<f4" and len(exponents) and not numbers[::2].any() and numbers[1::2].any():
        return float("inf")
    return float(exponents.std()) if len(exponents) else 0.0
