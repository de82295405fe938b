"""Decision: what is flagged, and how sure that is. Screen, CLI, runs, recipe and exports all hold one."""

from __future__ import annotations

import copy
import math
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, Total, cached, estimated_total
from kdeviz.data import ANOMALOUS, NORMAL
from kdeviz.decision.given import check_kind
from kdeviz.decision.metrics.bootstrap import Bootstrap, at_threshold, bootstrap
from kdeviz.decision.metrics.intervals import rate_interval
from kdeviz.decision.metrics.separation import Confusion, auroc, confusion, has_both_labels
from kdeviz.decision.p_values import p_values
from kdeviz.decision.rules import ThresholdRule
from kdeviz.decision.rules.rule import Scores
from kdeviz.errors import OptionError
from kdeviz.model import KDEClassifier, ProbabilityCurve
from kdeviz.wording import count

DEFAULT_RULE = ThresholdRule("quantile", 0.01)
CELLS = ("caught", "false alarms", "missed", "passed")
"""The labelled samples by what the threshold makes of them, in the order of `Confusion`."""


class ExpectedAlarms(NamedTuple):
    """The share of new normal samples that will be flagged, as the training rows tell it.

    Equal rows, which are not independent, count as one.
    """

    rate: float
    """Share of the training rows whose held-out score is below the threshold; 0 where nothing is known."""
    low: float
    """Lower end of the 95 % interval, which is (0, 1) where nothing is known."""
    high: float
    alarms: int
    """How many training rows that are."""
    rows: int
    """Training rows in all."""

    @property
    def known(self) -> bool:
        """Whether there are held-out scores that tell it."""
        return self.rows > 0

    @property
    def known_rate(self) -> float | None:
        """The rate, where it is known."""
        return self.rate if self.known else None


@dataclass(frozen=True, eq=False)
class Decision:
    """An analysis with a threshold and a curve: a verdict for every inspected row.

    Attributes:
        analysis: the model and its scores.
        rule: how the threshold was chosen; None if that is not known.
        curve: log density to probability.
        threshold: on log density, in nats; a row below it is flagged.
        stored: whether a file brought the threshold, which the rule chose among other rows than these.
    """

    analysis: Analysis
    rule: ThresholdRule | None
    curve: ProbabilityCurve
    threshold: float
    stored: bool = False

    @cached_property
    def flagged(self) -> NDArray[np.bool_]:
        """(M,) True where the inspected row is anomalous by this threshold."""
        return np.asarray(self.analysis.scores < self.threshold)

    @cached_property
    def probabilities(self) -> NDArray[Any]:
        """(M,) probabilities of being anomalous, on the curve."""
        return self.curve(self.analysis.scores)

    @cached_property
    def expected_alarms(self) -> ExpectedAlarms:
        """How many false alarms to expect among new normal samples."""
        alarms, rows = self.training_alarms
        return ExpectedAlarms(alarms / max(rows, 1), *rate_interval(alarms, rows), alarms, rows)

    @cached_property
    def training_alarms(self) -> tuple[int, int]:
        """How many training rows have a held-out score below the threshold, and how many there are."""
        scores = self.analysis.calibration
        return int((scores < self.threshold).sum()), len(scores)

    @property
    def alarms_remark(self) -> str:
        """That the expected alarms count training rows labelled anomalous as normal ones, or nothing."""
        known = self.analysis.learned_anomalous
        if not known:
            return ""
        are = "is" if known == 1 else "are"
        return (
            f"{count(known)} of the {count(len(self.analysis.fitted_on))} training samples {are} labelled "
            "anomalous, and expected false alarms count them as normal"
        )

    @property
    def without_threshold(self) -> str:
        """What to say after the name of a model that held no threshold; empty if it held one."""
        if self.stored:
            return ""
        if self.threshold == -math.inf and not self.analysis.calibrated:
            return "has no threshold, and no held-out scores to take one from: nothing is flagged"
        return f"has no threshold: took the default, {self.rule_here.in_words}"

    @cached_property
    def p_values(self) -> NDArray[np.float64] | None:
        """(M,) shares of new normal samples that score as low, see `p_values`; None without calibration.

        An old model file has none, and a model of fewer rows than can be held out.
        """
        return p_values_of(self.analysis)

    @property
    def fitted_model(self) -> KDEClassifier:
        """The classifier with this threshold and curve; the one in the analysis keeps its own."""
        model = copy.copy(self.analysis.classifier)
        model.threshold, model.curve = self.threshold, self.curve
        model.threshold_rule = None if self.rule is None else (self.rule.kind, self.rule.value)
        return model

    @property
    def rule_here(self) -> ThresholdRule:
        """A rule that gives this threshold on these rows: the one that chose it, or `fixed_rule`."""
        if self.rule is None or (self.stored and not self._chosen_again(self.rule)):
            return self.fixed_rule
        return self.rule

    @property
    def fixed_rule(self) -> ThresholdRule:
        """A rule that gives this threshold whatever the inspected rows are: its log density.

        No rule takes infinity, where nothing or everything is flagged. Then it is one that finds infinity
        among the training rows, or the largest number there is, which flags the same.
        """
        if not math.isfinite(self.threshold):
            for rule in (self.rule, DEFAULT_RULE):
                if rule is not None and self._chosen_again(rule):
                    return rule
        bound = sys.float_info.max
        return ThresholdRule("log_density", min(max(self.threshold, -bound), bound))

    def _chosen_again(self, rule: ThresholdRule) -> bool:
        """Whether a rule that looks at the training rows alone still finds the threshold."""
        if not rule.rule.of_training:
            return False
        found = rule.threshold(self.analysis.calibration, self.analysis.scores, curve=self.curve)
        return found == self.threshold

    @property
    def remark(self) -> str:
        """What the rule says of its outcome, a sentence, or nothing."""
        analysis, rule = self.analysis, self.rule
        if rule is None or self.stored:
            return ""
        given = Scores(analysis.calibration, analysis.scores, self.labels, self.curve, self.p_values)
        return rule.rule.remark(given, self.n_flagged)

    @property
    def saved_remark(self) -> str:
        """What a file with this threshold has to say of it, a sentence, or nothing."""
        if self.rule is None or not self.rule.rule.of_these_rows:
            return ""
        rows = "the rows it was chosen on," if self.stored else f"these {len(self.flagged)} rows together"
        return (
            f"the saved threshold of the {self.rule.kind} rule is fixed: its bound was about {rows} and does "
            "not hold for others"
        )

    @property
    def n_flagged(self) -> int:
        """How many inspected rows are flagged."""
        return int(self.flagged.sum())

    @property
    def flagged_in_all(self) -> Total:
        """How many of all rows are flagged; in a preview, as its random sample of them tells."""
        preview, n = self.analysis.preview, self.n_flagged
        if preview is None:
            return Total(n, n, n)
        return estimated_total(n, len(preview.rows), len(preview.whole))

    @property
    def labels(self) -> NDArray[np.int8] | None:
        """(M,) of NORMAL, ANOMALOUS, UNKNOWN, or None."""
        return self.analysis.inspected.labels

    @cached_property
    def labelled(self) -> bool:
        """Whether there are labels of both kinds; without them there is no AUROC, confusion or metric."""
        return has_both_labels(self.labels)

    @property
    def auroc(self) -> float | None:
        """How well the scores separate the labelled anomalies, whatever the threshold."""
        return _auroc(self.analysis) if self.labelled else None

    @property
    def confusion(self) -> Confusion | None:
        """The labelled rows by label and verdict."""
        if self.labels is None or not self.labelled:
            return None
        return confusion(self.analysis.scores, self.labels, self.threshold)

    @property
    def metrics(self) -> Bootstrap | None:
        """Precision, recall and the like, with 95 % intervals."""
        return _bootstrap(self.analysis, self.threshold) if self.labelled else None

    def rows_in_cell(self, cell: str) -> NDArray[np.int64]:
        """Which inspected rows are in one of `CELLS`.

        Raises:
            OptionError: there is no such cell, or there are no labels.
        """
        if cell not in CELLS:
            raise OptionError(f"{cell!r} is no cell of labelled samples: choose {', '.join(CELLS)}")
        if self.labels is None:
            raise OptionError(
                f"no sample is labelled, so none is among the {cell}: load labels, or mark some"
            )
        label = ANOMALOUS if cell in ("caught", "missed") else NORMAL
        alarm = cell in ("caught", "false alarms")
        return np.flatnonzero((self.labels == label) & (self.flagged == alarm))


def decide(
    analysis: Analysis, rule: ThresholdRule = DEFAULT_RULE, curve: ProbabilityCurve | None = None
) -> Decision:
    """Choose the threshold of an analysis.

    Args:
        analysis: what `analyse` gave.
        rule: how to choose; at most 1 % of new normal samples are flagged if nothing else is said.
        curve: log density to probability; that of the model if None.

    Raises:
        DataError: the rule needs labels or p-values and they are not there.
        OptionError: an argument is of another kind.
    """
    check_kind("analysis", analysis, Analysis)
    check_kind("rule", rule, ThresholdRule)
    curve = analysis.classifier.curve if curve is None else curve
    check_kind("curve", curve, ProbabilityCurve)
    labels, found = analysis.inspected.labels, p_values_of(analysis)
    preview = analysis.preview
    asked = rule if preview is None else rule.for_rows(len(preview.rows), len(preview.whole))
    threshold = asked.threshold(analysis.calibration, analysis.scores, labels, curve, found)
    return Decision(analysis, rule, curve, threshold)


def stored_decision(analysis: Analysis) -> Decision:
    """The decision that a model file holds; by the default rule where it holds no threshold."""
    model = analysis.classifier
    if model.threshold is None:
        return decide(analysis)
    return Decision(analysis, _stored_rule(model), model.curve, model.threshold, stored=True)


def _stored_rule(model: KDEClassifier) -> ThresholdRule | None:
    """None also for a rule that only another kdeviz knows."""
    try:
        return None if model.threshold_rule is None else ThresholdRule(*model.threshold_rule)
    except OptionError:
        return None


@cached
def p_values_of(analysis: Analysis) -> NDArray[np.float64] | None:
    """See `Decision.p_values`."""
    if not analysis.calibrated:
        return None
    scored = ~np.isnan(analysis.scores)  # not those of a training view that a cap left out
    found = np.full(len(scored), np.nan)
    found[scored] = p_values(analysis.calibration, analysis.scores[scored], analysis.in_calibration[scored])
    return found


@cached
def _auroc(analysis: Analysis) -> float:
    return auroc(analysis.scores, np.asarray(analysis.inspected.labels))


@cached
def _bootstrap(analysis: Analysis, threshold: float) -> Bootstrap:
    labels = np.asarray(analysis.inspected.labels)
    return at_threshold(_ranking_metrics(analysis), analysis.scores, labels, threshold)


@cached
def _ranking_metrics(analysis: Analysis) -> Bootstrap:
    return bootstrap(analysis.scores, np.asarray(analysis.inspected.labels))
