"""Recall at a false-positive rate: how many anomalies are found for a given share of false alarms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.decision import (
    Estimate,
    ThresholdRule,
    check_resampling,
    labelled_rows,
    rate_interval,
    resampled,
    student_quantile,
)


def recall_at_fpr(
    scores: NDArray[Any],
    labels: NDArray[np.int8],
    fpr: float = 0.01,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """Share of the anomalous samples below the highest threshold that flags at most `fpr` of the normal ones.

    The interval is that of `bootstrap`, except that the threshold is chosen anew in each resample.
    Resampling needs no loop: of N normal scores drawn with replacement, the (j + 1)-th lowest is the score of
    rank floor(N B), B being distributed as Beta(j + 1, N - j), and the anomalous ones below it are then
    binomial. Where every resample agrees the interval is that of the count alone (`rate_interval`), with the
    threshold held fixed.

    Args:
        scores: (M,) log densities in nats; -inf is allowed.
        labels: (M,) of NORMAL, ANOMALOUS, UNKNOWN; unlabelled rows are left out.
        fpr: from 0 to below 1; below one in N normal samples, none may be flagged.
        resamples: how many.
        seed: the same seed gives the same interval.
        level: the share of such intervals that hold the true value.

    Raises:
        DataError: a label does not occur, or a score is NaN or +inf.
        OptionError: `fpr` is out of its range.
    """
    ThresholdRule("fpr", fpr)  # checks the rate
    check_resampling(resamples, level)
    rows, anomalous = labelled_rows(scores, labels)
    normal, positives = np.sort(rows[~anomalous]), np.sort(rows[anomalous])
    N, P = len(normal), len(positives)
    allowed = math.floor(fpr * N * (1 + 1e-12))  # forgives the rounding of a product
    caught = int(np.searchsorted(positives, normal[allowed]))

    random = np.random.default_rng(seed)
    ranks = np.minimum((N * random.beta(allowed + 1, N - allowed, resamples)).astype(np.int64), N - 1)
    below = np.searchsorted(positives, normal[ranks])
    drawn = random.binomial(P, below / P) / P
    quantile = student_quantile(level, min(P, N) - 1)
    return resampled(caught / P, drawn, quantile, rate_interval(caught, P, level))
