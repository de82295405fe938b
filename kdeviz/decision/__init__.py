"""What is made of the scores: a threshold, its metrics, and the curve of probabilities."""

from kdeviz.decision.curve_fitting import PlattFit, Reliability, curve_from_spread, platt
from kdeviz.decision.decision import CELLS, Decision, decide, stored_decision
from kdeviz.decision.finding.columns import Column, Mask, Notes, Numbers, Texts, Values
from kdeviz.decision.finding.query import (
    BY_RANK,
    Between,
    Filter,
    Holds,
    OneOf,
    Order,
    Query,
    in_order,
    matching,
    possible,
)
from kdeviz.decision.finding.samples import OWN_COLUMNS, Samples, sample_columns
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
    listing,
    metadata_columns,
    rank_order,
    ranking,
    sample_view,
)

__all__ = [
    "BY_RANK",
    "CELLS",
    "LABEL_WORDS",
    "OWN_COLUMNS",
    "RULES",
    "Asked",
    "Between",
    "Bootstrap",
    "Column",
    "Confusion",
    "Decision",
    "Estimate",
    "Filter",
    "Holds",
    "Interval",
    "Mask",
    "Notes",
    "Numbers",
    "OneOf",
    "OperatingPoints",
    "Order",
    "PlattFit",
    "Query",
    "Reliability",
    "Rule",
    "SampleView",
    "Samples",
    "Steps",
    "Texts",
    "ThresholdRule",
    "Values",
    "auroc",
    "average_precision",
    "bootstrap",
    "check_kind",
    "check_resampling",
    "confusion",
    "curve_from_spread",
    "decide",
    "has_both_labels",
    "in_order",
    "labelled_rows",
    "listing",
    "matching",
    "metadata_columns",
    "operating_points",
    "p_values",
    "places",
    "platt",
    "possible",
    "rank_order",
    "ranking",
    "rate_interval",
    "resampled",
    "resampled_rankings",
    "sample_columns",
    "sample_view",
    "stored_decision",
    "student_quantile",
    "threshold_steps",
]
