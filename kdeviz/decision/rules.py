"""From log density to a yes or no."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.data import ANOMALOUS, NORMAL
from kdeviz.errors import DataError, OptionError
from kdeviz.model import ProbabilityCurve


@dataclass(frozen=True)
class ThresholdRule:
    """How the threshold on log density is chosen; a sample below it is flagged.

    Attributes:
        kind: one of THRESHOLD_RULES.
        value: what that rule takes: a share of normal samples ("quantile", "fpr"), alarms per 1 000 normal
            samples ("per_1000", the same budget in other words), a count ("top_k"), a log density in nats, or
            a probability; "best_f1" takes none.

    Raises:
        OptionError: an unknown kind or a value out of its range.
    """

    kind: str = "quantile"
    value: float = 0.01

    def __post_init__(self) -> None:
        if self.kind not in THRESHOLD_RULES:
            raise OptionError(
                f"threshold rule {self.kind!r} is not known: choose {', '.join(THRESHOLD_RULES)}"
            )
        if not _VALID[self.kind](self.value):
            raise OptionError(
                f"the {self.kind} rule cannot take {self.value!r}: {THRESHOLD_RULES[self.kind]}"
            )

    @property
    def needs_labels(self) -> bool:
        """Whether the rule looks at the labels of the scored samples."""
        return self.kind in LABEL_RULES

    def threshold(
        self,
        train_scores: NDArray[Any],
        scores: NDArray[Any],
        labels: NDArray[np.int8] | None = None,
        curve: ProbabilityCurve | None = None,
    ) -> float:
        """The threshold, in nats.

        Args:
            train_scores: (n,) leave-one-out log densities of the training rows.
            scores: (M,) log densities of the inspected rows.
            labels: (M,) of NORMAL, ANOMALOUS, UNKNOWN; for the rules that need them.
            curve: for the probability rule; the default curve if None.

        Raises:
            DataError: the rule needs labels of both kinds and they are not there.
        """
        if self.needs_labels and (labels is None or not {NORMAL, ANOMALOUS} <= set(labels.tolist())):
            raise DataError(
                f"the {self.kind} rule needs both normal and anomalous labels: choose another rule"
            )
        match self.kind:
            case "quantile" | "per_1000":
                share = self.value if self.kind == "quantile" else self.value / 1000
                return _below_k(train_scores, _whole_part(share * len(train_scores)))
            case "top_k":
                return _below_k(scores, int(self.value))
            case "log_density":
                return float(self.value)
            case "probability":
                return (curve or ProbabilityCurve()).inverse(self.value)
            case "fpr":
                assert labels is not None
                normal = scores[labels == NORMAL]
                return _below_k(normal, _whole_part(self.value * len(normal)))
            case _:
                assert labels is not None
                return best_f1_threshold(scores, labels)


THRESHOLD_RULES = {
    "quantile": "the share of normal samples that may be flagged, above 0 and below 1",
    "per_1000": "how many of 1000 normal samples may be flagged, above 0 and below 1000",
    "top_k": "how many of the inspected samples to flag, a whole number, 0 or more",
    "log_density": "a finite log density in nats",
    "probability": "a probability above 0 and below 1",
    "best_f1": "no value; it is found from the labels",
    "fpr": "the share of samples labelled normal that may be flagged, from 0 to below 1",
}
"""The rules, and in words what each one's value is."""

LABEL_RULES = ("best_f1", "fpr")
"""The rules that need labels of both kinds."""

_VALID: dict[str, Callable[[float], bool]] = {
    "quantile": lambda value: 0 < value < 1,
    "per_1000": lambda value: 0 < value < 1000,
    "top_k": lambda value: value >= 0 and float(value).is_integer(),
    "log_density": math.isfinite,
    "probability": lambda value: 0 < value < 1,
    "best_f1": lambda value: True,
    "fpr": lambda value: 0 <= value < 1,
}


def _whole_part(value: float) -> int:
    """Rounded down, forgiving the rounding of a product: 0.29 * 100 is 28.999999999999996."""
    return math.floor(value * (1 + 1e-12))


def _below_k(scores: NDArray[Any], k: int) -> float:
    """A threshold with at most k scores strictly below it, and exactly k where there is no tie."""
    if k >= len(scores):
        return float(np.nextafter(scores.max(), np.inf, dtype=scores.dtype))
    return float(np.partition(scores, k)[k])


def best_f1_threshold(scores: NDArray[Any], labels: NDArray[np.int8]) -> float:
    """The threshold with the highest F1 on the labelled rows; the lowest such threshold in a tie."""
    known = (labels == NORMAL) | (labels == ANOMALOUS)
    order = np.argsort(scores[known], kind="stable")
    ordered, anomalous = scores[known][order], labels[known][order] == ANOMALOUS
    found = np.cumsum(anomalous)
    f1 = 2 * found / (np.arange(1, len(ordered) + 1) + found[-1])
    ends_tie = np.append(ordered[1:] > ordered[:-1], True)
    last = int(np.argmax(np.where(ends_tie, f1, -1)))
    return _below_k(ordered, last + 1)
