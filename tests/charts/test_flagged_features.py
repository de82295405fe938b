"""The features that matter for the flagged together: whose names, how much, and which way."""

import numpy as np
import pytest
from figure_steps import subtitle, title

from kdeviz import charts, decide, load_sample
from kdeviz.analysis.analyse import analyse
from kdeviz.charts.flagged_features import FlaggedFeaturesNumbers, draw_flagged_features
from kdeviz.decision.decision import Decision
from kdeviz.errors import DataError
from kdeviz.explain.matters import Matters, features_that_matter


@pytest.fixture(scope="module")
def decision():
    return decide(analyse(*load_sample("breast_cancer").train_and_test(), device="cpu"))


def test_the_flagged_are_looked_at_and_features_have_their_names(decision):
    numbers = charts.flagged_features_numbers(decision)
    expected = features_that_matter(decision.analysis, np.flatnonzero(decision.flagged))
    np.testing.assert_array_equal(numbers.matters.features, expected.features)
    np.testing.assert_array_equal(numbers.matters.change, expected.change)
    assert numbers.matters.rows == decision.n_flagged
    names = decision.analysis.train.feature_names
    assert numbers.names == tuple(names[feature] for feature in expected.features)


def test_one_large_column_does_not_hide_the_rest(decision):
    changes = charts.flagged_features_numbers(decision).matters.change
    assert changes[0] < 10 * changes[5]  # in their own units the areas are 10 000 times the others


def numbers_of(change, direction, rows=5, looked_at=5):
    F = len(change)
    matters = Matters(np.arange(F), np.array(change), np.array(direction), rows, looked_at)
    return FlaggedFeaturesNumbers(tuple(f"<i>{place}</i>" for place in range(F)), matters)


def test_the_picture():
    figure = draw_flagged_features(numbers_of([3.0, 2.0, 1.0], [1.0, -0.7, 0.1], 900, 200), charts.LIGHT)
    (bars,) = figure.data
    assert bars.x == (3.0, 2.0, 1.0)
    assert bars.text == ("flagged too low", "flagged too high", "either way")
    assert bars.hovertext[0] == "&lt;i&gt;0&lt;/i&gt;"
    assert title(figure) == "&lt;i&gt;0&lt;/i&gt; matters most, by 3.00 σ"
    assert subtitle(figure) == "What would have to change for 200 of 900 flagged to become usual"


def test_nothing_flagged_is_said(decision):
    with pytest.raises(DataError, match="no sample is flagged"):
        charts.flagged_features(Decision(decision.analysis, None, decision.curve, -np.inf))
