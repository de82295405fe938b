"""Held-out alarms: what share of new normal samples a rule will really flag."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis
from kdeviz.data import ANOMALOUS
from kdeviz.decision import Estimate, ThresholdRule, check_kind, p_values, rate_interval
from kdeviz.errors import DataError
from kdeviz.model import ProbabilityCurve


def held_out_alarms(
    analysis: Analysis, rule: ThresholdRule, curve: ProbabilityCurve | None = None
) -> Estimate:
    """Share of training rows flagged by models that never saw them, at thresholds that never saw them.

    Fold by fold the rule gives a threshold from all the other folds, and the fold's held-out scores are
    compared with it. Rules that look at the scored rows or their labels see all of them; where these are the
    training rows themselves, those outside the fold, and top_k then flags the same share. Equal rows count
    once, rows labelled anomalous not at all. The interval is that of a count, `rate_interval`. The curve is
    for the probability rule; the default one if None.

    Raises:
        DataError: there are no held-out scores of normal rows, or the rule finds no labels.
        OptionError: an argument is of another kind.
    """
    check_kind("analysis", analysis, Analysis)
    check_kind("rule", rule, ThresholdRule)
    scores = analysis.held_out_scores
    if not len(scores):
        raise DataError("there are no held-out scores: use fewer components or more rows")
    counted = _counted(analysis)
    if not counted.any():
        name = analysis.train.name
        raise DataError(f"{name}: every training row is labelled anomalous, none is left to hold out")
    folds = analysis.classifier.folds
    alarms = 0
    for fold in np.unique(folds):
        held_out = folds == fold
        threshold = _threshold(analysis, rule, curve, held_out)
        alarms += int((scores[counted & held_out] < threshold).sum())
    total = int(counted.sum())
    return Estimate(alarms / total, rate_interval(alarms, total))


def _counted(analysis: Analysis) -> NDArray[np.bool_]:
    labels, first = analysis.train.labels, analysis.distinct
    return first if labels is None else first & (labels[analysis.fitted_on] != ANOMALOUS)


def _threshold(
    analysis: Analysis, rule: ThresholdRule, curve: ProbabilityCurve | None, held_out: NDArray[np.bool_]
) -> float:
    """What the rule says without these (n,) rows of the fit."""
    seen = np.ones(len(analysis.scores), bool)
    if analysis.inspects_training:
        seen[analysis.fitted_on[held_out]] = False
    labels = analysis.inspected.labels
    outside, scores = analysis.held_out_scores[analysis.distinct & ~held_out], analysis.scores[seen]
    known = (analysis.in_calibration & ~held_out[analysis.points])[seen]
    return rule.for_rows(len(scores), len(seen)).threshold(
        outside,
        scores,
        None if labels is None else labels[seen],
        curve,
        p_values(np.sort(outside), scores, known) if analysis.calibrated else None,
    )
