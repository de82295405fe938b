"""The numbers behind each chart: an analysis in, NamedTuples of arrays out. Nothing here draws."""

from kdeviz.views.contours import Contours, contours
from kdeviz.views.densities import (
    CurveView,
    HistogramView,
    ScreeView,
    density_histogram,
    probability_curve,
    score_range,
    scree,
)
from kdeviz.views.map import MapView, colour_choices, map_view, rows_inside
from kdeviz.views.table import (
    LABEL_WORDS,
    SampleView,
    Summary,
    ranking,
    sample_view,
    score_table,
    summary,
)

__all__ = [
    "LABEL_WORDS",
    "Contours",
    "CurveView",
    "HistogramView",
    "MapView",
    "SampleView",
    "ScreeView",
    "Summary",
    "colour_choices",
    "contours",
    "density_histogram",
    "map_view",
    "probability_curve",
    "ranking",
    "rows_inside",
    "sample_view",
    "score_range",
    "score_table",
    "scree",
    "summary",
]
