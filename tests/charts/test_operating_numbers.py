from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import KDE, LOG_DENSITY
from scipy.interpolate import RegularGridInterpolator
from scipy.stats import binomtest
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    f1_score,
    precision_recall_curve,
    precision_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)

from kdeviz import charts
from kdeviz.analysis.analyse import analyse
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.decision.curve_fitting import platt
from kdeviz.decision.decision import CELLS, Decision
from kdeviz.errors import DataError, OptionError
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.settings import Settings

THRESHOLDS = [-np.inf, -6.0, -2.0, 0.0, 1.0, 50.0, np.inf]


def rows(n, d=6, seed=0):
    random = np.random.default_rng(seed)
    return (random.gamma(2, size=(n, d)) * np.arange(d, 0, -1)).astype(np.float32)


def make(train=None, score=None, k=3, scaling="scale", labels=None):
    train = rows(120) if train is None else train
    if score is not None:
        score = EmbeddingSet(score, np.arange(len(score)).astype(str), labels=labels)
    return analyse(train, score, Settings(k, scaling), "cpu")


def decided(analysis, threshold=0.0, curve=None):
    return Decision(analysis, None, curve or ProbabilityCurve(), threshold)


def operating(analysis, threshold):
    return charts.operating_numbers(decided(analysis, threshold))


def reliability(analysis, curve):
    return charts.reliability_numbers(decided(analysis, curve=curve))


def cut_through(analysis, row, components, threshold):
    return charts.sample_slice_numbers(decided(analysis, threshold), row, components)


MODEL = make(score=rows(4, seed=1))


def with_scores(scores, labels, train_scores=None):
    """A model with inspected samples of these scores and labels."""
    scores = np.asarray(scores, np.float32)
    labels = None if labels is None else np.asarray(labels, np.int8)
    inspected = EmbeddingSet(
        np.zeros((len(scores), 6), np.float32), np.arange(len(scores)).astype(str), labels=labels
    )
    train_scores = MODEL.held_out_scores if train_scores is None else np.asarray(train_scores, np.float32)
    return replace(MODEL, inspected=inspected, scores=scores, held_out_scores=train_scores)


def labelled(n=200, seed=0):
    """Scores on a coarse grid, so that many tie with each other and with the threshold."""
    random = np.random.default_rng(seed)
    labels = random.choice([NORMAL, ANOMALOUS, UNKNOWN], n, p=[0.5, 0.2, 0.3])
    scores = np.round(2 * random.normal(1 - 2.5 * (labels == ANOMALOUS), 1.5)) / 2
    return with_scores(scores, labels)


def known(analysis):
    """Truth and scores of the labelled samples, for scikit-learn."""
    labels = analysis.inspected.labels
    chosen = labels != UNKNOWN
    return labels[chosen] == ANOMALOUS, analysis.scores[chosen]


ANALYSIS = labelled()


# --- one threshold


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_flagged_samples_are_counted_one_by_one(threshold):
    view = decided(ANALYSIS, threshold)
    assert view.threshold == threshold
    assert view.n_flagged == sum(float(score) < threshold for score in ANALYSIS.scores)
    assert len(view.flagged) == 200


@given(
    st.lists(st.sampled_from([-np.inf, -3.0, -2.0, -1.0, 5.0]), min_size=1, max_size=60),
    st.sampled_from([-np.inf, -3.0, -2.0, 0.0, np.inf]),
)
def test_the_alarm_rate_is_that_of_the_training_samples(train_scores, threshold):
    view = decided(with_scores([0.0, 1.0], None, train_scores), threshold)
    alarms = sum(score < threshold for score in train_scores)
    expected = binomtest(alarms, len(train_scores)).proportion_ci(0.95, method="exact")
    assert view.expected_alarms.rate == pytest.approx(alarms / len(train_scores))
    np.testing.assert_allclose(
        view.expected_alarms[1:3], (expected.low, expected.high), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_counts_and_metrics_are_scikit_learns(threshold):
    truth, scores = known(ANALYSIS)
    flagged = scores < threshold
    view = decided(ANALYSIS, threshold)
    passed, false_alarms, missed, caught = confusion_matrix(truth, flagged).ravel()
    assert dict(zip(CELLS, view.confusion, strict=True)) == {
        "caught": caught,
        "false alarms": false_alarms,
        "missed": missed,
        "passed": passed,
    }
    found = view.metrics
    assert found.auroc.value == pytest.approx(roc_auc_score(truth, -scores))
    assert found.average_precision.value == pytest.approx(average_precision_score(truth, -scores))
    assert found.recall.value == pytest.approx(recall_score(truth, flagged))
    assert found.f1.value == pytest.approx(f1_score(truth, flagged))
    precision = precision_score(truth, flagged, zero_division=np.nan)
    assert found.precision.value == pytest.approx(precision, nan_ok=True)
    for estimate in (found.auroc, found.average_precision):
        assert estimate.interval.low < estimate.value < estimate.interval.high


ONE_SIDED = [None, [NORMAL] * 5, [ANOMALOUS] * 5, [UNKNOWN] * 5, [UNKNOWN, ANOMALOUS] * 2 + [UNKNOWN]]


@pytest.mark.parametrize("labels", ONE_SIDED)
def test_without_labels_of_both_kinds_nothing_pretends_to_be_a_metric(labels):
    analysis = with_scores(np.arange(5), labels)
    view = decided(analysis, 2.0)
    assert view.confusion is None
    assert view.metrics is None
    assert view.n_flagged == 2
    with pytest.raises(OptionError, match="labelled normal and anomalous: load labels, or mark some"):
        operating(analysis, 2.0)


def test_labels_given_later_are_seen():
    analysis = with_scores(np.arange(5), None)
    assert decided(analysis, 2.0).confusion is None
    again = analysis.relabelled(np.array([ANOMALOUS, NORMAL, ANOMALOUS, NORMAL, UNKNOWN], np.int8))
    assert decided(again, 2.0).confusion == (1, 1, 1, 1)


# --- every threshold


def test_few_points_are_all_of_scikit_learns():
    truth, scores = known(ANALYSIS)
    view = operating(ANALYSIS, -1.0)
    fpr, tpr, _ = roc_curve(truth, -scores, drop_intermediate=False)
    np.testing.assert_allclose(view.points.fpr, fpr)
    np.testing.assert_allclose(view.points.tpr, tpr)
    precision, recall, _ = precision_recall_curve(truth, -scores)
    np.testing.assert_allclose(view.points.precision, precision[::-1])
    np.testing.assert_allclose(view.points.tpr, recall[::-1])
    assert (view.normal, view.anomalous) == ((~truth).sum(), truth.sum())
    assert view.metrics == decided(ANALYSIS, -1.0).metrics


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_the_present_threshold_has_scikit_learns_rates(threshold):
    truth, scores = known(ANALYSIS)
    flagged = scores < threshold
    view = operating(ANALYSIS, threshold)
    fpr, recall, precision, f1 = view.at
    assert view.threshold == threshold
    assert fpr == pytest.approx(flagged[~truth].mean())
    assert recall == pytest.approx(recall_score(truth, flagged))
    assert precision == pytest.approx(precision_score(truth, flagged, zero_division=1))
    assert f1 == pytest.approx(f1_score(truth, flagged))


def test_each_points_threshold_gives_its_rates():
    view = operating(ANALYSIS, -1.0)
    for row, threshold in enumerate(view.points.thresholds):
        points = view.points
        expected = (points.fpr[row], points.tpr[row], points.precision[row], points.f1[row])
        assert operating(ANALYSIS, float(threshold)).at == pytest.approx(expected)


def test_thinned_points_keep_the_extremes_and_the_best_f1():
    random = np.random.default_rng(1)
    labels = np.repeat(np.array([NORMAL, ANOMALOUS], np.int8), [4000, 400])
    analysis = with_scores(random.normal(-2.0 * labels), labels)
    truth, scores = known(analysis)
    points = operating(analysis, -1.0).points
    assert 100 < len(points.thresholds) <= 500
    assert (points.fpr[0], points.tpr[0]) == (0, 0)
    assert (points.fpr[-1], points.tpr[-1]) == (1, 1)
    precision, recall, _ = precision_recall_curve(truth, -scores)
    assert points.f1.max() == pytest.approx(np.max(2 * precision * recall / (precision + recall)))
    assert np.trapezoid(points.tpr, points.fpr) == pytest.approx(roc_auc_score(truth, -scores), abs=2e-3)


def test_a_sample_infinitely_far_away_is_below_every_finite_threshold():
    analysis = with_scores([-np.inf, 0, 1], [ANOMALOUS, NORMAL, NORMAL])
    assert decided(analysis, -1e30).confusion == (1, 0, 0, 2)
    assert operating(analysis, -1e30).at == (0, 1, 1, 1)


# --- the cells of the confusion table


def wanted(cell, label, flagged):
    if cell == "caught":
        return label == ANOMALOUS and flagged
    if cell == "false alarms":
        return label == NORMAL and flagged
    if cell == "missed":
        return label == ANOMALOUS and not flagged
    return label == NORMAL and not flagged


@given(
    st.integers(0, 1000),
    st.integers(2, 40),
    st.sampled_from(THRESHOLDS),
)
def test_the_rows_of_a_cell_one_by_one(seed, n, threshold):
    analysis = labelled(n, seed)
    labels, scores = analysis.inspected.labels, analysis.scores
    counts = decided(analysis, threshold).confusion
    for place, cell in enumerate(CELLS):
        found = decided(analysis, threshold).rows_in_cell(cell)
        expected = [row for row in range(n) if wanted(cell, labels[row], scores[row] < threshold)]
        assert found.tolist() == expected
        assert counts is None or counts[place] == len(expected)


def test_cells_that_do_not_exist():
    with pytest.raises(
        OptionError, match=r"'lost' is no cell .* choose caught, false alarms, missed, passed"
    ):
        decided(ANALYSIS, 0.0).rows_in_cell("lost")
    with pytest.raises(OptionError, match=r"no sample is labelled.*load labels, or mark some"):
        decided(with_scores([0, 1], None)).rows_in_cell("caught")


# --- the curve fitted to labels


def test_the_fit_to_labels_leaves_unlabelled_samples_out_and_judges_the_present_curve():
    curve = ProbabilityCurve(-1.0, 0.3)
    truth, scores = known(ANALYSIS)
    fit = reliability(ANALYSIS, curve)
    assert fit.curve == platt(scores, np.where(truth, ANOMALOUS, NORMAL).astype(np.int8)).curve
    probabilities = 1 / (1 + np.exp(0.3 * (scores + 1.0)))
    assert fit.brier_before == pytest.approx(np.mean((probabilities - truth) ** 2), rel=1e-5)
    assert fit.brier_after < fit.brier_before
    assert reliability(ANALYSIS, ProbabilityCurve()).brier_before != fit.brier_before


@pytest.mark.parametrize("labels", ONE_SIDED)
def test_without_labels_no_curve_is_fitted(labels):
    with pytest.raises(DataError, match="label at least one of each"):
        reliability(with_scores(np.arange(5), labels), ProbabilityCurve())


# --- the slice


@pytest.mark.parametrize("scaling", ["scale", "norm"])
@pytest.mark.parametrize("components", [(0, 1), (2, 0)])
def test_a_slice_and_the_marginal_on_its_grid(scaling, components):
    analysis = make(score=rows(5, seed=1), scaling=scaling)
    view = cut_through(analysis, 3, components, -1.5)
    oracle = KDE(analysis.train_coordinates)
    here = analysis.coordinates[3].astype(np.float64)
    assert view.threshold == -1.5
    np.testing.assert_allclose(view.slice.place, here[list(components)], rtol=1e-5, atol=1e-6)
    x, y = view.slice.x, view.slice.y
    assert view.marginal.shape == view.slice.log_density.shape == (len(y), len(x))
    for i, j in ((0, 0), (3, 20), (20, 3), (40, 11), (25, 40)):
        place = here.copy()
        place[list(components)] = x[j], y[i]
        np.testing.assert_allclose(
            view.slice.log_density[i, j], oracle.log_density(place[None])[0], rtol=1e-4
        )
        marginal = oracle.marginal_log_density(np.array([[x[j], y[i]]]), components)[0]
        np.testing.assert_allclose(view.marginal[i, j], marginal, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scored", [True, False])
def test_a_slice_has_the_models_score_at_the_rows_own_place(scored):
    """Of a training row, the one that leaves it out."""
    analysis = make(score=rows(5, seed=1)) if scored else make(rows(40))
    for row in (0, 4):
        cut = cut_through(analysis, row, (1, 2), 0.0).slice
        between = RegularGridInterpolator((cut.y, cut.x), cut.log_density, method="cubic")
        assert float(between(cut.place[::-1]).item()) == pytest.approx(analysis.scores[row], abs=0.02)


def test_the_marginal_is_a_density():
    view = cut_through(MODEL, 0, (0, 1), 0.0)
    total = np.trapezoid(np.trapezoid(np.exp(view.marginal), view.slice.x, axis=1), view.slice.y)
    assert total == pytest.approx(1, abs=0.02)


def test_with_two_components_the_slice_of_a_new_row_is_the_marginal():
    view = cut_through(make(score=rows(2, seed=1), k=2), 1, (0, 1), 0.0)
    np.testing.assert_allclose(view.slice.log_density, view.marginal, **LOG_DENSITY)


def test_impossible_slices():
    with pytest.raises(OptionError, match="two different"):
        cut_through(make(k=1, score=rows(2)), 0, (0, 0), 0.0)
    with pytest.raises(OptionError, match="two different"):
        cut_through(MODEL, 0, (0, 3), 0.0)
    with pytest.raises(OptionError, match="no row 4"):
        cut_through(MODEL, 4, (0, 1), 0.0)


def test_what_is_slow_is_computed_once():
    assert decided(ANALYSIS, -1.0).metrics is decided(ANALYSIS, -1.0).metrics
    # Whatever the threshold: a moved slider does not change the curves.
    assert operating(ANALYSIS, -1.0).points is operating(ANALYSIS, -2.0).points
    assert cut_through(MODEL, 0, (0, 1), 0.0) is cut_through(MODEL, 0, (0, 1), 0.0)
    curve = ProbabilityCurve()
    assert reliability(ANALYSIS, curve) is reliability(ANALYSIS, curve)
