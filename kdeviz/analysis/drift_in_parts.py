"""Drift of rows that are scored in parts: a sample of them is kept, whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis.analysis import Analysis
from kdeviz.analysis.drift import MOST, Drift, compared, independent, places, reference_of, spread_rows
from kdeviz.data import Rows, row_keys

BesideRows = Callable[[NDArray[np.int64]], Sequence[Any]]
"""Gives what is known of some rows of a part, one value for each."""


class DriftInParts:
    """What `drift` says of all rows of a file; the order of the parts makes no difference.

    Args:
        model: an analysis of the model, whatever rows it is about.
    """

    def __init__(self, model: Analysis) -> None:
        self._reference = reference_of(model) if model.calibrated else None
        self._kept: dict[str, NDArray[Any]] = {}
        self._last = np.iinfo(np.uint64).max
        self._lock = Lock()

    def add(self, analysis: Analysis, first_row: int, beside: BesideRows | None = None) -> None:
        """Some rows.

        Args:
            analysis: of M of them.
            first_row: the number of the first one in the file.
            beside: what to keep with the rows.
        """
        if self._reference is None:
            return
        numbers = np.arange(first_row, first_row + len(analysis.scores))
        rows = spread_rows(numbers)
        rows = rows[places(numbers[rows]) <= self._last]
        part = {
            "number": numbers[rows],
            "score": analysis.scores[rows],
            "new": analysis.points[rows] < 0,
            "key": row_keys(Rows(analysis.inspected.features).select(rows))[:, -1],
            "beside": np.empty(len(rows), object),
        }
        if beside is not None:
            part["beside"][:] = beside(rows)
        with self._lock:
            self._keep(part)

    def _keep(self, part: dict[str, NDArray[Any]]) -> None:
        if self._kept:
            part = {name: np.concatenate([self._kept[name], values]) for name, values in part.items()}
        order = np.argsort(part["number"])  # in that of the file, whichever part was done first
        chosen = order[spread_rows(part["number"][order])]
        self._kept = {name: values[chosen] for name, values in part.items()}
        if len(chosen) == MOST:
            self._last = int(places(self._kept["number"]).max())

    def found(self, counted: Callable[[Sequence[Any]], NDArray[np.bool_]] | None = None) -> Drift | None:
        """The outcome, as `drift` has it.

        Args:
            counted: says of the values beside the rows that were kept which rows count; all if None.
        """
        if self._reference is None or not self._kept:
            return None
        new = self._kept["new"]
        if counted is not None:
            new = new & counted(list(self._kept["beside"]))
        times = np.unique(self._kept["key"][new], return_counts=True)[1]
        return compared(self._kept["score"][new], self._reference, independent(times))
