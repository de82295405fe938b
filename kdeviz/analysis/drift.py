"""Drift: whether the scored rows as a whole still look like the training rows."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis.analysis import Analysis
from kdeviz.analysis.cache import cached
from kdeviz.data import ANOMALOUS
from kdeviz.wording import percent

FEWEST = 50
"""Of fewer scored rows nothing is said."""
LEVEL = 0.005
"""A p-value below this is drift: at most 1 % of false warnings, with room for what scores share."""
_TAIL = 0.05


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
    are left out, and so are rows that the model was fitted on.

    Returns:
        None without a score set or held-out scores, and for fewer than `FEWEST` rows.
    """
    if analysis.inspects_training or not analysis.calibrated:
        return None
    counted = analysis.points < 0
    if analysis.inspected.labels is not None:
        counted &= analysis.inspected.labels != ANOMALOUS
    scores, reference = analysis.scores[counted], analysis.calibration
    if len(scores) < FEWEST:
        return None
    lower = _lower(scores, reference)
    z = (lower - 0.5) / _spread(np.concatenate([scores, reference]), len(scores), len(reference))
    tail = reference[math.floor(_TAIL * len(reference))]
    return Drift(NormalDist().cdf(-z), lower, float((scores < tail).mean()), len(scores))


def _lower(scores: NDArray[Any], reference: NDArray[Any]) -> float:
    """Share of pairs in which a score is the lower one; `reference` is sorted."""
    upper, below = (np.searchsorted(reference, scores, side) for side in ("right", "left"))
    return float(1 - (upper + below).mean() / (2 * len(reference)))


def _spread(together: NDArray[Any], m: int, n: int) -> float:
    """Standard deviation of that share where both come from one distribution; infinite if all are equal."""
    N, ties = m + n, np.unique(together, return_counts=True)[1].astype(np.float64)
    variance = (N + 1 - float((ties**3 - ties).sum()) / (N * (N - 1))) / (12 * m * n)
    return math.sqrt(variance) if variance > 0 else math.inf
