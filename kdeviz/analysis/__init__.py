"""`analyse`: settings and data in, scores out; what it will cost, and how far it is."""

from kdeviz.analysis.analyse import analyse
from kdeviz.analysis.analysis import Analysis, Places
from kdeviz.analysis.cache import cached
from kdeviz.analysis.estimate import Estimate, estimate, is_measured, measure_speeds, rough_seconds
from kdeviz.analysis.opened import analysis_of_model, opened_analysis
from kdeviz.analysis.progress import OnProgress
from kdeviz.analysis.scoring import (
    as_fitted,
    known_note,
    known_points,
    log_densities,
    points_at,
    rows_fitted_on,
)

__all__ = [
    "Analysis",
    "Estimate",
    "OnProgress",
    "Places",
    "analyse",
    "analysis_of_model",
    "as_fitted",
    "cached",
    "estimate",
    "is_measured",
    "known_note",
    "known_points",
    "log_densities",
    "measure_speeds",
    "opened_analysis",
    "points_at",
    "rough_seconds",
    "rows_fitted_on",
]
