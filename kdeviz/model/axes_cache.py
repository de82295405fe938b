"""Principal axes that were computed before, so that another component count costs no PCA."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from threading import Lock
from typing import Protocol

import cachetools
import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz.data import OnBlock, Rows
from kdeviz.model.principal_axes import PrincipalAxes, principal_axes


class AxesOf(Protocol):
    """Whatever has the arguments and the result of `principal_axes`."""

    def __call__(
        self,
        rows: Rows,
        device: torch.device,
        n_components: int | float,
        on_block: OnBlock | None = None,
        *,
        folds: NDArray[np.int64] | None = None,
        standardise: bool = False,
    ) -> PrincipalAxes:
        """See `principal_axes`."""


class AxesCache:
    """Keeps all axes of the rows that were asked about; the longest unused go first.

    A hit is bit-equal to computing anew, whatever was asked for before.

    Args:
        most_bytes: how much memory to use; the axes of D dimensions, or of fewer rows, take 8 D^2, and as
            much again for each fold (of fewer rows than dimensions, for all folds together).
    """

    def __init__(self, most_bytes: int = 2**30) -> None:
        self._axes: cachetools.LRUCache[Hashable, PrincipalAxes] = cachetools.LRUCache(most_bytes, _bytes)
        self._lock = Lock()

    def of(self, data: Hashable) -> AxesOf:
        """`principal_axes` for rows that this key stands for."""

        def recall(route: Hashable, compute: Callable[[], PrincipalAxes]) -> PrincipalAxes:
            return cachetools.cached(self._axes, lambda: (data, route), self._lock)(compute)()

        return partial(principal_axes, recall=recall)


def _bytes(axes: PrincipalAxes) -> int:
    own = axes.mean.nbytes + axes.variances.nbytes + axes.basis.nbytes
    return int(own + (0 if axes.grams is None else axes.grams.nbytes))
