"""View to plotly figure: one function per chart, one theme. No number is computed here."""

from kdeviz.charts.figures.comparison import compared_roc_figure, percentile_figure, rank_figure, side_colours
from kdeviz.charts.figures.densities import density_figure, scree_figure
from kdeviz.charts.figures.explanation import components_figure, features_figure, slice_figure
from kdeviz.charts.figures.map import map_figure
from kdeviz.charts.figures.operating import f1_figure, precision_recall_figure, reliability_figure, roc_figure
from kdeviz.charts.figures.repeats import agreement_figure, strip_figure
from kdeviz.charts.figures.tuning import heat_figure
from kdeviz.charts.figures.tuning_lines import line_figure

__all__ = [
    "agreement_figure",
    "compared_roc_figure",
    "components_figure",
    "density_figure",
    "f1_figure",
    "features_figure",
    "heat_figure",
    "line_figure",
    "map_figure",
    "percentile_figure",
    "precision_recall_figure",
    "rank_figure",
    "reliability_figure",
    "roc_figure",
    "scree_figure",
    "side_colours",
    "slice_figure",
    "strip_figure",
]
