"""The rules by name, and ThresholdRule, which names one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.decision.given import check_kind, check_whole, given_labels, given_numbers
from kdeviz.decision.rules.best_f1 import BestF1
from kdeviz.decision.rules.fdr import FalseDiscoveryRate
from kdeviz.decision.rules.fpr import FalsePositiveRate
from kdeviz.decision.rules.log_density import LogDensity
from kdeviz.decision.rules.per_1000 import Per1000
from kdeviz.decision.rules.probability import Probability
from kdeviz.decision.rules.quantile import Quantile
from kdeviz.decision.rules.rule import Rule, Scores
from kdeviz.decision.rules.top_k import TopK
from kdeviz.errors import DataError, OptionError
from kdeviz.model import ProbabilityCurve
from kdeviz.wording import shown

_ALL: tuple[type[Rule], ...] = (
    Quantile,
    Per1000,
    FalseDiscoveryRate,
    TopK,
    LogDensity,
    Probability,
    BestF1,
    FalsePositiveRate,
)
RULES = {rule.name: rule for rule in _ALL}
"""Every threshold rule by its name, in the order in which people are offered them."""


@dataclass(frozen=True)
class ThresholdRule:
    """How the threshold on log density is chosen; a sample below it is flagged.

    Attributes:
        kind: the name of one of `RULES`.
        value: what that rule takes: a share of normal samples ("quantile", "fpr"), alarms per 1 000 normal
            samples ("per_1000", the same budget in other words), a share of the flagged ("fdr"), a count
            ("top_k"), a log density in nats, or a probability; "best_f1" takes none.

    Raises:
        OptionError: an unknown kind or a value out of its range.
    """

    kind: str = "quantile"
    value: float = 0.01

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or self.kind not in RULES:
            raise OptionError(f"threshold rule {shown(self.kind)} is not known: choose {', '.join(RULES)}")
        object.__setattr__(self, "value", self.rule.value)  # a plain number, whatever it was given as

    @classmethod
    def usual(cls, kind: str) -> ThresholdRule:
        """A rule with the value that it has when none is given.

        Raises:
            OptionError: an unknown kind, or a rule that needs a value.
        """
        rule = RULES.get(kind) if isinstance(kind, str) else None
        if rule is not None and rule.usual is None:
            raise OptionError(f"the {kind} rule needs a value: {rule.takes}")
        return cls(kind, 0.0 if rule is None or rule.usual is None else rule.usual)

    @cached_property
    def rule(self) -> Rule:
        """The rule itself."""
        return RULES[self.kind](self.value)

    @property
    def needs_labels(self) -> bool:
        """Whether the rule looks at the labels of the scored samples."""
        return self.rule.needs_labels

    @property
    def in_words(self) -> str:
        """The rule and its value, short."""
        return self.rule.in_words

    def for_rows(self, rows: int, of: int) -> ThresholdRule:
        """The rule that asks the same of `rows` rows as this one asks of `of` rows."""
        check_whole("rows", rows, 0)
        check_whole("of", of, 1)
        return replace(self, value=self.rule.for_rows(rows, of))

    def threshold(
        self,
        held_out_scores: NDArray[Any],
        scores: NDArray[Any],
        labels: NDArray[np.int8] | None = None,
        curve: ProbabilityCurve | None = None,
        p_values: NDArray[np.float64] | None = None,
    ) -> float:
        """The threshold, in nats; for an analysis `decide` takes it.

        Args:
            held_out_scores: (c,) log densities of the training rows, or none; equal rows once.
            scores: (M,) log densities of the inspected rows.
            labels: (M,) of NORMAL, ANOMALOUS, UNKNOWN; for the rules that need them.
            curve: for the probability rule; the default curve if None.
            p_values: (M,) of the inspected rows, for the fdr rule.

        Raises:
            DataError: the rule needs labels or p-values and they are not there, or an array is none of
                numbers, or has another length.
            OptionError: `curve` is no curve.
        """
        curve = ProbabilityCurve() if curve is None else curve
        check_kind("curve", curve, ProbabilityCurve)
        held_out_scores, scores = given_numbers(held_out_scores, "held-out scores"), given_numbers(scores)
        if labels is not None:
            labels = given_labels(labels, len(scores))
        if p_values is not None:
            p_values = given_numbers(p_values, "p-values")
            if len(p_values) != len(scores):
                raise DataError(f"{len(scores)} scores and {len(p_values)} p-values: give one per score")
        self.rule.check_labels(labels)
        return self.rule.threshold(Scores(held_out_scores, scores, labels, curve, p_values))
