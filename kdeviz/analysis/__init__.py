"""`analyse`: settings and data in, scores out; what it will cost, and how far it is."""

from kdeviz.analysis.analyse import analyse
from kdeviz.analysis.analysis import Analysis, Places
from kdeviz.analysis.cache import cached
from kdeviz.analysis.estimate import Estimate, estimate
from kdeviz.analysis.progress import OnProgress
from kdeviz.analysis.scoring import log_densities, rows_fitted_on

__all__ = [
    "Analysis",
    "Estimate",
    "OnProgress",
    "Places",
    "analyse",
    "cached",
    "estimate",
    "log_densities",
    "rows_fitted_on",
]
