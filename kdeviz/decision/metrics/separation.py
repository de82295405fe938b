"""Numbers for a whole ranking, and counts at one threshold."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.data import ANOMALOUS, NORMAL
from kdeviz.decision.given import check_log_density, given_labels, given_numbers
from kdeviz.errors import DataError


class Confusion(NamedTuple):
    """Counts of labelled samples at a threshold; "positive" means flagged as anomalous."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @property
    def precision(self) -> float:
        """Share of the flagged that is anomalous; NaN when nothing is flagged."""
        flagged = self.true_positives + self.false_positives
        return self.true_positives / flagged if flagged else math.nan

    @property
    def recall(self) -> float:
        """Share of the anomalous that is flagged; NaN when there is none."""
        anomalous = self.true_positives + self.false_negatives
        return self.true_positives / anomalous if anomalous else math.nan

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 when nothing is flagged."""
        either = 2 * self.true_positives + self.false_positives + self.false_negatives
        return 2 * self.true_positives / either if either else math.nan


def has_both_labels(labels: NDArray[np.int8] | None) -> bool:
    """Whether there are normal and anomalous samples: what every metric here needs."""
    if labels is None:
        return False
    labels = given_labels(labels)
    return bool((labels == NORMAL).any() and (labels == ANOMALOUS).any())


def auroc(scores: NDArray[Any], labels: NDArray[np.int8]) -> float:
    """Chance that a random anomalous sample scores lower than a random normal one (ties count half)."""
    return _ranking_of(scores, labels)[0]


def average_precision(scores: NDArray[Any], labels: NDArray[np.int8]) -> float:
    """Mean precision over the anomalous samples, from the most to the least suspicious (scikit-learn's)."""
    return _ranking_of(scores, labels)[1]


class Places(NamedTuple):
    """Where P anomalous and N normal rows lie: all that a ranking's numbers depend on; or B such rankings.

    A mark is a distinct score of the anomalous rows. Cell 2 i + 1 is the i-th mark itself, the even cells lie
    between marks.
    """

    marks: int
    anomalous: NDArray[np.intp]
    """(P,) or (B, P), the mark of each."""
    normal: NDArray[np.intp]
    """(N,) or (B, N), the cell of each."""


def places(scores: NDArray[Any], anomalous: NDArray[np.bool_]) -> Places:
    """Places of labelled rows by their scores."""
    positives, negatives = scores[anomalous], scores[~anomalous]
    marks = np.unique(positives)
    cells = np.searchsorted(marks, negatives) + np.searchsorted(marks, negatives, "right")
    return Places(len(marks), np.searchsorted(marks, positives), cells)


def ranking_numbers(ranking: Places, weight: float = 1.0) -> NDArray[np.float64]:
    """AUROC and average precision: (2,), or (2, B) of B rankings; a normal row counts as many as `weight`."""
    P, N = ranking.anomalous.shape[-1], ranking.normal.shape[-1]
    hits = _counts(ranking.anomalous, ranking.marks)
    false = np.cumsum(_counts(ranking.normal, 2 * ranking.marks + 1), -1)
    true = np.cumsum(hits, -1)
    below, up_to = false[..., :-1:2], false[..., 1::2]
    area = 1 - (hits * (below + up_to)).sum(-1) / (2 * P * N)  # a tie counts half
    return np.stack([area, (hits * (true / np.maximum(true + weight * up_to, 1))).sum(-1) / P])


def _counts(cells: NDArray[np.intp], among: int) -> NDArray[np.intp]:
    """How often each of (..., among) cells occurs along the last axis."""
    rankings = math.prod(cells.shape[:-1])
    apart = cells + among * np.arange(rankings).reshape(*cells.shape[:-1], 1)
    return np.bincount(apart.ravel(), minlength=among * rankings).reshape(*cells.shape[:-1], among)


def _ranking_of(scores: NDArray[Any], labels: NDArray[np.int8]) -> tuple[float, float]:
    area, average = ranking_numbers(places(*labelled_rows(scores, labels)))
    return float(area), float(average)


def confusion(scores: NDArray[Any], labels: NDArray[np.int8], threshold: float) -> Confusion:
    """Counts when every score below the threshold is flagged.

    Raises:
        DataError: not one label for each score, or other arrays than of numbers.
        OptionError: the threshold is not a number.
    """
    check_log_density("threshold", threshold)
    scores = given_numbers(scores, nan=True)
    known, anomalous = _known(given_labels(labels, len(scores)))
    flagged = scores[known] < threshold
    return Confusion(
        int((flagged & anomalous).sum()),
        int((flagged & ~anomalous).sum()),
        int((~flagged & anomalous).sum()),
        int((~flagged & ~anomalous).sum()),
    )


def labelled_rows(scores: NDArray[Any], labels: NDArray[np.int8]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The scores of the rows with a label, and which of these are anomalous.

    Raises:
        DataError: one of the two labels does not occur, or a score is NaN or +inf (-inf is only very low).
    """
    scores = given_numbers(scores, nan=True)
    labels = given_labels(labels, len(scores))
    known, anomalous = _known(labels)
    if not has_both_labels(labels):
        raise DataError(
            f"{int(anomalous.sum())} of {len(labels)} rows are labelled anomalous and "
            f"{int((~anomalous).sum())} normal: label at least one of each"
        )
    rows = scores[known]
    if not (rows < np.inf).all():
        raise DataError("a labelled row has the score NaN or +inf: leave that row out or score it again")
    return rows, anomalous


def _known(labels: NDArray[np.int8]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    known = (labels == NORMAL) | (labels == ANOMALOUS)
    return known, labels[known] == ANOMALOUS
