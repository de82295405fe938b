"""What is made of the scores: a threshold, its metrics, and the curve of probabilities."""

from kdeviz.decision.curve_fitting import PlattFit, Reliability, curve_from_spread, platt
from kdeviz.decision.decision import CELLS, Decision, ExpectedAlarms, decide, stored_decision
from kdeviz.decision.given import check_kind
from kdeviz.decision.metrics.bootstrap import (
    Bootstrap,
    Estimate,
    bootstrap,
    check_resampling,
    resampled,
    resampled_rankings,
)
from kdeviz.decision.metrics.intervals import Interval, rate_interval, student_quantile
from kdeviz.decision.metrics.operating_points import OperatingPoints, operating_points
from kdeviz.decision.metrics.separation import (
    Confusion,
    auroc,
    average_precision,
    confusion,
    has_both_labels,
    labelled_rows,
    places,
)
from kdeviz.decision.metrics.steps import Steps, threshold_steps
from kdeviz.decision.p_values import p_values
from kdeviz.decision.rules import RULES, Asked, Rule, ThresholdRule
from kdeviz.decision.table import (
    LABEL_WORDS,
    SampleView,
    metadata_columns,
    ranking,
    sample_view,
)

__all__ = [
    "CELLS",
    "LABEL_WORDS",
    "RULES",
    "Asked",
    "Bootstrap",
    "Confusion",
    "Decision",
    "Estimate",
    "ExpectedAlarms",
    "Interval",
    "OperatingPoints",
    "PlattFit",
    "Reliability",
    "Rule",
    "SampleView",
    "Steps",
    "ThresholdRule",
    "auroc",
    "average_precision",
    "bootstrap",
    "check_kind",
    "check_resampling",
    "confusion",
    "curve_from_spread",
    "decide",
    "has_both_labels",
    "labelled_rows",
    "metadata_columns",
    "operating_points",
    "p_values",
    "places",
    "platt",
    "ranking",
    "rate_interval",
    "resampled",
    "resampled_rankings",
    "sample_view",
    "stored_decision",
    "student_quantile",
    "threshold_steps",
]
