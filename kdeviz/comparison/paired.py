"""Tests of two models on the same labelled samples."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.data import ANOMALOUS, NORMAL
from kdeviz.decision import (
    ROWS_AT_ONCE,
    Interval,
    Places,
    auroc,
    check_resampling,
    labelled_rows,
    places,
    ranking_numbers,
    student_quantile,
)
from kdeviz.errors import DataError
from kdeviz.wording import count, number, percent

_MORE_THAN_CHANCE = 0.05
"""Verdicts with a p-value below it differ by more than chance explains."""


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

    @property
    def sentence(self) -> str:
        """The result in plain words."""
        if not self.only_first_right + self.only_second_right:
            return f"Both give the same verdict on all {count(self.labelled)} labelled samples."
        parts = []
        if self.catches_more or self.catches_fewer:
            parts.append(
                f"catches {_samples(self.catches_more, 'anomalous')} that the first misses, and misses "
                f"{count(self.catches_fewer)} that the first catches"
            )
        if self.more_false_alarms or self.fewer_false_alarms:
            parts.append(
                f"flags {_samples(self.more_false_alarms, 'normal')} that the first does not, and lets pass "
                f"{count(self.fewer_false_alarms)} that the first flags"
            )
        return f"The second {'; it '.join(parts)}. {self._balance}"

    @property
    def _balance(self) -> str:
        """Which of the two is more often right, and whether that is more than chance."""
        gain = self.only_second_right - self.only_first_right
        if not gain:
            return "All in all, neither is more often right than the other."
        more = "more" if gain > 0 else "less"
        sure = self.p_value < _MORE_THAN_CHANCE
        explained = "by more than chance explains" if sure else "which chance could explain"
        return (
            f"All in all, it is {more} often right than the first, {explained}. "
            f"{_chance(self.p_value, 'often right')}"
        )


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

    @property
    def areas(self) -> tuple[str, str]:
        """Both AUROCs in words: three digits, or as many more as tell the two apart."""
        first, second = number(self.first), number(self.second)
        digits = 3
        while first == second and self.difference != 0:
            digits += 1
            first, second = number(self.first, digits), number(self.second, digits)
        return first, second

    @property
    def finding(self) -> str:
        """What can be claimed, without a full stop."""
        first, second = self.areas
        if self.difference == 0:
            return f"Both separate equally well: AUROC {first}"
        if math.isnan(self.p_value):
            return f"Resampling cannot tell which separates better: AUROC {first} and {second}"
        if not self.clear:
            return f"No clear difference: AUROC {first} and {second}"
        better = "better" if self.difference > 0 else "worse"
        return f"The second separates {better}: AUROC {second} against {first}"

    @property
    def interval_words(self) -> str:
        """The interval of the difference; empty where there is none."""
        if math.isnan(self.p_value):
            return ""
        low, high = map(number, self.interval)
        return f"{100 * self.level:g} % interval of the difference {low} to {high}"

    @property
    def sentence(self) -> str:
        """The result in plain words."""
        if not self.interval_words:
            return f"{self.finding}."
        chance = f" {_chance(self.p_value, 'good')}" if self.difference else ""
        return f"{self.finding} ({self.interval_words}).{chance}"


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
    found = VerdictTest(
        labelled=int((anomalous | normal).sum()),
        catches_more=int((only_second & anomalous).sum()),
        catches_fewer=int((only_first & anomalous).sum()),
        more_false_alarms=int((only_second & normal).sum()),
        fewer_false_alarms=int((only_first & normal).sum()),
        p_value=1.0,
    )
    discordant = found.only_first_right + found.only_second_right
    if not discordant:
        return found
    return found._replace(p_value=float(binomtest(found.only_second_right, discordant).pvalue))


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
    found = SeparationTest(
        auroc(first, labels), auroc(second, labels), Interval(math.nan, math.nan), level, math.nan
    )
    spread = _spread(places(one, anomalous), places(other, anomalous), resamples, seed)
    freedom = min(int(anomalous.sum()), int((~anomalous).sum())) - 1
    if not spread or not freedom:
        return found
    half_width = student_quantile(level, freedom) * spread
    low, high = found.difference - half_width, found.difference + half_width
    return found._replace(
        interval=Interval(max(low, -1.0), min(high, 1.0)),
        p_value=2 * float(stdtr(freedom, -abs(found.difference) / spread)),
    )


def _spread(one: Places, other: Places, resamples: int, seed: int) -> float:
    """Standard deviation of the resampled differences; 0 where all of them agree."""
    # One for each label, so that nothing depends on how many resamples are counted at once.
    randoms = np.random.default_rng(seed).spawn(2)
    P, N = len(one.anomalous), len(one.normal)
    drawn = np.empty(resamples)
    at_once = max(ROWS_AT_ONCE // (P + N), 1)
    for start in range(0, resamples, at_once):
        part = drawn[start : start + at_once]
        rows = [each.integers(n, size=(len(part), n)) for each, n in zip(randoms, (P, N), strict=True)]
        part[:] = _areas(other, *rows) - _areas(one, *rows)
    step = 1 / (2 * P * N)  # areas are multiples of it: what is less is rounding
    return float(drawn.std(ddof=1)) if np.ptp(drawn) > step / 2 else 0.0


def _areas(found: Places, anomalous: NDArray[np.int64], normal: NDArray[np.int64]) -> NDArray[np.float64]:
    """AUROC of each resample, given as positions among the anomalous and among the normal rows."""
    areas: NDArray[np.float64] = ranking_numbers(
        Places(found.marks, found.anomalous[anomalous], found.normal[normal])
    )[0]
    return areas


def _samples(many: int, kind: str) -> str:
    return f"{count(many)} {kind} sample{'s' * (many != 1)}"


def _chance(p_value: float, good: str) -> str:
    return (
        f"If both were equally {good}, a difference at least this large would be chance in "
        f"{percent(p_value)} of cases."
    )
