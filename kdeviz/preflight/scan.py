"""One pass over the features: what must be known of every row and column, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz.data import Rows
from kdeviz.model import LARGEST_FEATURE

LARGEST_SHARE = 1e150
"""Entries so many times as large as those of a typical row have no float64 square beside theirs."""

_CPU = torch.device("cpu")
_CENTRE_ROWS = 1024
_CENTRE_BYTES = 16 * 2**20
# Odd constants of splitmix64 (Steele et al. 2014, "Fast splittable pseudorandom number generators").
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_SHIFT = np.uint64(32)
_BAD = {"missing": np.isnan, "infinite": np.isinf}


class Scan(NamedTuple):
    """What one pass tells about each of N rows."""

    largest: NDArray[np.float64]
    """(N,) largest magnitude in the row; NaN when a value is missing."""
    distances: NDArray[np.float64]
    """(N,) Euclidean distance from the centre, in `unit`; the centre is the median of some training rows."""
    hashes: NDArray[np.uint64]
    """(N,) equal for rows of equal numbers; seldom equal for others."""
    unit: float
    """A power of two near the typical largest magnitude of some training rows: in it squares are numbers."""

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(N,) rows that a model could be fitted on."""
        with np.errstate(over="ignore"):
            return (self.largest <= LARGEST_FEATURE) & (self.largest / self.unit <= LARGEST_SHARE)


def scan(features: NDArray[Any], training: NDArray[np.bool_]) -> Scan:
    """Read (N, D) features once, in blocks of float64."""
    rows = Rows(features)
    sample = _sample(features, training)
    weights = np.random.default_rng(0).integers(0, 2**64, rows.dimensions, np.uint64) | np.uint64(1)
    centre, unit = np.median(sample, 0), _unit(sample)
    seen = Scan(np.empty(len(rows)), np.empty(len(rows)), np.empty(len(rows), np.uint64), unit)
    with np.errstate(over="ignore", invalid="ignore"):
        for place, tensor in rows.stream(torch.float64, _CPU):
            block = tensor.numpy()
            block += 0.0  # -0.0 equals 0.0, and has other bits
            _hash(block.view(np.uint64), weights, seen.hashes[place])
            np.maximum(block.max(1), -block.min(1), out=seen.largest[place])
            block -= centre
            block /= unit
            np.sqrt(np.einsum("ij,ij->i", block, block), out=seen.distances[place])
    return seen


def _sample(features: NDArray[Any], training: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Some training rows; a median of them does not follow the very outliers that are measured from it."""
    most = min(_CENTRE_ROWS, max(_CENTRE_BYTES // (8 * features.shape[1]), 16))
    sample = np.asarray(features[evenly(np.flatnonzero(training), most)], dtype=np.float64)
    sample = sample[np.isfinite(sample).all(1)]
    return sample if len(sample) else np.zeros((1, features.shape[1]))


def _unit(sample: NDArray[np.float64]) -> float:
    largest = np.abs(sample).max(1)
    exponent = math.frexp(float(np.median(largest[largest > 0])))[1] if largest.any() else 0
    return math.ldexp(1.0, min(max(exponent, -1000), 1000))


def _hash(bits: NDArray[np.uint64], weights: NDArray[np.uint64], out: NDArray[np.uint64]) -> None:
    """Integers, because a sum of floats depends on its order; mixed first, because low bits are often 0."""
    mixed = bits * _MIX
    mixed ^= mixed >> _SHIFT
    mixed *= weights
    mixed.sum(1, out=out)


def evenly(index: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Not more than so many of these numbers, evenly spread over them."""
    return index if len(index) <= most else index[np.linspace(0, len(index) - 1, most).astype(np.int64)]


def within(features: NDArray[Any], index: NDArray[np.int64]) -> Iterator[tuple[slice, NDArray[Any]]]:
    """The rows with these numbers, in blocks: (which of the numbers, a copy of their rows)."""
    for start, stop in Rows(features).select(index).spans():
        yield slice(start, stop), features[index[start:stop]]


def bad_values(
    features: NDArray[Any], largest: NDArray[np.float64]
) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The rows and the columns with values that are "missing" (NaN), and those with "infinite" ones."""
    (N, D), bad = features.shape, np.flatnonzero(~np.isfinite(largest))
    masks = {kind: (np.zeros(N, bool), np.zeros(D, bool)) for kind in _BAD}
    for part, block in within(features, bad):
        wide = np.asarray(block, dtype=np.float64)
        for kind, (rows, columns) in masks.items():
            where = _BAD[kind](wide)
            rows[bad[part]] = where.any(1)
            columns |= where.any(0)
    return {kind: (np.flatnonzero(rows), np.flatnonzero(columns)) for kind, (rows, columns) in masks.items()}


def constant_columns(
    features: NDArray[Any], index: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Which of these columns hold the same in all rows with the numbers `index`, at least one."""
    first = features[index[0]]
    for _, block in within(features, index):
        columns = columns[(block[:, columns] == first[columns]).all(0)]
        if not len(columns):
            break
    return columns
