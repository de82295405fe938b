"""View to plotly figure: one function per chart, one theme. No number is computed here."""

from kdeviz.figures.densities import density_figure, scree_figure
from kdeviz.figures.explanation import components_figure, features_figure, slice_figure
from kdeviz.figures.map import map_figure
from kdeviz.figures.operating import (
    f1_figure,
    precision_recall_figure,
    reliability_figure,
    roc_figure,
)

__all__ = [
    "components_figure",
    "density_figure",
    "f1_figure",
    "features_figure",
    "map_figure",
    "precision_recall_figure",
    "reliability_figure",
    "roc_figure",
    "scree_figure",
    "slice_figure",
]
