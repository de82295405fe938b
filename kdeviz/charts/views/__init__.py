"""The numbers behind each chart: an analysis in, NamedTuples of arrays out. Nothing here draws."""

from kdeviz.analysis import cached
from kdeviz.charts.views.comparison import ComparedRoc, RankView, compared_roc, rank_view, shares_below
from kdeviz.charts.views.contours import Contours, contours
from kdeviz.charts.views.densities import (
    CurveView,
    HistogramView,
    ScreeView,
    density_histogram,
    probability_curve,
    score_range,
    scree,
)
from kdeviz.charts.views.map import MapView, colour_choices, map_view, rows_inside
from kdeviz.charts.views.operating import (
    CELLS,
    OperatingView,
    ThresholdView,
    operating_view,
    platt_view,
    rows_in_cell,
    threshold_view,
)
from kdeviz.charts.views.repeats import MEASURES, AgreementView, StripView, agreement_view, strip_view
from kdeviz.charts.views.slices import SliceView, slice_view
from kdeviz.charts.views.tuning import (
    KNOBS,
    HeatView,
    KnobValue,
    LineView,
    heat_view,
    knob_text,
    knob_value,
    line_view,
    values_of,
    varied,
)
from kdeviz.comparison import SettingRow, disagreement_table, settings_table, why_words
from kdeviz.decision import (
    LABEL_WORDS,
    SampleView,
    ranking,
    sample_view,
)

__all__ = [
    "CELLS",
    "KNOBS",
    "LABEL_WORDS",
    "MEASURES",
    "AgreementView",
    "ComparedRoc",
    "Contours",
    "CurveView",
    "HeatView",
    "HistogramView",
    "KnobValue",
    "LineView",
    "MapView",
    "OperatingView",
    "RankView",
    "SampleView",
    "ScreeView",
    "SettingRow",
    "SliceView",
    "StripView",
    "ThresholdView",
    "agreement_view",
    "cached",
    "colour_choices",
    "compared_roc",
    "contours",
    "density_histogram",
    "disagreement_table",
    "heat_view",
    "knob_text",
    "knob_value",
    "line_view",
    "map_view",
    "operating_view",
    "platt_view",
    "probability_curve",
    "rank_view",
    "ranking",
    "rows_in_cell",
    "rows_inside",
    "sample_view",
    "score_range",
    "scree",
    "settings_table",
    "shares_below",
    "slice_view",
    "strip_view",
    "threshold_view",
    "values_of",
    "varied",
    "why_words",
]
