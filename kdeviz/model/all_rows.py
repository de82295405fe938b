"""Principal axes of all rows for a model that is fitted on a sample of them: sums that parts are added to."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz.data import KnownRows, OnBlock, Rows, row_keys
from kdeviz.errors import DataError
from kdeviz.model.axes_cache import AxesOf
from kdeviz.model.fold_axes import TallGrams
from kdeviz.model.folds import fold_numbers
from kdeviz.model.moments import sample_of, sums_over, tall_moments
from kdeviz.model.principal_axes import PrincipalAxes, axes_of_moments
from kdeviz.scaling import row_lengths

_CPU = torch.device("cpu")


class AllRows:
    """Adds up all rows, of which some are the sample, on any number of machines.

    Rows are shifted by a mean of some of the sample, and added up in float64. A row that equals one of the
    sample counts to its fold, so that the axes without a fold have seen neither its rows nor their copies;
    all others are never held out. Where near copies in the sample are found later, only rows of the sample
    itself are. The sums do not depend on how the rows are cut, but for rounding.

    Args:
        sample: (n, D) the rows that the model is fitted on, in its order.
        standardise: see `Settings`.
    """

    def __init__(self, sample: NDArray[Any], standardise: bool = False) -> None:
        rows = Rows(sample)
        self._standardise = standardise
        self._some = sample_of(rows, _CPU)
        self._kind = sample[:0]  # says how finely rows are stored
        keys = row_keys(rows)
        self._known, self._folds = KnownRows(keys), fold_numbers(keys)

    def empty(self) -> TallGrams:
        """No rows yet."""
        parts = int(self._folds.max()) + 2
        return sums_over(Rows(self._kind), self._some, parts, self._standardise, kept=1)

    def add(self, sums: TallGrams, features: NDArray[Any]) -> None:
        """Add (M, D) finite rows."""
        point = self._known.find(features)
        numbers = np.where(point < 0, self._folds.max() + 1, self._folds[point])
        for place, block in Rows(features).stream(torch.float64, _CPU):
            sums.add(block, numbers[place])

    def axes_of(self, sums: TallGrams) -> AxesOf:
        """The axes of the rows that were added, for a fit on the sample.

        What it gives raises DataError: there are fewer rows than dimensions, or so many components are asked
        for that sums of squares do not hold the last ones.
        """

        def found(
            rows: Rows,
            device: torch.device,
            n_components: int | float,
            on_block: OnBlock | None = None,
            *,
            folds: NDArray[np.int64] | None = None,
            standardise: bool = False,
        ) -> PrincipalAxes:
            _check_enough(sums.count, rows.dimensions)
            lengths = [
                row_lengths(block.div_(sums.unit)) for _, block in rows.stream(torch.float64, _CPU, on_block)
            ]
            moments = tall_moments(sums, rows, self._some, lengths)
            axes = axes_of_moments(moments, rows, self._some, sums.count)
            if not axes.suffice(n_components):
                raise DataError(
                    f"the variance of component {axes.accurate + 1} is below a millionth of the first one's, "
                    "too little for the axes of all rows: ask for fewer components, or leave --axes all out"
                )
            if folds is None or np.array_equal(folds, self._folds):
                return axes
            # Folds with near copies together were not known when rows were added up.
            return axes._replace(grams=sums.with_folds(rows, folds))

        return found


def _check_enough(rows: int, dimensions: int) -> None:
    if rows < dimensions:
        raise DataError(
            f"the axes of all rows take at least as many rows as dimensions, and there are {rows} rows of "
            f"{dimensions} dimensions: leave --axes all out"
        )
