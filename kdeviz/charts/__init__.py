"""The charts: first their numbers, then their pictures.

`projection(decision)` and its like give a plotly figure; `projection_numbers(decision)` and its like what is
drawn, as a NamedTuple of arrays.
"""

from kdeviz.charts.agreement import MEASURES, AgreementNumbers, agreement, agreement_numbers
from kdeviz.charts.axis_columns import axis_choices
from kdeviz.charts.beside_map import CHARTS, Chart
from kdeviz.charts.colours import colour_choices
from kdeviz.charts.compared_roc import ComparedRocNumbers, compared_roc, compared_roc_numbers
from kdeviz.charts.contours import ContoursNumbers, contours_numbers
from kdeviz.charts.curve import CurveNumbers, curve, curve_numbers
from kdeviz.charts.densities import DensitiesNumbers, densities, densities_numbers
from kdeviz.charts.dots import DotsNumbers, dots, dots_numbers
from kdeviz.charts.f1 import f1
from kdeviz.charts.flagged_features import FlaggedFeaturesNumbers, flagged_features, flagged_features_numbers
from kdeviz.charts.heat_map import HeatMapNumbers, heat_map, heat_map_numbers
from kdeviz.charts.how_it_works import HowItWorksNumbers, how_it_works_numbers
from kdeviz.charts.knobs import KNOBS, KnobValue, knob_text, knob_value, values_of, varied
from kdeviz.charts.map_axes import ColumnAxes, ComponentAxes, MapAxes, ScoreAxes, SeparatingAxes, axes_key
from kdeviz.charts.map_numbers import ProjectionNumbers, projection_numbers
from kdeviz.charts.neighbour_map import (
    NeighbourAxes,
    NeighbourFit,
    NeighbourPlaces,
    has_neighbour_maps,
    neighbour_fit,
    neighbour_places,
)
from kdeviz.charts.offline import OfflineFigure, offline_figure, plotly_script
from kdeviz.charts.operating import OperatingNumbers, operating_numbers
from kdeviz.charts.percentiles import PercentilesNumbers, percentiles, percentiles_numbers
from kdeviz.charts.picked import PickedNumbers, picked_numbers
from kdeviz.charts.plain import without_title
from kdeviz.charts.plain_doubt import (
    AlikeNumbers,
    PlainRocNumbers,
    alike,
    alike_numbers,
    plain_roc,
    plain_roc_numbers,
)
from kdeviz.charts.plain_features import PlainFeaturesNumbers, plain_features, plain_features_numbers
from kdeviz.charts.plain_map import (
    PlainMapNumbers,
    found_map,
    found_map_numbers,
    normal_map,
    normal_map_numbers,
    shaded_map,
)
from kdeviz.charts.plain_scores import plain_histogram, plain_line
from kdeviz.charts.precision_recall import precision_recall
from kdeviz.charts.projection import projection
from kdeviz.charts.ranks import RanksNumbers, ranks, ranks_numbers
from kdeviz.charts.reliability import reliability, reliability_numbers
from kdeviz.charts.roc import RocNumbers, roc, roc_numbers
from kdeviz.charts.sample import SampleNumbers, sample, sample_numbers
from kdeviz.charts.sample_features import SampleFeaturesNumbers, sample_features, sample_features_numbers
from kdeviz.charts.sample_slice import SampleSliceNumbers, sample_slice, sample_slice_numbers
from kdeviz.charts.score_ranges import score_range
from kdeviz.charts.scree import ScreeNumbers, kept_words, scree, scree_numbers
from kdeviz.charts.selection import box_around, rows_inside, zoom_to
from kdeviz.charts.selection_scores import selection_scores, selection_scores_numbers
from kdeviz.charts.sides import side_colours
from kdeviz.charts.strip import StripNumbers, strip, strip_numbers
from kdeviz.charts.theme import DARK, LIGHT, NOTEBOOK, Theme
from kdeviz.charts.truth import TruthNumbers, truth, truth_numbers
from kdeviz.charts.tuning_lines import TuningLinesNumbers, tuning_lines, tuning_lines_numbers

__all__ = [
    "CHARTS",
    "DARK",
    "KNOBS",
    "LIGHT",
    "MEASURES",
    "NOTEBOOK",
    "AgreementNumbers",
    "AlikeNumbers",
    "Chart",
    "ColumnAxes",
    "ComparedRocNumbers",
    "ComponentAxes",
    "ContoursNumbers",
    "CurveNumbers",
    "DensitiesNumbers",
    "DotsNumbers",
    "FlaggedFeaturesNumbers",
    "HeatMapNumbers",
    "HowItWorksNumbers",
    "KnobValue",
    "MapAxes",
    "NeighbourAxes",
    "NeighbourFit",
    "NeighbourPlaces",
    "OfflineFigure",
    "OperatingNumbers",
    "PercentilesNumbers",
    "PickedNumbers",
    "PlainFeaturesNumbers",
    "PlainMapNumbers",
    "PlainRocNumbers",
    "ProjectionNumbers",
    "RanksNumbers",
    "RocNumbers",
    "SampleFeaturesNumbers",
    "SampleNumbers",
    "SampleSliceNumbers",
    "ScoreAxes",
    "ScreeNumbers",
    "SeparatingAxes",
    "StripNumbers",
    "Theme",
    "TruthNumbers",
    "TuningLinesNumbers",
    "agreement",
    "agreement_numbers",
    "alike",
    "alike_numbers",
    "axes_key",
    "axis_choices",
    "box_around",
    "colour_choices",
    "compared_roc",
    "compared_roc_numbers",
    "contours_numbers",
    "curve",
    "curve_numbers",
    "densities",
    "densities_numbers",
    "dots",
    "dots_numbers",
    "f1",
    "flagged_features",
    "flagged_features_numbers",
    "found_map",
    "found_map_numbers",
    "has_neighbour_maps",
    "heat_map",
    "heat_map_numbers",
    "how_it_works_numbers",
    "kept_words",
    "knob_text",
    "knob_value",
    "neighbour_fit",
    "neighbour_places",
    "normal_map",
    "normal_map_numbers",
    "offline_figure",
    "operating_numbers",
    "percentiles",
    "percentiles_numbers",
    "picked_numbers",
    "plain_features",
    "plain_features_numbers",
    "plain_histogram",
    "plain_line",
    "plain_roc",
    "plain_roc_numbers",
    "plotly_script",
    "precision_recall",
    "projection",
    "projection_numbers",
    "ranks",
    "ranks_numbers",
    "reliability",
    "reliability_numbers",
    "roc",
    "roc_numbers",
    "rows_inside",
    "sample",
    "sample_features",
    "sample_features_numbers",
    "sample_numbers",
    "sample_slice",
    "sample_slice_numbers",
    "score_range",
    "scree",
    "scree_numbers",
    "selection_scores",
    "selection_scores_numbers",
    "shaded_map",
    "side_colours",
    "strip",
    "strip_numbers",
    "truth",
    "truth_numbers",
    "tuning_lines",
    "tuning_lines_numbers",
    "values_of",
    "varied",
    "without_title",
    "zoom_to",
]
