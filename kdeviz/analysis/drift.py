"""Drift: whether the scored rows as a whole, or in parts, still look like the training rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis.analysis import Analysis
from kdeviz.analysis.cache import cached
from kdeviz.data import ANOMALOUS, Rows, row_keys
from kdeviz.wording import percent

FEWEST = 50
"""Of fewer scored rows nothing is said."""
LEVEL = 0.005
"""A p-value below this is drift: at most 1 % of false warnings, with room for what scores share."""
MOST = 2**16
"""So many rows are looked at: with more, the training rows are what limits how much can be seen."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio: its multiples, without what is above 2^64, are evenly spread."""
_TAIL = 0.05

BesideRows = Callable[[NDArray[np.int64]], Sequence[Any]]
"""Gives what is known of some rows of a part, one value for each."""


class Drift(NamedTuple):
    """How much lower the scored rows score than rows like those of the training would."""

    p_value: float
    """Of the one-sided test that they do not."""
    lower: float
    """Share of pairs in which a scored row scores lower than a training row, ties counting half: 0.5 if
    they are alike."""
    in_tail: float
    """Share of the scored rows that score lower than 95 % of the training rows; 0.05 if alike."""
    rows: int
    """Scored rows that were looked at."""

    @property
    def found(self) -> bool:
        """Whether it is more than chance."""
        return self.p_value < LEVEL

    @property
    def in_words(self) -> str:
        """One sentence, with its size."""
        if not self.found:
            return "The scored samples as a whole look like the training samples."
        return (
            "The scored samples as a whole look unlike the training samples: "
            f"{percent(self.in_tail)} score lower than 95 % of them would, and a scored sample scores lower "
            f"than a training sample in {percent(self.lower)} of pairs, where half is usual."
        )


@cached
def drift(analysis: Analysis) -> Drift | None:
    """Compare the scored rows' scores with the held-out scores of the training rows.

    A one-sided test of Mann and Whitney (Annals of Mathematical Statistics 18, 1947), with the normal
    approximation and its correction for ties. A whole model scores new rows a little higher than a fold's
    model does, so the test errs on the quiet side. Rows labelled anomalous, which are expected to score low,
    are left out, and so are rows that the model was fitted on or that equal one of those: what is left is
    compared with training rows that equal no other. Of more than `MOST` rows as many are looked at.

    Returns:
        None without a score set or held-out scores, and for fewer than `FEWEST` rows.
    """
    if analysis.scores_training or not analysis.calibrated:
        return None
    counted = analysis.points < 0
    if analysis.inspected.labels is not None:
        counted &= analysis.inspected.labels != ANOMALOUS
    rows = _spread_rows(np.arange(len(counted)))
    rows = rows[counted[rows]]
    scores = analysis.scores[rows]
    return _compared(scores, _reference(analysis), _independent(analysis.inspected.features, rows, scores))


class DriftInParts:
    """What `drift` says of all rows of a file that is scored in parts, whatever their order."""

    def __init__(self, model: Analysis) -> None:
        self._reference = _reference(model) if model.calibrated else None
        self._kept: dict[str, NDArray[Any]] = {}
        self._last = np.iinfo(np.uint64).max
        self._lock = Lock()

    def add(self, analysis: Analysis, first_row: int, beside: BesideRows) -> None:
        """Some rows of the file, from this one on, and what to keep `beside` them."""
        if self._reference is None:
            return
        numbers = np.arange(first_row, first_row + len(analysis.scores))
        rows = _spread_rows(numbers)
        rows = rows[_places(numbers[rows]) <= self._last]
        part = {
            "number": numbers[rows],
            "score": analysis.scores[rows],
            "new": analysis.points[rows] < 0,
            "key": row_keys(Rows(analysis.inspected.features).select(rows))[:, -1],
            "beside": np.empty(len(rows), object),
        }
        part["beside"][:] = beside(rows)
        with self._lock:
            self._keep(part)

    def _keep(self, part: dict[str, NDArray[Any]]) -> None:
        if self._kept:
            part = {name: np.concatenate([self._kept[name], values]) for name, values in part.items()}
        order = np.argsort(part["number"])  # in that of the file, whichever part was done first
        chosen = order[_spread_rows(part["number"][order])]
        self._kept = {name: values[chosen] for name, values in part.items()}
        if len(chosen) == MOST:
            self._last = int(_places(self._kept["number"]).max())

    def found(self, counted: Callable[[Sequence[Any]], NDArray[np.bool_]]) -> Drift | None:
        """The outcome, as `drift` has it, of those rows that count by the values beside them."""
        if self._reference is None or not self._kept:
            return None
        new = self._kept["new"] & counted(list(self._kept["beside"]))
        times = np.unique(self._kept["key"][new], return_counts=True)[1]
        return _compared(self._kept["score"][new], self._reference, _effective(times))


def _compared(scores: NDArray[Any], reference: NDArray[Any], rows: float) -> Drift | None:
    """The outcome of the test of new scores that may be normal; None for fewer than `FEWEST`.

    `rows` is how many independent ones say as much as the new rows.
    """
    if len(scores) < FEWEST:
        return None
    lower = _lower(scores, reference)
    together = np.concatenate([scores, reference])
    z = (lower - 0.5) / _spread(together, rows, len(reference))
    tail = reference[math.floor(_TAIL * len(reference))]
    return Drift(NormalDist().cdf(-z), lower, float((scores < tail).mean()), len(scores))


def _spread_rows(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which of the rows with these numbers to look at: all, or `MOST`, spread over them.

    Chosen from rows that were chosen in parts, they are those that would be chosen from all at once.
    """
    if len(numbers) <= MOST:
        return np.arange(len(numbers))
    return np.sort(np.argpartition(_places(numbers), MOST - 1)[:MOST])


def _places(numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """In which order rows with these numbers are chosen."""
    return np.asarray(numbers.astype(np.uint64) * _GOLDEN)


def _reference(analysis: Analysis) -> NDArray[Any]:
    """Held-out scores, ascending, of training rows without copies; of all different ones if few have none.

    Among rows of few values, such as integers, usual ones are equal to others: scored rows that equal none
    are unusual, and have to be compared with such.
    """
    copies = analysis.classifier.copies
    if len(copies) != len(analysis.held_out_scores):  # of a run that does not fit its model
        return analysis.calibration
    alone = np.unique(copies, return_inverse=True, return_counts=True)
    scores = analysis.held_out_scores[alone[2][alone[1]] == 1]
    return np.sort(scores) if len(scores) >= FEWEST else analysis.calibration


def _lower(scores: NDArray[Any], reference: NDArray[Any]) -> float:
    """Share of pairs in which a score is the lower one; `reference` is sorted."""
    upper, below = (np.searchsorted(reference, scores, side) for side in ("right", "left"))
    return float(1 - (upper + below).mean() / (2 * len(reference)))


def _independent(features: NDArray[Any], which: NDArray[np.int64], scores: NDArray[Any]) -> float:
    """How many independent rows say as much as some of these; copies are looked for among equal scores."""
    place, times = np.unique(scores, return_inverse=True, return_counts=True)[1:]
    tied = np.flatnonzero(times[place] > 1)
    if not len(tied) or not features.shape[1]:  # the rows are not here
        return len(scores)
    times = np.unique(row_keys(Rows(features).select(which[tied])), axis=0, return_counts=True)[1]
    return _effective(np.concatenate([times, np.ones(len(scores) - len(tied), np.int64)]))


def _effective(times: NDArray[np.int64]) -> float:
    """How many independent rows say as much as different ones that are there so many times each.

    Source: L. Kish, Survey Sampling, 1965, section 11.7, on unequal weights.
    """
    return float(times.sum() ** 2 / np.square(times.astype(np.float64)).sum()) if len(times) else 0.0


def _spread(together: NDArray[Any], m: float, n: float) -> float:
    """Standard deviation of that share where both come from one distribution; infinite if all are equal.

    m and n are how many of all scores are independent, on either side.
    """
    N, ties = len(together), np.unique(together, return_counts=True)[1].astype(np.float64)
    untied = 1 - float((ties**3 - ties).sum()) / (N * (N - 1) * (N + 1))
    variance = (m + n + 1) * untied / (12 * m * n)
    return math.sqrt(variance) if variance > 0 else math.inf
