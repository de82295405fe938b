"""Which input features matter for many rows together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis
from kdeviz.errors import OptionError
from kdeviz.explain.place import Floats
from kdeviz.explain.row import explain
from kdeviz.explain.spread import feature_spread, in_spreads

MOST_ROWS = 100


class Matters(NamedTuple):
    """How much each input feature would have to change for rows to become usual, over S of R rows."""

    features: NDArray[np.int64]
    """(F,) those that matter most, the first of them first."""
    change: Floats
    """(F,) root mean square of the change, in standard deviations of the feature in training."""
    direction: Floats
    """(F,) from -1 to 1: mean change divided by `change`; 1 if all of them would have to rise alike."""
    rows: int
    """R."""
    looked_at: int
    """S."""


def features_that_matter(
    analysis: Analysis, rows: NDArray[np.int64], features: int = 12, most: int = MOST_ROWS
) -> Matters:
    """The features in which these inspected rows, taken together, are most unusual.

    For each row the model tells the smallest change of its features that takes it to the nearest usual rows
    (`Direction.feature_shift`). Feature f matters by the root mean square, over the rows, of its part of that
    change divided by its standard deviation in training:

        change_f = sqrt(mean_i (shift_if / sd_f) ^ 2),  direction_f = mean_i (shift_if / sd_f) / change_f

    Where there are more than `most` rows, so many of them are looked at, evenly spaced in the order of their
    scores.

    Args:
        analysis: of a fitted model whose training rows are there.
        rows: (R,) which inspected rows, for example the flagged ones.
        features: how many features to name; all, if there are fewer.
        most: how many rows to look at.

    Raises:
        OptionError: there are no rows.
    """
    if not len(rows):
        raise OptionError("no row is given, so no feature matters: flag some samples, or select some")
    ordered = rows[np.argsort(analysis.scores[rows], kind="stable")]
    chosen = ordered[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(np.int64))]
    spread = feature_spread(analysis)
    total, squares = np.zeros(len(spread)), np.zeros(len(spread))
    for row in fold_by_fold(analysis, chosen):
        shift = in_spreads(explain(analysis, int(row), features=1).direction.feature_shift, spread)
        total += shift
        squares += shift**2
    change = np.sqrt(squares / len(chosen))
    named = np.argsort(-change, kind="stable")[:features]
    direction = in_spreads(total / len(chosen), change)
    return Matters(named, change[named], direction[named], len(rows), len(chosen))


def fold_by_fold(analysis: Analysis, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """These inspected rows in an order in which `explain` makes the model of each fold only once."""
    points, folds = analysis.points[rows], analysis.classifier.folds
    if not len(folds):
        return rows
    return rows[np.argsort(np.where(points >= 0, folds[points], -1), kind="stable")]
