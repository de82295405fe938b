import gc
import weakref

import numpy as np

from kdeviz.analysis.analyse import analyse
from kdeviz.charts import views
from kdeviz.decision.decision import Decision
from kdeviz.decision.table import ranking
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.settings import Settings


def small(seed=0):
    rows = np.random.default_rng(seed).standard_normal((80, 5)).astype(np.float32)
    return analyse(rows, None, Settings(n_pca_components=3), "cpu")


def test_what_did_not_change_is_not_computed_again():
    analysis = small()
    again = [
        lambda: views.contours(analysis, (0, 1)),
        lambda: views.map_view(analysis, (0, 1), "log density", -3.0),
        lambda: views.density_histogram(analysis, -3.0),
        lambda: ranking(Decision(analysis, None, ProbabilityCurve(), -3.0)),
    ]
    for view in again:
        assert view() is view()


def test_every_argument_counts():
    analysis, other = small(), small(1)
    first = views.map_view(analysis, (0, 1), "log density", -3.0)
    assert views.map_view(analysis, (1, 0), "log density", -3.0).components == (1, 0)
    assert views.map_view(analysis, (0, 1), "verdict", -3.0).colour_name == "verdict"
    assert views.map_view(analysis, (0, 1), "log density", 1e9).flagged.all()
    elsewhere = views.map_view(other, (0, 1), "log density", -3.0)
    assert not np.array_equal(elsewhere.coordinates, first.coordinates)


def test_results_go_with_their_analysis():
    analysis = small()
    view = weakref.ref(views.contours(analysis, (0, 1)).x)
    assert view() is not None
    del analysis
    gc.collect()
    assert view() is None


def test_only_the_latest_results_are_kept():
    analysis = small()
    first = views.density_histogram(analysis, 0.0)
    for threshold in range(1, 20):
        views.density_histogram(analysis, float(threshold))
    assert views.density_histogram(analysis, 0.0) is not first
