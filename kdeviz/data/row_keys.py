"""Row keys: short hashes by which rows are recognised again, whatever their order and their neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.data.rows import Features, Rows

_SKETCH, _ROUNDED, _EXACT = 0, 1, 2
_SKETCHED = 4  # dimensions: enough to tell almost all rows apart
_ROWS_AT_ONCE = 1024
# Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014); the constants of splitmix64.
_STEP, _FIRST, _SECOND = map(np.uint64, (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def row_keys(rows: Rows) -> NDArray[np.int64]:
    """(N, 2) hashes of a few dimensions and of all, both rounded to float32.

    A third one, of all dimensions in float64, is there when the rows are stored more finely than float32.
    """
    is_fine, parts = _is_fine(rows), [np.empty((0, 3 if _is_fine(rows) else 2), np.int64)]
    for start, stop in rows.spans(most=_ROWS_AT_ONCE):
        values = rows.values(start, stop)
        words = [_sketch(values), _hash(values, np.float32)]
        if is_fine:
            words.append(_hash(values, np.float64))
        parts.append(np.stack(words, axis=1))
    return np.concatenate(parts)


def find_rows(keys: NDArray[np.int64], features: Features) -> NDArray[np.int64]:
    """(M,) which of the rows with these keys each row of `features` is, -1 where it is none of them.

    Rows are equal when they are so in the coarser precision of the two sides: a float32 row is found again
    after it was written as float64, or as decimal numbers. Of several equal rows, the first counts.

    Args:
        keys: from `row_keys`.
        features: (M, D) rows of as many dimensions.
    """
    rows = Rows(features)
    found, sketches = np.full(len(rows), -1), np.unique(keys[:, _SKETCH])
    exact = keys.shape[1] > _EXACT and _is_fine(rows)
    known, first = np.unique(keys[:, _EXACT if exact else _ROUNDED], return_index=True)
    for start, stop in rows.spans():
        values = rows.values(start, stop)
        likely = np.flatnonzero(_places(sketches, _sketch(values)) >= 0)
        for some in np.split(likely, range(_ROWS_AT_ONCE, len(likely), _ROWS_AT_ONCE)):
            place = _places(known, _hash(values[some], np.float64 if exact else np.float32))
            found[start + some] = np.where(place < 0, -1, first[place])
    return found


def _is_fine(rows: Rows) -> bool:
    """Whether float32 cannot hold every value of that type."""
    kind = rows.values(0, 0).dtype
    return kind.itemsize >= 4 and kind != np.float32


def _sketch(values: NDArray[Any]) -> NDArray[np.int64]:
    columns = np.linspace(0, values.shape[1] - 1, _SKETCHED).astype(np.int64)
    return _hash(values[:, columns], np.float32)


def _hash(values: NDArray[Any], dtype: type[np.float32] | type[np.float64]) -> NDArray[np.int64]:
    """(M,) sums of well mixed values; a value counts otherwise in another column."""
    with np.errstate(over="ignore"):
        numbers: NDArray[Any] = values.astype(dtype)
    numbers += 0  # -0.0 becomes 0.0, to which it is equal
    mixed = numbers.view(f"u{numbers.itemsize}").astype(np.uint64)
    mixed += np.arange(1, mixed.shape[1] + 1, dtype=np.uint64) * _STEP
    for shift, factor in ((30, _FIRST), (27, _SECOND)):
        mixed ^= mixed >> np.uint64(shift)
        mixed *= factor
    mixed ^= mixed >> np.uint64(31)
    sums: NDArray[np.int64] = mixed.sum(axis=1, dtype=np.uint64).view(np.int64)
    return sums


def _places(known: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each wanted number is among known, ascending ones; -1 where it is not."""
    if not len(known):
        return np.full(len(wanted), -1)
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[place] == wanted, place, -1)
