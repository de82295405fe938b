"""Intervals of counted shares, and what other intervals need.

From scipy.special: scipy.stats takes three quarters of a second to import, and the first page needs these.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from kdeviz.decision.given import check_number
from kdeviz.errors import OptionError
from kdeviz.settings import is_between
from kdeviz.wording import shown

_MOST = 2**63


class Interval(NamedTuple):
    """A confidence interval, both ends included."""

    low: float
    high: float


def rate_interval(events: float, total: float, level: float = 0.95) -> Interval:
    """The exact binomial interval of a rate (Clopper and Pearson, Biometrika 26, 1934).

    Where `events` of `total` held-out training scores lie below a threshold, this is the interval of the
    share of new normal samples that will be flagged; a thousand times that, of the alarms per 1 000.

    It also holds when the threshold is itself one of those scores, as an alarm budget makes it. With
    threshold = the (k + 1)-th lowest of n independent scores, the true rate below it is distributed as
    Beta(k + 1, n - k), whatever the scores' own (continuous) distribution. Its central interval has the upper
    end of Clopper-Pearson for k events exactly, and a higher lower end, from Beta(k + 1, n - k) instead of
    Beta(k, n - k + 1): what is given here is the wider one. Held-out scores are independent only
    approximately, since their models share most of their rows.

    Args:
        events: how many were counted, from 0 to `total`.
        total: out of how many; nothing is known about the rate of none: the interval is (0, 1).
        level: the share of such intervals that hold the true rate, at least; above 0 and below 1.

    Raises:
        OptionError: a number out of its range.
    """
    from scipy.special import betainccinv, betaincinv

    check_level(level)
    if not (is_between(total, 0, _MOST) and is_between(events, 0, total)):
        raise OptionError(
            f"{shown(events)} events of {shown(total)} is not possible: give 0 <= events <= total"
        )
    events, total, tail = float(events), float(total), (1 - float(level)) / 2
    return Interval(
        float(betaincinv(events, total - events + 1, tail)) if events > 0 else 0.0,
        float(betainccinv(events + 1, total - events, tail)) if events < total else 1.0,
    )


def student_quantile(level: float, freedom: int) -> float:
    """Where the central share `level` of Student's distribution ends; infinite where there is no freedom."""
    from scipy.special import stdtrit

    check_level(level)
    check_number("freedom", freedom)
    return float(stdtrit(float(freedom), (1 + float(level)) / 2)) if freedom > 0 else math.inf


def check_level(level: float) -> None:
    """Raise an OptionError unless it lies between 0 and 1."""
    if not is_between(level, 0, 1) or level in (0, 1):
        raise OptionError(
            f"level={shown(level)} is not possible: give a share above 0 and below 1, such as 0.95"
        )
