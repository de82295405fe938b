"""Row keys: short hashes by which rows are recognised again, whatever their order and their neighbours."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz.data.rows import Features, Rows

_SKETCH, _ROUNDED = 0, 1
_SKETCHED = 4  # dimensions: enough to tell almost all rows apart
_VALUES_AT_ONCE = 2**19  # their hashes stay in a processor's cache
# Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014); the constants of splitmix64.
_STEP, _FIRST, _SECOND = map(np.uint64, (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def row_keys(rows: Rows) -> NDArray[np.int64]:
    """(N, 2) hashes of a few dimensions and of all, both rounded to float32.

    A third one, of all dimensions in float64, is there when the rows are stored more finely than float32.
    """
    keys = partial(_keys, rows, _is_fine(rows))
    starts, stops = zip((0, 0), *rows.spans(most=_at_once(rows)), strict=True)
    if len(starts) <= 2:
        return np.concatenate(list(map(keys, starts, stops)))
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # numpy works outside of Python's lock
        return np.concatenate(list(pool.map(keys, starts, stops)))


def _at_once(rows: Rows) -> int:
    return max(_VALUES_AT_ONCE // rows.dimensions, 1)


def _keys(rows: Rows, is_fine: bool, start: int, stop: int) -> NDArray[np.int64]:
    values = rows.values(start, stop)
    words = [_sketch(values), _hash(values, np.float32)]
    if is_fine:
        words.append(_hash(values, np.float64))
    return np.stack(words, axis=1)


class KnownRows:
    """Finds rows again that have these keys.

    Rows are equal when they are so in the coarser precision of the two sides: a float32 row is found again
    after it was written as float64, or as decimal numbers. Of several equal rows, the first counts.

    Args:
        keys: (N, 2 or 3) from `row_keys`.
    """

    def __init__(self, keys: NDArray[np.int64]) -> None:
        self._sketches = np.unique(keys[:, _SKETCH])
        self._ordered = [np.unique(each, return_index=True) for each in keys.T[_ROUNDED:]]

    def find(self, features: Features | Rows) -> NDArray[np.int64]:
        """(M,) which of the known rows each of (M, D) rows is, -1 where it is none of them."""
        rows = features if isinstance(features, Rows) else Rows(features)
        found, at_once = np.full(len(rows), -1), _at_once(rows)
        exact = len(self._ordered) > 1 and _is_fine(rows)
        known, first = self._ordered[-1 if exact else 0]
        for start, stop in rows.spans():
            values = rows.values(start, stop)
            likely = np.flatnonzero(_places(self._sketches, _sketch(values)) >= 0)
            for some in np.split(likely, range(at_once, len(likely), at_once)):
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
