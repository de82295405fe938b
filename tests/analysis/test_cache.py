import gc
import weakref

import numpy as np

from kdeviz.analysis.analyse import analyse
from kdeviz.charts import contours_numbers, densities_numbers, projection_numbers
from kdeviz.decision.decision import Decision
from kdeviz.decision.table import ranking
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.settings import Settings


def small(seed=0):
    rows = np.random.default_rng(seed).standard_normal((80, 5)).astype(np.float32)
    return analyse(rows, None, Settings(n_pca_components=3), "cpu")


CURVE = ProbabilityCurve()


def at(analysis, threshold=-3.0):
    return Decision(analysis, None, CURVE, threshold)


def test_what_did_not_change_is_not_computed_again():
    analysis = small()
    again = [
        lambda: contours_numbers(at(analysis), (0, 1)),
        lambda: projection_numbers(at(analysis)),
        lambda: densities_numbers(at(analysis)),
        lambda: ranking(at(analysis)),
    ]
    for view in again:
        assert view() is view()


def test_every_argument_counts():
    analysis, other = small(), small(1)
    first = projection_numbers(at(analysis))
    turned = projection_numbers(at(analysis), (1, 0)).coordinates
    np.testing.assert_array_equal(turned, first.coordinates[:, ::-1])
    assert projection_numbers(at(analysis), colour_by="verdict").colour_name == "verdict"
    assert projection_numbers(at(analysis, 1e9)).flagged.all()
    elsewhere = projection_numbers(at(other))
    assert not np.array_equal(elsewhere.coordinates, first.coordinates)


def test_results_go_with_their_analysis():
    analysis = small()
    view = weakref.ref(contours_numbers(at(analysis), (0, 1)).x)
    assert view() is not None
    del analysis
    gc.collect()
    assert view() is None


def test_an_analysis_that_is_its_own_training_view_is_let_go():
    analysis = small()
    view = weakref.ref(analysis.training_view)
    assert view() is analysis
    del analysis
    gc.collect()
    assert view() is None


def test_only_the_latest_results_are_kept():
    analysis = small()
    first = densities_numbers(at(analysis, 0.0))
    for threshold in range(1, 20):
        densities_numbers(at(analysis, float(threshold)))
    assert densities_numbers(at(analysis, 0.0)) is not first
