"""Principal axes that were computed before, so that another component count costs no PCA."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial
from threading import Lock

import torch

from kdeviz.data import OnBlock, Rows
from kdeviz.model.principal_axes import PrincipalAxes, principal_axes

AxesOf = Callable[[Rows, torch.device, int | float, OnBlock | None], PrincipalAxes]
"""Whatever has the arguments and the result of `principal_axes`."""


class AxesCache:
    """Keeps axes by the rows they belong to; the longest unused go first.

    A hit is bit-equal to computing anew, whatever was asked for before: see `PrincipalAxes.serve`.

    Args:
        most_bytes: how much memory to keep.
    """

    def __init__(self, most_bytes: int = 256 * 2**20) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[Hashable, range], PrincipalAxes] = OrderedDict()
        self._lock = Lock()

    def of(self, data: Hashable) -> AxesOf:
        """`principal_axes` for rows that this key stands for."""
        return partial(self._find, data)

    def _find(
        self,
        data: Hashable,
        rows: Rows,
        device: torch.device,
        n_components: int | float,
        on_block: OnBlock | None,
    ) -> PrincipalAxes:
        place = (data, str(device))
        with self._lock:
            for key, axes in self._kept.items():
                if key[0] == place and axes.serve(n_components):
                    self._kept.move_to_end(key)
                    return axes
        axes = principal_axes(rows, device, n_components, on_block)
        with self._lock:
            self._kept[place, axes.counts] = axes
            while sum(map(_bytes, self._kept.values())) > self._most_bytes:
                self._kept.popitem(last=False)
        return axes


def _bytes(axes: PrincipalAxes) -> int:
    return int(axes.mean.nbytes + axes.vectors.nbytes + axes.variances.nbytes)
