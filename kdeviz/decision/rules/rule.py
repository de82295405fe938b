"""Rule: what every threshold rule can do, and what it is asked with."""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.data import ANOMALOUS, NORMAL
from kdeviz.decision.given import given_labels
from kdeviz.errors import DataError, OptionError
from kdeviz.model import ProbabilityCurve
from kdeviz.settings import as_python_number, is_between
from kdeviz.wording import plain_number, shown

_LARGEST = sys.float_info.max


class Scores(NamedTuple):
    """What a rule may look at."""

    train: NDArray[Any]
    """(c,) held-out log densities of the training rows, equal rows once, in nats; none if there are none."""
    inspected: NDArray[Any]
    """(M,) log densities of the inspected rows."""
    labels: NDArray[np.int8] | None = None
    """(M,) of NORMAL, ANOMALOUS, UNKNOWN; None without labels."""
    curve: ProbabilityCurve = ProbabilityCurve()
    p_values: NDArray[np.float64] | None = None
    """(M,) of the inspected rows; None where the training rows were not held out."""


class Asked(NamedTuple):
    """How a person is asked for the value of a rule. It is shown in units of `unit`: 0.01 for per cent."""

    label: str
    start: float
    low: float | None = None
    high: float | None = None
    step: float = 1.0
    unit: float = 1.0
    format: str | None = None
    whole: bool = False


@dataclass(frozen=True)
class Rule(ABC):
    """How a threshold is chosen. A new rule is a subclass in a module of its own, and a line in `RULES`."""

    value: float

    name: ClassVar[str]
    """By which files, commands and addresses know it."""
    title: ClassVar[str]
    """For people who choose among rules."""
    address: ClassVar[str] = ""
    """See `address_key`; empty for the usual one."""
    takes: ClassVar[str]
    """What its value is, in words."""
    aims_at: ClassVar[str] = "by the rule “{title}”"
    """What the threshold is chosen for, to follow "the line is drawn": words that need no statistics.
    {value} and {percent} stand for the value."""
    explained: ClassVar[str] = ""
    """What its value does, a sentence for the help beside it."""
    formula: ClassVar[str] = ""
    """The same in LaTeX, with the threshold t; for the help, which shows a histogram without it."""
    asks: ClassVar[Asked | None] = None
    """How a person is asked for it; see `asked`."""
    usual: ClassVar[float | None] = None
    """The value when none is given; None where one has to be given."""
    labels_needed: ClassVar[frozenset[int]] = frozenset({NORMAL, ANOMALOUS})
    """Which labels have to be there for a rule that needs labels."""
    needs_labels: ClassVar[bool] = False
    """Whether it looks at the labels of the inspected rows, and needs both kinds."""
    of_training: ClassVar[bool] = False
    """Whether training scores and the curve are all that it looks at."""
    on_the_scale: ClassVar[bool] = False
    """Whether its value is a place on the scale of the scores, which other data do not share."""
    of_these_rows: ClassVar[bool] = False
    """Whether what it promises is about the inspected rows together, and not about others."""

    def __post_init__(self) -> None:
        if not is_between(self.value, -_LARGEST, _LARGEST) or not self.allowed():
            raise OptionError(f"the {self.name} rule cannot take {shown(self.value)}: {self.takes}")
        object.__setattr__(self, "value", as_python_number(self.value))

    def allowed(self) -> bool:
        """Whether the rule can take the value: above 0 and below 1, unless a rule says otherwise."""
        return 0 < self.value < 1

    @abstractmethod
    def threshold(self, scores: Scores) -> float:
        """The threshold, in nats; labels of both kinds are there where the rule needs them."""

    @classmethod
    def asked(cls, inspected: int) -> Asked | None:
        """How to ask for the value when so many rows are inspected; None for a rule that takes none."""
        return cls.asks or Asked(cls.title, cls.usual or 0.0)

    @classmethod
    def address_key(cls) -> str:
        """Under which name a page's address holds the value."""
        return cls.address or f"{cls.name}_value"

    @property
    def in_words(self) -> str:
        """The rule and its value, short."""
        return f"{self.name} {self.value:g}"

    @property
    def aim(self) -> str:
        """`aims_at` with the value."""
        value = plain_number(self.value)
        return self.aims_at.format(title=self.title, value=value, percent=plain_number(100 * self.value))

    def remark(self, scores: Scores, flagged: int) -> str:
        """What there is to say when so many inspected rows are flagged, a sentence, or nothing."""
        return ""

    def for_rows(self, rows: int, of: int) -> float:
        """The value that asks the same of `rows` rows as `value` asks of `of` rows."""
        return self.value

    @classmethod
    def usable(cls, labels: NDArray[np.int8] | None) -> bool:
        """Whether the labels are there that it needs."""
        if not cls.needs_labels or labels is None:
            return not cls.needs_labels
        return cls.labels_needed <= set(given_labels(labels).tolist())

    def check_labels(self, labels: NDArray[np.int8] | None) -> None:
        """Raise DataError if the rule needs labels that are not there."""
        if not self.usable(labels):
            kinds = "both normal and anomalous" if ANOMALOUS in self.labels_needed else "normal"
            raise DataError(f"the {self.name} rule needs {kinds} labels: choose another rule")


def share_of(share: float, n: int) -> int:
    """So many of n, rounded down, forgiving the rounding of a product: 0.29 * 100 is 28.999999999999996."""
    return math.floor(share * n * (1 + 1e-12))


def below_k(scores: NDArray[Any], k: int) -> float:
    """A threshold with at most k scores strictly below it, and exactly k where there is no tie.

    It is `midway` to the next lower score; above all scores where all may be below; -inf without any.
    """
    if not len(scores):
        return -math.inf
    if k < len(scores):
        return midway(scores, np.partition(scores, k)[k])
    different = np.unique(scores)
    beyond = different[-1] + _half_step(different[-2:])
    above = np.nextafter(different[-1], np.inf, dtype=scores.dtype)
    return float(beyond if beyond > above else above)


def midway(scores: NDArray[Any], limit: Any) -> float:
    """A threshold below which lie the scores that are lower than `limit`, which is one of them.

    It is in the middle between `limit` and the next lower score, so that no rounding of a score moves it to
    the other side; below the lowest score, half as far out as the next one is inside.
    """
    lower = scores[scores < limit]
    if not len(lower):
        return float(limit - _half_step(np.unique(scores)[:2]))
    next_lower = lower.max()
    middle = (next_lower.astype(np.float64) / 2 + limit / 2).astype(scores.dtype)
    return float(middle if middle > next_lower else limit)


def _half_step(scores: NDArray[Any]) -> Any:
    """Half the distance of two scores; 0 where there is one, or an infinite one."""
    step = (scores[-1] - scores[0]) / 2 if np.isfinite(scores).all() else 0
    return scores.dtype.type(step)
