"""`analyse`: settings and data in, scores out; what it will cost, and how far it is."""

from kdeviz.analysis.analyse import analyse
from kdeviz.analysis.analysis import Analysis
from kdeviz.analysis.cache import cached
from kdeviz.analysis.drift import Drift, drift
from kdeviz.analysis.estimate import Estimate, estimate, is_measured, measure_speeds, rough_seconds
from kdeviz.analysis.judges import Judge, judge_of
from kdeviz.analysis.opened import analysis_of_model, analysis_of_part, opened_analysis
from kdeviz.analysis.progress import OnProgress, Watch
from kdeviz.analysis.scoring import (
    known_points,
    log_densities,
)
from kdeviz.analysis.training_view import training_view

__all__ = [
    "Analysis",
    "Drift",
    "Estimate",
    "Judge",
    "OnProgress",
    "Watch",
    "analyse",
    "analysis_of_model",
    "analysis_of_part",
    "cached",
    "drift",
    "estimate",
    "is_measured",
    "judge_of",
    "known_points",
    "log_densities",
    "measure_speeds",
    "opened_analysis",
    "rough_seconds",
    "training_view",
]
