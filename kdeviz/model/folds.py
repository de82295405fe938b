"""Which rows a model is fitted on, and which of them are held out together: the folds."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz.settings import Settings

_FOLDS, _FOLDS_OF_MANY = 10, 5
_MANY = 5000
_FEW = 60
_ROUNDED, _FINEST = 1, -1


def training_subset(rows: int, settings: Settings) -> NDArray[np.int64]:
    """Which of the rows the model is fitted on: all, or a seeded random subset, in ascending order."""
    if rows <= settings.max_training_points:
        return np.arange(rows)
    generator = torch.Generator().manual_seed(settings.seed)
    chosen = torch.randperm(rows, generator=generator)[: settings.max_training_points]
    return np.sort(chosen.numpy())


def fold_numbers(keys: NDArray[np.int64], groups: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """(n,) the fold in which each row is held out, from 0 on; equal rows are in one fold.

    There are 10 folds, 5 from 5 000 rows on, and below 60 rows every row is one of its own. They are cut in
    the order of the keys, which are hashes: so they depend on what the rows are, not on where they stand.

    Args:
        keys: (n, 2 or 3) of the rows; see `row_keys`.
        groups: (n,) numbers that rows of one fold share; see `near_groups`. None for those of equal rows.
    """
    n, group = len(keys), copies(keys)
    if groups is not None:
        group = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    if n < _FEW:
        return group
    counts, folds = np.bincount(group), fold_count(n)
    middle = (np.cumsum(counts) - counts / 2) / n
    numbers: NDArray[np.int64] = np.unique((middle * folds).astype(np.int64)[group], return_inverse=True)[1]
    return numbers


def fold_count(n: int) -> int:
    """How many folds n different rows have."""
    return n if n < _FEW else _FOLDS_OF_MANY if n >= _MANY else _FOLDS


def copies(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) numbers that equal rows share: 0 for the lowest keys, and so on."""
    order = np.lexsort((keys[:, _FINEST], keys[:, _ROUNDED]))
    ordered = keys[order][:, _ROUNDED:]
    group = np.empty(len(keys), np.int64)
    group[order] = np.cumsum(np.append(0, (ordered[1:] != ordered[:-1]).any(1)))[: len(keys)]
    return group
