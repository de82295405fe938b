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
from kdeviz.views.kept import kept
from kdeviz.views.map import MapView, colour_choices, map_view, rows_inside
from kdeviz.views.operating import (
    CELLS,
    OperatingView,
    ThresholdView,
    operating_view,
    platt_view,
    rows_in_cell,
    threshold_view,
)
from kdeviz.views.slices import SliceView, slice_view
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
    "CELLS",
    "LABEL_WORDS",
    "Contours",
    "CurveView",
    "HistogramView",
    "MapView",
    "OperatingView",
    "SampleView",
    "ScreeView",
    "SliceView",
    "Summary",
    "ThresholdView",
    "colour_choices",
    "contours",
    "density_histogram",
    "kept",
    "map_view",
    "operating_view",
    "platt_view",
    "probability_curve",
    "ranking",
    "rows_in_cell",
    "rows_inside",
    "sample_view",
    "score_range",
    "score_table",
    "scree",
    "slice_view",
    "summary",
    "threshold_view",
]
