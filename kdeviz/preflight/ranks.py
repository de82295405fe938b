"""Numerical rank of the training rows, from as few of them as will do."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz.data import Rows
from kdeviz.errors import DataError
from kdeviz.model import principal_axes
from kdeviz.preflight.scan import evenly
from kdeviz.settings import Settings

_SAMPLE_BYTES = 16 * 2**20
_FEWEST_ROWS = 64
_NARROW = 1024
_MOST_ROWS = Settings().max_training_points


class Rank(NamedTuple):
    """Of centred rows."""

    value: int
    exact: bool
    """False when it is at least that."""


def rank_of(
    features: NDArray[Any], index: NDArray[np.int64], asked: int | float, standardise: bool = False
) -> Rank | None:
    """Numerical rank of the rows with these numbers, by the same rule as a fit; None for fewer than two.

    The rank of some rows is at most that of all. Some are enough when theirs is as high as it can be, or,
    in more than 1 024 dimensions, as high as is asked for. Otherwise as many rows count as a fit takes.
    """
    N, D = len(index), features.shape[1]
    if N < 2:
        return None
    enough = asked if isinstance(asked, int) else 1
    size = 2 * D if D <= _NARROW else max(_SAMPLE_BYTES // (8 * D), _FEWEST_ROWS, 2 * enough)
    sample = evenly(index, size)
    rank = _rank(features, sample, asked, standardise)
    if len(sample) == N or rank == min(N - 1, D):
        return Rank(rank, True)
    if D > _NARROW and rank >= enough:
        return Rank(rank, False)
    most = evenly(index, _MOST_ROWS)
    return Rank(_rank(features, most, asked, standardise), len(most) == N)


def _rank(features: NDArray[Any], index: NDArray[np.int64], asked: int | float, standardise: bool) -> int:
    try:
        rows = Rows(features).select(index)
        return principal_axes(rows, torch.device("cpu"), asked, standardise=standardise).rank
    except DataError:  # finite rows, and at least two: they must all be equal
        return 0
