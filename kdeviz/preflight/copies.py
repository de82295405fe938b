"""Rows and columns that repeat an earlier one exactly. Hashes only propose; the numbers decide."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.preflight.scan import within

_FEW = 64


def row_copies(
    features: NDArray[Any], hashes: NDArray[np.uint64], index: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of the rows with these (ascending) numbers equal an earlier one, and the first that each equals.

    Args:
        features: (N, D).
        hashes: (N,) equal for rows of equal numbers.
        index: the rows to compare, none with NaN.
    """
    copies, originals = [index[:0]], [index[:0]]
    while len(index):
        order = np.argsort(hashes[index], kind="stable")
        index = index[order]
        starts = np.flatnonzero(np.concatenate([[True], hashes[index[1:]] != hashes[index[:-1]]]))
        sizes = np.diff(np.append(starts, len(index)))
        firsts = np.repeat(index[starts], sizes)
        later = index != firsts
        index, firsts = index[later], firsts[later]
        equal = np.empty(len(index), bool)
        for part, block in within(features, index):
            equal[part] = (block == features[firsts[part]]).all(1)
        copies.append(index[equal])
        originals.append(firsts[equal])
        index = np.sort(index[~equal])  # of equal hash but other numbers: compared among themselves
    numbers = np.concatenate(copies)
    order = np.argsort(numbers)
    return numbers[order], np.concatenate(originals)[order]


def column_copies(
    features: NDArray[Any], index: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Which of these (ascending) columns equal an earlier one in all rows with the numbers `index`."""
    groups = np.zeros(len(columns), dtype=np.int64)
    for rows in (index[:_FEW], index):  # a few rows tell almost all columns apart
        for _, block in within(features, rows):
            groups, columns = _split(block[:, columns], groups, columns)
            if not len(columns):
                return columns
    _, first = np.unique(groups, return_index=True)
    return np.delete(columns, first)


def _split(
    block: NDArray[Any], groups: NDArray[np.int64], columns: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split groups of columns, equal so far, by the numbers of one more block; drop groups of one."""
    lines = np.ascontiguousarray((block if block.dtype == bool else block + block.dtype.type(0)).T)  # no -0.0
    numbers: dict[tuple[int, bytes], int] = {}
    groups = np.array(
        [
            numbers.setdefault((int(group), line.tobytes()), len(numbers))
            for group, line in zip(groups, lines, strict=True)
        ],
        dtype=np.int64,
    )
    shared = np.bincount(groups, minlength=1)[groups] > 1
    return groups[shared], columns[shared]
