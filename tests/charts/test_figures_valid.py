"""Every figure the app draws is one that plotly's own validation finds nothing wrong with.

The tests of each figure say the same of its awkward cases; here none is forgotten.
"""

import numpy as np
import plotly.graph_objects as go
import pytest
import test_figures as samples
import test_figures_comparison as comparisons
import test_figures_explanation as explanations
import test_figures_operating as operating
import test_figures_tuning as tuning
from figure_steps import spec

from kdeviz.charts import figures, views
from kdeviz.charts.theme import DARK, LIGHT
from kdeviz.explain.row import explain
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.sweep.choice import best

GRID = tuning.GRIDS["plain"]
PICTURE = "data:image/png;base64,iVBORw0KGgo="
ANALYSIS = samples.make(labels=samples.labels(60), metadata=samples.METADATA)


def map_of(theme, components, colour_by, **more):
    mark = samples.mark_of(ANALYSIS)
    return samples.draw_map(ANALYSIS, theme, components, colour_by, most=40, mark=mark, **more)


DRAWN = {
    "agreement_figure": lambda theme: figures.agreement_figure(tuning.agreement(*tuning.FULL), theme),
    "compared_roc_figure": lambda theme: figures.compared_roc_figure(comparisons.CASES["plain"], theme, True),
    "components_figure": lambda theme: figures.components_figure(explain(ANALYSIS, 0).components, theme),
    "density_figure": lambda theme: samples.draw_density(
        ANALYSIS, theme, mark=samples.mark_of(ANALYSIS), curve=ProbabilityCurve()
    ),
    "f1_figure": lambda theme: figures.f1_figure(operating.VIEW, theme, *operating.RANGE),
    "features_figure": lambda theme: figures.features_figure(explain(ANALYSIS, 0).direction, theme),
    "heat_figure": lambda theme: figures.heat_figure(
        views.heat_view(GRID, "auroc", choice=best(GRID)), theme, chosen=1
    ),
    "line_figure": lambda theme: figures.line_figure(
        views.line_view(GRID, "auroc", choice=best(GRID)), theme
    ),
    "map_figure": lambda theme: map_of(
        theme, (0, 1), "log density", contours=views.contours(ANALYSIS, (0, 1)), region=np.arange(9)
    ),
    "percentile_figure": lambda theme: figures.percentile_figure(comparisons.CASES["plain"], theme),
    "precision_recall_figure": lambda theme: figures.precision_recall_figure(operating.VIEW, theme),
    "rank_figure": lambda theme: figures.rank_figure(comparisons.CASES["plain"], theme),
    "reliability_figure": lambda theme: figures.reliability_figure(operating.fit(), theme),
    "roc_figure": lambda theme: figures.roc_figure(operating.VIEW, theme, log_fpr=True),
    "scree_figure": lambda theme: figures.scree_figure(views.scree(ANALYSIS), theme),
    "slice_figure": lambda theme: figures.slice_figure(
        explanations.slice_of(explanations.DENSITY, -5.0), theme, "a"
    ),
    "strip_figure": lambda theme: figures.strip_figure(tuning.strip([1, 0.5]), theme, [PICTURE, None]),
}
VARIANTS = {
    "map by category": lambda theme: map_of(theme, (0, 1), "verdict_in_file", tool="lasso"),
    "map in three dimensions": lambda theme: map_of(theme, (2, 0, 1), "height"),
}


def test_no_figure_is_forgotten():
    assert set(DRAWN) == {name for name in figures.__all__ if name.endswith("_figure")}


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("name", [*DRAWN, *VARIANTS])
def test_plotly_finds_nothing_wrong(name, theme):
    figure = {**DRAWN, **VARIANTS}[name](theme)
    spec(figure)
    go.Figure(figure.to_dict())
