"""Estimated against true log density: the truth is one, and the estimate is brought to the same units."""

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from figure_steps import spec, subtitle, title
from scipy.stats import multivariate_normal
from sklearn.metrics import roc_auc_score

from kdeviz import Settings, analyse, charts, decide, load_sample
from kdeviz.charts.truth import draw_truth, feature_volume
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.errors import DataError

MADE = runpy.run_path(str(Path(__file__).parents[2] / "sample_data" / "make_mixture.py"))
TRAIN, TEST = load_sample("mixture").train_and_test()


def decided(settings=None, train=TRAIN, test=TEST):
    return decide(analyse(train, test, settings or Settings(2), device="cpu"))


def grid(half=12.0, steps=240):
    """Middles of small squares, and the area of one."""
    side = (np.arange(steps) + 0.5) * 2 * half / steps - half
    return np.stack(np.meshgrid(side, side), -1).reshape(-1, 2), (2 * half / steps) ** 2


def with_truth(truth, features=None, labels=None):
    features = np.random.default_rng(0).normal(size=(len(truth), 2)) if features is None else features
    known = EmbeddingSet.from_array(features.astype(np.float32))
    return replace(known, metadata=pd.DataFrame({"true_log_density": truth}), labels=labels)


def test_the_column_is_the_density_of_the_mixture_by_another_library():
    density = np.zeros(len(TEST))
    for cloud in MADE["CLOUDS"]:
        covariance = cloud.root @ cloud.root.T
        density += cloud.weight * multivariate_normal(cloud.mean, covariance).pdf(TEST.features)
    np.testing.assert_allclose(TEST.true_log_density, np.log(density), rtol=1e-6)


def test_the_truth_integrates_to_one_and_the_normal_points_are_drawn_from_it():
    places, area = grid()
    log_density = MADE["log_density"](places)
    assert np.exp(log_density).sum() * area == pytest.approx(1, abs=1e-4)
    expected = (np.exp(log_density) * log_density).sum() * area
    drawn = np.concatenate([TRAIN.true_log_density, TEST.true_log_density[TEST.labels == 0]])
    assert drawn.mean() == pytest.approx(expected, abs=4 * drawn.std() / np.sqrt(len(drawn)))


@pytest.mark.parametrize("standardise", [False, True])
def test_the_estimate_is_a_density_of_the_features(standardise):
    train = replace(TRAIN, features=TRAIN.features * np.float32([1, 5]))
    classifier = analyse(train, None, Settings(2, standardise=standardise), device="cpu").classifier
    places, area = grid(12, 120)
    estimated = classifier.log_density((places * [1, 5]).astype(np.float32)).double().numpy()
    assert np.exp(estimated + feature_volume(classifier)).sum() * 5 * area == pytest.approx(1, abs=1e-3)


def test_the_numbers_by_hand():
    decision = decided()
    numbers, normal = charts.truth_numbers(decision), TEST.labels == 0
    np.testing.assert_array_equal(numbers.true, TEST.true_log_density)
    gaps = np.abs(numbers.estimated - numbers.true)[normal]
    assert (gaps < np.log(numbers.factor)).mean() == pytest.approx(0.5, abs=1 / normal.sum())
    n = len(TEST)
    pairs = np.sign(np.subtract.outer(numbers.true, numbers.true)) * np.sign(
        np.subtract.outer(numbers.estimated, numbers.estimated)
    )
    assert numbers.in_order == pytest.approx(
        ((pairs > 0).sum() + (pairs == 0).sum() / 2 - n / 2) / n / (n - 1)
    )
    assert numbers.separation == pytest.approx(
        (decision.auroc, roc_auc_score(TEST.labels == 1, -TEST.true_log_density))
    )


def test_a_smaller_bandwidth_comes_nearer_until_it_follows_chance():
    factors = [
        charts.truth_numbers(decided(Settings(2, bandwidth=width))).factor for width in (1.0, 0.5, 0.1)
    ]
    assert factors[1] < factors[0] < factors[2]
    assert 1 < factors[1] < 1.25


@pytest.mark.parametrize(
    ("settings", "words"),
    [(Settings(1), "1 of 2 directions"), (Settings(2, "norm"), "directions without lengths")],
)
def test_where_the_model_does_not_see_everything_only_the_order_is_compared(settings, words):
    decision = decided(settings)
    numbers = charts.truth_numbers(decision)
    assert not numbers.comparable and np.isnan(numbers.factor)
    np.testing.assert_array_equal(numbers.estimated, decision.analysis.scores.astype(np.float64))
    figure = charts.truth(decision)
    assert "pairs of samples are in their true order" in title(figure)
    assert f"the model sees {words}, so only the order compares" in subtitle(figure)
    assert len(figure.data) == 2  # no line to lie on


def test_without_labels_the_sides_are_those_of_the_threshold():
    decision = decided(test=replace(TEST, labels=None))
    numbers = charts.truth_numbers(decision)
    np.testing.assert_array_equal(numbers.anomalous, decision.flagged)
    assert numbers.separation is None
    assert [trace.name for trace in charts.truth(decision).data] == ["the truth", "not flagged", "flagged"]


def test_samples_without_a_truth_are_left_out():
    truth = np.where(np.arange(60) % 3 == 0, np.nan, np.arange(60.0))
    numbers = charts.truth_numbers(decided(train=TRAIN, test=with_truth(truth)))
    np.testing.assert_array_equal(numbers.rows, np.flatnonzero(np.arange(60) % 3))
    assert np.isfinite(numbers.in_order)


@pytest.mark.parametrize("truth", [["a"] * 5, [True] * 5, [1.0] + [np.nan] * 4])
def test_what_is_no_truth_is_said(truth):
    with pytest.raises(DataError, match="no column “true log density”"):
        charts.truth(decided(test=with_truth(truth)))


def test_the_picture():
    decision, lowest = decided(), int(np.argmin(TEST.true_log_density))
    numbers, figure = charts.truth_numbers(decision), charts.truth(decision, lowest, charts.DARK)
    line, normal, anomalous, ring = spec(figure)["data"]
    assert [part["name"] for part in (line, normal, anomalous, ring)] == [
        *("the truth", "normal", "anomalous", "picked")
    ]
    assert figure.data[0].x == figure.data[0].y == figure.layout.xaxis.range == figure.layout.yaxis.range
    assert (len(figure.data[1].x), len(figure.data[2].x)) == (400, 40)
    np.testing.assert_allclose(figure.data[1].x, numbers.true[:400])
    np.testing.assert_allclose(figure.data[1].y, numbers.estimated[:400])
    assert anomalous["marker"]["color"] == charts.DARK.anomalous
    assert title(figure) == f"The estimate is typically off by a factor of {numbers.factor:.2f}"
    order = f"{100 * numbers.in_order:.0f} of 100 pairs in their true order"
    assert subtitle(figure) == f"440 samples · {order} · AUROC 0.965, by the truth 0.962"


def test_what_lies_far_below_stands_at_the_edge_and_tells_where_it_is():
    decision, lowest = decided(Settings(2, bandwidth=0.3)), int(np.argmin(TEST.true_log_density))
    numbers, figure = charts.truth_numbers(decision), charts.truth(decision, lowest)
    low, _ = figure.layout.yaxis.range
    assert numbers.estimated.min() < low == min(figure.data[2].y)
    np.testing.assert_allclose(figure.data[2].customdata[:, 0].min(), numbers.estimated.min())
    assert (figure.data[3].x, figure.data[3].y) == ((low,), (low,))


@pytest.mark.parametrize("anomalous", [False, True])
def test_samples_that_are_all_alike_can_be_drawn(anomalous):
    one = np.ones(3)
    numbers = charts.TruthNumbers(np.arange(3), one, one, np.full(3, anomalous), True, 1.0, 0.5, None, "")
    figure = draw_truth(numbers, charts.LIGHT, np.array(["<b>", "b", "c"]), None, True)
    assert spec(figure)["data"][1 + anomalous]["text"][0] == "&lt;b&gt;"
    assert figure.layout.xaxis.range == (0, 1.05)


def test_the_chart_is_offered_where_the_truth_is_known():
    assert charts.CHARTS["Truth"].fits(decided())
    assert not charts.CHARTS["Truth"].fits(decide(analyse(*load_sample("sentences").train_and_test())))
