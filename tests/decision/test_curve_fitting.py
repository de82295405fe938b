import math

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import logistic
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import StratifiedKFold

from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.decision.curve_fitting import brier, curve_from_spread, platt, reliability
from kdeviz.decision.metrics.intervals import rate_interval
from kdeviz.errors import DataError, OptionError
from kdeviz.model.curve import ProbabilityCurve


def from_curve(curve, n, seed=0, spread=30.0, dtype=np.float32):
    """(n,) scores, and labels drawn with the probabilities of that curve."""
    random = np.random.default_rng(seed)
    scores = (curve.midpoint + spread * random.normal(size=n)).astype(dtype)
    anomalous = random.random(n) < oracles.probability(scores, curve.midpoint, curve.steepness)
    return scores, np.where(anomalous, ANOMALOUS, NORMAL).astype(np.int8)


def separated(n_normal=40, n_anomalous=20, gap=5.0):
    scores = np.append(np.linspace(0, 1, n_normal), np.linspace(-1, 0, n_anomalous) - gap)
    labels = np.repeat(np.array([NORMAL, ANOMALOUS], np.int8), [n_normal, n_anomalous])
    return scores.astype(np.float32), labels


# --- from the spread of the training scores


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(loc=st.floats(-50, 50), scale=st.floats(0.1, 30), threshold=st.floats(-100, 100))
def test_a_logistic_sample_gives_its_own_scale(dtype, loc, scale, threshold):
    scores = logistic(loc, scale).ppf((np.arange(4000) + 0.5) / 4000).astype(dtype)
    curve = curve_from_spread(scores, threshold)
    assert curve.midpoint == threshold
    assert curve.steepness == pytest.approx(1 / scale, rel=1e-3)


def test_one_interquartile_range_below_the_threshold_is_nine_in_ten():
    scores = np.random.default_rng(0).gamma(3, size=500)
    low, high = np.quantile(scores, [0.25, 0.75])
    curve = curve_from_spread(scores, -2.0)
    assert curve(np.array([-2.0 - (high - low), -2.0 + (high - low)])) == pytest.approx([0.9, 0.1])


def test_far_outliers_hardly_move_it():
    scores = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    far = scores.copy()
    far[:20] = [-np.inf] * 10 + [-1e30] * 10
    assert curve_from_spread(far, 0).steepness == pytest.approx(
        curve_from_spread(scores, 0).steepness, rel=0.1
    )


@pytest.mark.parametrize(
    "scores",
    [
        np.full(10, -3.5, np.float32),
        np.zeros(4),
        np.array([-7.0]),
        np.array([-40.0] * 8 + [-3e6, 5.0]),
        np.float32(12345.678) + np.array([0, 1e-3, 0, 1e-3], np.float32),
    ],
)
def test_scores_without_spread_keep_the_default_steepness(scores):
    assert curve_from_spread(scores, -4.0) == ProbabilityCurve(-4.0, ProbabilityCurve().steepness)


@pytest.mark.parametrize("scores", [[], [-math.inf], [math.nan, -math.inf]])
def test_no_finite_score_raises(scores):
    with pytest.raises(
        DataError, match=f"none of {len(scores)} normal samples has a finite log density: keep"
    ):
        curve_from_spread(np.array(scores, float), 0.0)


@pytest.mark.parametrize("threshold", [math.inf, -math.inf, math.nan])
def test_a_threshold_that_is_no_midpoint_raises(threshold):
    with pytest.raises(OptionError, match=f"threshold={threshold}"):
        curve_from_spread(np.arange(9.0), threshold)


# --- from labels


@pytest.mark.parametrize(
    "curve", [ProbabilityCurve(), ProbabilityCurve(-3.0, 1.5), ProbabilityCurve(1e4, 0.01)]
)
def test_labels_drawn_from_a_curve_give_that_curve(curve):
    scores, labels = from_curve(curve, 20_000, spread=2 / curve.steepness, dtype=np.float64)
    found = platt(scores, labels).curve
    assert found.steepness == pytest.approx(curve.steepness, rel=0.05)  # 2 % of standard error
    assert found.midpoint == pytest.approx(curve.midpoint, abs=0.1 / curve.steepness)


def test_many_rows_agree_with_plain_logistic_regression():
    scores, labels = from_curve(ProbabilityCurve(-3.0, 0.4), 20_000, spread=5)
    plain = LogisticRegression(C=np.inf, tol=1e-8).fit(scores[:, None].astype(float), labels == ANOMALOUS)
    curve = platt(scores, labels).curve
    assert curve.steepness == pytest.approx(-plain.coef_[0, 0], rel=2e-3)
    assert curve.midpoint == pytest.approx(-plain.intercept_[0] / plain.coef_[0, 0], abs=0.01)


def platt_by_hand(scores, anomalous):
    """Platt's loss, minimised without derivatives."""
    n_anomalous, n_normal = anomalous.sum(), (~anomalous).sum()
    target = np.where(anomalous, (n_anomalous + 1) / (n_anomalous + 2), 1 / (n_normal + 2))

    def loss(parameters):
        odds = parameters[0] * (parameters[1] - scores)
        return np.sum(np.logaddexp(0, odds) - target * odds)

    start = [1 / scores.std(), scores.mean()]
    tight = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 10_000, "maxfev": 10_000}
    return minimize(loss, start, method="Nelder-Mead", options=tight).x


@given(
    seed=st.integers(0, 10**6),
    n=st.integers(12, 80),
    distance=st.floats(1.5, 8),
    digits=st.sampled_from([0, 2, 6]),
)
def test_small_samples_minimise_platts_loss(seed, n, distance, digits):
    random = np.random.default_rng(seed)
    anomalous = np.arange(n) < n // 3
    scores = np.round(random.normal(size=n) - distance * anomalous, digits)
    scores[~anomalous] = np.round(np.linspace(-1.5, 1.5, (~anomalous).sum()), 2)  # so that nothing is clipped
    curve = platt(scores, np.where(anomalous, ANOMALOUS, NORMAL).astype(np.int8)).curve
    steepness, midpoint = platt_by_hand(scores, anomalous)
    assert curve.steepness == pytest.approx(steepness, rel=1e-4)
    assert curve.midpoint == pytest.approx(midpoint, abs=1e-3)


def test_perfect_separation_stays_finite_and_grows_with_the_evidence():
    few, many = (platt(*separated(n, n)).curve for n in (20, 2000))
    for curve in (few, many):
        assert -5 < curve.midpoint < 0
    assert 0 < few.steepness < many.steepness < 10


@pytest.mark.parametrize("far", [-math.inf, -1e30, -1e6])
def test_far_outliers_do_not_break_the_fit(far):
    scores, labels = from_curve(ProbabilityCurve(-3.0, 0.4), 3000, spread=6)
    clean = platt(scores, labels)
    for kind, most in (
        (ANOMALOUS, 1.02),
        (NORMAL, 1.3),
    ):  # an anomalous one is as expected, a normal one is not
        spoilt = scores.copy()
        spoilt[np.flatnonzero(labels == kind)[:3]] = far
        found = platt(spoilt, labels)
        assert 1 / most < found.curve.steepness / clean.curve.steepness < most
        assert found.curve.midpoint == pytest.approx(clean.curve.midpoint, abs=0.5)
        assert math.isfinite(found.brier_after)


def test_mostly_infinite_anomalies_and_equal_normals_still_give_a_curve():
    labels = np.repeat(np.array([NORMAL, ANOMALOUS], np.int8), [30, 30])
    scores = np.repeat(np.array([-2, -np.inf], np.float32), 30)
    found = platt(scores, labels)
    assert -12 < found.curve.midpoint < -2
    assert found.brier_after < 1e-2


@given(seed=st.integers(0, 10**6))
def test_the_judgement_after_is_by_curves_that_have_not_seen_the_row(seed):
    scores, labels = from_curve(ProbabilityCurve(0.0, 0.5), 60, seed, spread=5, dtype=np.float64)
    found = platt(scores, labels, folds=4, seed=seed)
    after = np.empty(60)
    for seen, unseen in StratifiedKFold(4, shuffle=True, random_state=seed).split(scores, labels):
        after[unseen] = platt(scores[seen], labels[seen], folds=2).curve(scores[unseen])
    assert found.brier_after == pytest.approx(brier(after, labels), rel=1e-6)
    for ours, expected in zip(found.reliability_after, reliability(after, labels), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_after_is_as_good_as_on_new_rows_and_not_flattered_by_having_seen_them():
    truth, flattery, error = ProbabilityCurve(0.0, 0.3), [], []
    for seed in range(150):
        scores, labels = from_curve(truth, 24, seed, spread=6)
        found = platt(scores, labels)
        new_scores, new_labels = from_curve(truth, 2000, seed + 1000, spread=6)
        fresh = brier(found.curve(new_scores), new_labels)
        flattery.append(brier(found.curve(scores), labels) - fresh)
        error.append(found.brier_after - fresh)
    slack = 3 * np.std(error) / math.sqrt(len(error))
    assert abs(np.mean(error)) < slack
    assert abs(np.mean(flattery)) > slack


def test_a_fit_improves_on_a_curve_that_is_far_off():
    scores, labels = from_curve(ProbabilityCurve(-30.0, 0.5), 2000, spread=6)
    found = platt(scores, labels)
    assert found.brier_before == brier(ProbabilityCurve()(scores.astype(np.float64)), labels)
    assert found.brier_after < found.brier_before / 3
    other = platt(scores, labels, before=ProbabilityCurve(-30.0, 0.5))
    assert other.curve == found.curve
    assert other.brier_before == pytest.approx(other.brier_after, rel=0.01)
    assert found.reliability_before.counts.sum() == found.reliability_after.counts.sum() == 2000


def test_unlabelled_rows_are_left_out_and_nothing_is_changed():
    scores, labels = from_curve(ProbabilityCurve(0.0, 0.5), 200, spread=5)
    more = (
        np.append(scores, np.float32([-np.inf, 1e3])),
        np.append(labels, [UNKNOWN, UNKNOWN]).astype(np.int8),
    )
    kept = more[0].copy(), more[1].copy()
    found, expected = platt(*more), platt(scores, labels)
    assert found[:3] == expected[:3]
    np.testing.assert_array_equal(found.reliability_after, expected.reliability_after)
    assert (more[0] == kept[0]).all() and (more[1] == kept[1]).all()


@pytest.mark.parametrize("flip", ["labels", "nothing to tell"])
def test_labels_that_contradict_the_scores_say_so(flip):
    scores, labels = separated()
    if flip == "labels":
        labels = np.where(labels == NORMAL, ANOMALOUS, NORMAL).astype(np.int8)
    else:
        scores = np.full_like(scores, -3)
    counts = f"the {(labels == ANOMALOUS).sum()} rows labelled anomalous do not have lower log densities"
    with pytest.raises(DataError, match=f"{counts} than the .* normal ones: check the labels, or keep"):
        platt(scores, labels)


def test_a_part_that_alone_would_contradict_is_no_error():
    # Without the last anomalous row the others lie above the normal ones, or are all alike.
    labels = np.array([NORMAL] * 4 + [ANOMALOUS] * 2, np.int8)
    for anomalous in ([1.0, -40.0], [0.0, -40.0]):
        scores = np.array([0.0, 0.0, 0.0, 0.0, *anomalous])
        found = platt(scores, labels)
        assert found.curve.steepness > 0
        assert 0 < found.brier_after < 1


@pytest.mark.parametrize(
    ("n_normal", "n_anomalous", "message"),
    [(1, 5, "only one row has one"), (5, 1, "at least two normal and two"), (5, 0, "at least one of each")],
)
def test_too_few_labels_say_so(n_normal, n_anomalous, message):
    with pytest.raises(DataError, match=message):
        platt(*separated(n_normal, n_anomalous))


def test_two_rows_of_each_label_are_enough():
    assert platt(*separated(2, 2)).curve.steepness > 0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_impossible_scores_raise(bad):
    scores, labels = separated()
    scores[3] = bad
    with pytest.raises(DataError, match=r"NaN or \+inf"):
        platt(scores, labels)


def test_normal_rows_that_are_all_infinitely_low_raise():
    scores, labels = separated()
    with pytest.raises(DataError, match="none of 40 normal samples has a finite log density"):
        platt(np.where(labels == NORMAL, -np.inf, scores), labels)


def test_one_fold_is_not_possible():
    with pytest.raises(OptionError, match=r"folds=1.*2 or more"):
        platt(*separated(), folds=1)


# --- Brier score and reliability

PREDICTIONS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0]) | st.floats(0, 1),
        st.sampled_from([NORMAL, ANOMALOUS, UNKNOWN]),
    ),
    min_size=1,
    max_size=60,
).filter(lambda rows: {NORMAL, ANOMALOUS} <= {label for _, label in rows})


def arrays(rows):
    probabilities, labels = zip(*rows, strict=True)
    return np.array(probabilities), np.array(labels, np.int8)


@given(PREDICTIONS)
def test_brier_agrees_with_scikit_learn(rows):
    probabilities, labels = arrays(rows)
    known = labels != UNKNOWN
    expected = brier_score_loss(labels[known] == ANOMALOUS, probabilities[known])
    assert brier(probabilities, labels) == pytest.approx(expected)


@given(PREDICTIONS, st.integers(1, 15))
def test_reliability_agrees_with_scikit_learn(rows, bins):
    probabilities, labels = arrays(rows)
    known = labels != UNKNOWN
    found = reliability(probabilities, labels, bins)
    observed, mean = calibration_curve(labels[known] == ANOMALOUS, probabilities[known], n_bins=bins)
    np.testing.assert_allclose(found.observed, observed)
    np.testing.assert_allclose(found.mean_prediction, mean)
    assert found.counts.sum() == known.sum() and (found.counts > 0).all()
    for share, count, low, high in zip(found.observed, found.counts, found.low, found.high, strict=True):
        assert (low, high) == rate_interval(round(share * count), int(count))


def test_reliability_intervals_hold_the_truth_as_often_as_they_say():
    random, held = np.random.default_rng(0), {0.95: [], 0.6: []}
    predicted = np.repeat([0.05, 0.35, 0.75], 40)
    for _ in range(300):
        labels = np.where(random.random(120) < predicted, ANOMALOUS, NORMAL).astype(np.int8)
        for level, seen in held.items():
            found = reliability(predicted, labels, level=level)
            seen.extend((found.low <= found.mean_prediction) & (found.mean_prediction <= found.high))
    lowest = 0.95 - 3 * math.sqrt(0.95 * 0.05 / 900)
    assert np.mean(held[0.95]) >= lowest
    assert np.mean(held[0.6]) < lowest


@pytest.mark.parametrize("judge", [brier, reliability])
def test_nothing_labelled_says_so(judge):
    with pytest.raises(DataError, match="none of 2 rows has a label: label some"):
        judge(np.array([0.1, 0.2]), np.array([UNKNOWN, UNKNOWN], np.int8))


def test_no_bins_are_not_possible():
    with pytest.raises(OptionError, match=r"bins=0.*1 or more"):
        reliability(np.array([0.1, 0.2]), np.array([NORMAL, ANOMALOUS], np.int8), bins=0)
