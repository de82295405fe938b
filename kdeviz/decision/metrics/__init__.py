"""How well scores separate labelled samples. Lower is more anomalous; unlabelled rows are left out."""

from kdeviz.decision.metrics.bootstrap import Bootstrap, Estimate, bootstrap
from kdeviz.decision.metrics.intervals import Interval, rate_interval
from kdeviz.decision.metrics.operating_points import OperatingPoints, operating_points
from kdeviz.decision.metrics.separation import Confusion, auroc, average_precision, confusion, has_both_labels

__all__ = [
    "Bootstrap",
    "Confusion",
    "Estimate",
    "Interval",
    "OperatingPoints",
    "auroc",
    "average_precision",
    "bootstrap",
    "confusion",
    "has_both_labels",
    "operating_points",
    "rate_interval",
]
