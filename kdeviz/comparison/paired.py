"""Tests of two models on the same labelled samples."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.data import ANOMALOUS, NORMAL
from kdeviz.decision import (
    Interval,
    auroc,
    check_resampling,
    labelled_rows,
    places,
    resampled_rankings,
    student_quantile,
)
from kdeviz.errors import DataError


class VerdictTest(NamedTuple):
    """McNemar's test: are the verdicts of one more often right than those of the other?"""

    labelled: int
    catches_more: int
    """Anomalous samples that only the second flags."""
    catches_fewer: int
    """Anomalous samples that only the first flags."""
    more_false_alarms: int
    """Normal samples that only the second flags."""
    fewer_false_alarms: int
    """Normal samples that only the first flags."""
    p_value: float
    """Chance of a difference at least this large if both were equally often right."""

    @property
    def only_first_right(self) -> int:
        """Samples on which the first is right and the second wrong."""
        return self.catches_fewer + self.more_false_alarms

    @property
    def only_second_right(self) -> int:
        """Samples on which the second is right and the first wrong."""
        return self.catches_more + self.fewer_false_alarms


class SeparationTest(NamedTuple):
    """The difference of two AUROCs on the same samples."""

    first: float
    second: float
    interval: Interval
    """Of the difference; (NaN, NaN) where every resample gives the same one, or a label has one sample."""
    level: float
    p_value: float
    """Chance of a difference at least this large if both separated equally well; NaN without an interval."""

    @property
    def difference(self) -> float:
        """Second minus first."""
        return self.second - self.first

    @property
    def clear(self) -> bool:
        """Whether the interval of the difference leaves out zero."""
        low, high = self.interval
        return low > 0 or high < 0


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_], labels: NDArray[np.int8]) -> VerdictTest:
    """McNemar's exact test of two sets of verdicts on the same samples.

    Of the samples on which exactly one of the two is right, each one is right on half if they are equally
    good; the p-value is that of a two-sided binomial test. The thresholds are taken as given.
    Source: Q. McNemar, Psychometrika 12, 1947.

    Args:
        first: (M,) True where the first says anomalous.
        second: (M,) of the other.
        labels: (M,) of NORMAL, ANOMALOUS, UNKNOWN; unlabelled samples are left out.

    Raises:
        DataError: no sample is labelled, or the lengths differ.
    """
    from scipy.stats import binomtest

    if not len(first) == len(second) == len(labels):
        raise DataError(
            f"{len(first)} and {len(second)} verdicts, {len(labels)} labels: give one of each per sample"
        )
    anomalous, normal = labels == ANOMALOUS, labels == NORMAL
    if not (anomalous | normal).any():
        raise DataError("no sample is labelled: label at least one to compare verdicts")
    only_first, only_second = first & ~second, second & ~first
    test = VerdictTest(
        labelled=int((anomalous | normal).sum()),
        catches_more=int((only_second & anomalous).sum()),
        catches_fewer=int((only_first & anomalous).sum()),
        more_false_alarms=int((only_second & normal).sum()),
        fewer_false_alarms=int((only_first & normal).sum()),
        p_value=1.0,
    )
    discordant = test.only_first_right + test.only_second_right
    if not discordant:
        return test
    return test._replace(p_value=float(binomtest(test.only_second_right, discordant).pvalue))


def auroc_difference(
    first: NDArray[Any],
    second: NDArray[Any],
    labels: NDArray[np.int8],
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> SeparationTest:
    """AUROC of the second scores minus that of the first, with a paired stratified bootstrap.

    The normal and the anomalous samples are resampled, each as often as there are; both AUROCs are computed
    on the same resample. With s the standard deviation of the resampled differences, the interval is
    difference -+ t s and the p-value that of difference / s, by Student's distribution with as many degrees
    of freedom as the rarer label has samples, less one. In simulations with 20 to 100 anomalous samples the
    95 % intervals held the truth 0.95 to 0.96 of the time, but only 0.90 with 25 samples and AUROCs of 0.96
    against 0.99; equal models were told apart in 4 to 5 %.
    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 12.3.

    Args:
        first: (M,) log densities in nats, -inf allowed; lower is more anomalous.
        second: (M,) of the same samples.
        labels: (M,) of NORMAL, ANOMALOUS, UNKNOWN; unlabelled samples are left out.
        resamples: how many.
        seed: the same seed gives the same interval.
        level: the share of such intervals that hold the true difference; above 0 and below 1.

    Raises:
        DataError: a label does not occur, or a score is NaN or +inf.
        OptionError: a number out of its range.
    """
    from scipy.special import stdtr

    check_resampling(resamples, level)
    (one, anomalous), (other, _) = labelled_rows(first, labels), labelled_rows(second, labels)
    test = SeparationTest(
        auroc(first, labels), auroc(second, labels), Interval(math.nan, math.nan), level, math.nan
    )
    rankings = places(one, anomalous), places(other, anomalous)
    drawn = resampled_rankings(rankings, resamples, np.random.default_rng(seed))[:, 0]
    P, N = int(anomalous.sum()), int((~anomalous).sum())
    spread, freedom = _spread(drawn[1] - drawn[0], P, N), min(P, N) - 1
    if not spread or not freedom:
        return test
    half_width = student_quantile(level, freedom) * spread
    low, high = test.difference - half_width, test.difference + half_width
    return test._replace(
        interval=Interval(max(low, -1.0), min(high, 1.0)),
        p_value=2 * float(stdtr(freedom, -abs(test.difference) / spread)),
    )


def _spread(differences: NDArray[np.float64], P: int, N: int) -> float:
    """Their standard deviation; 0 where all agree. Areas are multiples of 1 / (2 P N): less is rounding."""
    return float(differences.std(ddof=1)) if np.ptp(differences) > 1 / (4 * P * N) else 0.0
