"""What the tests of two models say, in plain words."""

from __future__ import annotations

import math

from kdeviz.comparison.paired import SeparationTest, VerdictTest
from kdeviz.wording import count, number, percent

_MORE_THAN_CHANCE = 0.05
"""Verdicts with a p-value below it differ by more than chance explains."""


def verdict_words(test: VerdictTest) -> str:
    """Whose verdicts differ how, and whether one of the two is more often right."""
    if not test.only_first_right + test.only_second_right:
        return f"Both give the same verdict on all {count(test.labelled)} labelled samples."
    parts = []
    if test.catches_more or test.catches_fewer:
        parts.append(
            f"catches {_samples(test.catches_more, 'anomalous')} that the first misses, and misses "
            f"{count(test.catches_fewer)} that the first catches"
        )
    if test.more_false_alarms or test.fewer_false_alarms:
        parts.append(
            f"flags {_samples(test.more_false_alarms, 'normal')} that the first does not, and lets pass "
            f"{count(test.fewer_false_alarms)} that the first flags"
        )
    return f"The second {'; it '.join(parts)}. {_balance(test)}"


def _balance(test: VerdictTest) -> str:
    gain = test.only_second_right - test.only_first_right
    if not gain:
        return "All in all, neither is more often right than the other."
    more = "more" if gain > 0 else "less"
    sure = test.p_value < _MORE_THAN_CHANCE
    explained = "by more than chance explains" if sure else "which chance could explain"
    chance = _chance(test.p_value, "often right")
    return f"All in all, it is {more} often right than the first, {explained}. {chance}"


def separation_words(test: SeparationTest) -> str:
    """Which of the two separates better, and how sure that is."""
    finding, interval = separation_finding(test), interval_words(test)
    if not interval:
        return f"{finding}."
    chance = f" {_chance(test.p_value, 'good')}" if test.difference else ""
    return f"{finding} ({interval}).{chance}"


def separation_finding(test: SeparationTest) -> str:
    """What can be claimed, without a full stop."""
    first, second = areas_in_words(test)
    if test.difference == 0:
        return f"Both separate equally well: AUROC {first}"
    if math.isnan(test.p_value):
        return f"Resampling cannot tell which separates better: AUROC {first} and {second}"
    if not test.clear:
        return f"No clear difference: AUROC {first} and {second}"
    better = "better" if test.difference > 0 else "worse"
    return f"The second separates {better}: AUROC {second} against {first}"


def interval_words(test: SeparationTest) -> str:
    """The interval of the difference; empty where there is none."""
    if math.isnan(test.p_value):
        return ""
    low, high = map(number, test.interval)
    return f"{100 * test.level:g} % interval of the difference {low} to {high}"


def areas_in_words(test: SeparationTest) -> tuple[str, str]:
    """Both AUROCs: three digits, or as many more as tell the two apart."""
    first, second, digits = number(test.first), number(test.second), 3
    while first == second and test.difference != 0:
        digits += 1
        first, second = number(test.first, digits), number(test.second, digits)
    return first, second


def _samples(many: int, kind: str) -> str:
    return f"{count(many)} {kind} sample{'s' * (many != 1)}"


def _chance(p_value: float, good: str) -> str:
    return (
        f"If both were equally {good}, a difference at least this large would be chance in "
        f"{percent(p_value)} of cases."
    )
