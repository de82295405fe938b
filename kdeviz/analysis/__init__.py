"""`analyse`: settings and data in, scores out; what it will cost, and how far it is."""

from kdeviz.analysis.analyse import analyse
from kdeviz.analysis.analysis import Analysis, Preview
from kdeviz.analysis.cache import cached
from kdeviz.analysis.drift import Drift, DriftInParts, drift
from kdeviz.analysis.estimate import Estimate, estimate, is_measured, measure_speeds, rough_seconds
from kdeviz.analysis.opened import PartAnalyses, analysis_of_model, opened_analysis
from kdeviz.analysis.preview import Total, estimated_total, quick_settings
from kdeviz.analysis.progress import OnProgress, Watch
from kdeviz.analysis.scoring import Judge, judge_of, known_points, log_densities

__all__ = [
    "Analysis",
    "Drift",
    "DriftInParts",
    "Estimate",
    "Judge",
    "OnProgress",
    "PartAnalyses",
    "Preview",
    "Total",
    "Watch",
    "analyse",
    "analysis_of_model",
    "cached",
    "drift",
    "estimate",
    "estimated_total",
    "is_measured",
    "judge_of",
    "known_points",
    "log_densities",
    "measure_speeds",
    "opened_analysis",
    "quick_settings",
    "rough_seconds",
]
