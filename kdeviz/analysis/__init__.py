"""`analyse`: settings and data in, scores out; what it will cost, and how far it is."""

from kdeviz.analysis.analyse import analyse
from kdeviz.analysis.analysis import Analysis
from kdeviz.analysis.cache import cached
from kdeviz.analysis.estimate import Estimate, estimate, is_measured, measure_speeds, rough_seconds
from kdeviz.analysis.opened import analysis_of_model, opened_analysis
from kdeviz.analysis.progress import OnProgress, Watch
from kdeviz.analysis.scoring import (
    known_points,
    log_densities,
)

__all__ = [
    "Analysis",
    "Estimate",
    "OnProgress",
    "Watch",
    "analyse",
    "analysis_of_model",
    "cached",
    "estimate",
    "is_measured",
    "known_points",
    "log_densities",
    "measure_speeds",
    "opened_analysis",
    "rough_seconds",
]
