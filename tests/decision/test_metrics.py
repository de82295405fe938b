import math
import sys

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import logit
from scipy.stats import beta, binom, binomtest, norm
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

from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.decision.metrics.bootstrap import Bootstrap, bootstrap
from kdeviz.decision.metrics.intervals import rate_interval
from kdeviz.decision.metrics.operating_points import OperatingPoints, operating_points
from kdeviz.decision.metrics.separation import Confusion, auroc, average_precision, confusion, has_both_labels
from kdeviz.errors import DataError, OptionError

# Few different scores, so that ties are common.
SAMPLES = st.lists(
    st.tuples(st.integers(-5, 5), st.sampled_from([NORMAL, ANOMALOUS, UNKNOWN])), min_size=2, max_size=30
).filter(lambda samples: {NORMAL, ANOMALOUS} <= {label for _, label in samples})


def arrays(samples):
    scores, labels = zip(*samples, strict=True)
    return np.array(scores, np.float32), np.array(labels, np.int8)


@given(SAMPLES)
def test_against_scikit_learn_on_the_labelled_rows(samples):
    scores, labels = arrays(samples)
    known = labels != UNKNOWN
    truth, suspicion = labels[known] == ANOMALOUS, -scores[known]
    assert auroc(scores, labels) == pytest.approx(roc_auc_score(truth, suspicion))
    assert average_precision(scores, labels) == pytest.approx(average_precision_score(truth, suspicion))


@given(SAMPLES)
def test_auroc_counts_pairs(samples):
    scores, labels = arrays(samples)
    expected = oracles.auroc(scores[labels == NORMAL], scores[labels == ANOMALOUS])
    assert auroc(scores, labels) == pytest.approx(expected)


@given(SAMPLES, st.integers(-6, 6))
def test_confusion_counts_one_by_one(samples, threshold):
    counted = dict.fromkeys([(flag, label) for flag in (True, False) for label in (NORMAL, ANOMALOUS)], 0)
    for score, label in samples:
        if label != UNKNOWN:
            counted[score < threshold, label] += 1
    found = confusion(*arrays(samples), threshold)
    assert found == Confusion(
        true_positives=counted[True, ANOMALOUS],
        false_positives=counted[True, NORMAL],
        false_negatives=counted[False, ANOMALOUS],
        true_negatives=counted[False, NORMAL],
    )


def test_confusion_agrees_with_scikit_learn():
    random = np.random.default_rng(0)
    scores, labels = random.standard_normal(200), random.integers(0, 2, 200).astype(np.int8)
    (tn, fp), (fn, tp) = confusion_matrix(labels == ANOMALOUS, scores < 0.3)
    assert confusion(scores, labels, 0.3) == (tp, fp, fn, tn)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_score_of_minus_infinity_is_only_very_low(dtype):
    scores = np.array([-np.inf, -3, -np.inf, 0, 1], dtype)
    labels = np.array([ANOMALOUS, NORMAL, NORMAL, ANOMALOUS, NORMAL], np.int8)
    finite = np.where(np.isinf(scores), -1e6, scores)
    assert auroc(scores, labels) == auroc(finite, labels) == pytest.approx(3.5 / 6)
    assert average_precision(scores, labels) == average_precision(finite, labels)


@pytest.mark.parametrize(
    ("labels", "both"),
    [
        (None, False),
        ([], False),
        ([NORMAL, NORMAL], False),
        ([ANOMALOUS, UNKNOWN], False),
        ([ANOMALOUS, UNKNOWN, NORMAL], True),
    ],
)
def test_has_both_labels(labels, both):
    assert has_both_labels(None if labels is None else np.array(labels, np.int8)) is both


# --- precision, recall and F1 of counts


@given(SAMPLES, st.integers(-6, 6))
def test_rates_of_counts_against_scikit_learn(samples, threshold):
    scores, labels = arrays(samples)
    known = labels != UNKNOWN
    truth, flags = labels[known] == ANOMALOUS, scores[known] < threshold
    counts = confusion(scores, labels, threshold)
    expected = precision_score(truth, flags, zero_division=math.nan)
    assert counts.precision == pytest.approx(expected, nan_ok=True)
    assert counts.recall == pytest.approx(recall_score(truth, flags))
    assert counts.f1 == pytest.approx(f1_score(truth, flags))


def test_rates_of_nothing_are_unknown():
    assert math.isnan(Confusion(0, 0, 3, 4).precision)
    assert math.isnan(Confusion(0, 2, 0, 4).recall)
    assert math.isnan(Confusion(0, 0, 0, 4).f1)
    assert Confusion(0, 0, 3, 4).f1 == 0


# --- operating points

# Ties, and the -inf of a far float32 outlier.
FAR_SAMPLES = st.lists(
    st.tuples(
        st.integers(-5, 5).map(float) | st.just(-math.inf) | st.floats(-3, 3, width=32),
        st.sampled_from([NORMAL, ANOMALOUS, UNKNOWN]),
    ),
    min_size=2,
    max_size=40,
).filter(lambda samples: {NORMAL, ANOMALOUS} <= {label for _, label in samples})


def suspicion(scores):
    """Ranks for scikit-learn, which refuses infinities."""
    return -np.unique(scores, return_inverse=True)[1]


@given(FAR_SAMPLES)
def test_operating_points_are_those_of_scikit_learn(samples):
    scores, labels = arrays(samples)
    points = operating_points(scores, labels)
    known = labels != UNKNOWN
    truth = labels[known] == ANOMALOUS
    fpr, tpr, _ = roc_curve(truth, suspicion(scores[known]), drop_intermediate=False)
    np.testing.assert_allclose(points.fpr, fpr)
    np.testing.assert_allclose(points.tpr, tpr)
    precision, recall, _ = precision_recall_curve(truth, suspicion(scores[known]))
    np.testing.assert_allclose(points.precision, precision[::-1])
    np.testing.assert_allclose(points.tpr, recall[::-1])


@given(FAR_SAMPLES)
def test_each_operating_point_is_the_confusion_at_its_threshold(samples):
    scores, labels = arrays(samples)
    points = operating_points(scores, labels)
    assert (np.diff(points.thresholds) > 0).all()
    for threshold, true, false, f1 in zip(*points, points.f1, strict=True):
        counts = confusion(scores, labels, float(threshold))
        assert (counts.true_positives, counts.false_positives) == (true, false)
        assert f1 == pytest.approx(counts.f1)
    assert points.true_positives[0] == points.false_positives[0] == 0
    assert points.true_positives[-1] == (labels == ANOMALOUS).sum()
    assert points.false_positives[-1] == (labels == NORMAL).sum()


def test_the_areas_under_the_points_are_the_metrics():
    scores, labels = two_normals(150, 500, 1.5, np.random.default_rng(0))
    points = operating_points(scores, labels)
    assert np.trapezoid(points.tpr, points.fpr) == pytest.approx(auroc(scores, labels))
    steps = np.diff(points.tpr) @ points.precision[1:]
    assert steps == pytest.approx(average_precision(scores, labels))


@pytest.mark.parametrize("metric", [operating_points, bootstrap])
@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([1, 2], [NORMAL, NORMAL], "0 of 2 rows are labelled anomalous and 2 normal: label at least one"),
        ([1, 2], [ANOMALOUS, UNKNOWN], "1 of 2 rows are labelled anomalous and 0 normal"),
        ([math.nan, 2], [ANOMALOUS, NORMAL], "score NaN"),
        ([math.inf, 2], [ANOMALOUS, NORMAL], r"\+inf"),
        ([1, 2, 3], [ANOMALOUS, NORMAL], "3 scores and 2 labels"),
    ],
)
def test_rows_that_cannot_be_judged_say_so(metric, scores, labels, message):
    with pytest.raises(DataError, match=message):
        metric(np.array(scores, float), np.array(labels, np.int8))


def two_normals(n_anomalous, n_normal, distance, random):
    """Normal rows from N(0, 1), anomalous ones from N(-distance, 1)."""
    labels = np.repeat(np.array([ANOMALOUS, NORMAL], np.int8), [n_anomalous, n_normal])
    return random.normal(size=len(labels)) - distance * (labels == ANOMALOUS), labels


SHAPES = st.tuples(st.integers(1, 3000), st.integers(1, 3000), st.floats(-1, 5), st.sampled_from([0, 1, 3]))


@given(SHAPES, st.integers(0, 99), st.sampled_from([60, 200, 500]))
def test_thinned_points_are_few_and_keep_the_ends_the_peak_and_the_start(shape, seed, most):
    n_anomalous, n_normal, distance, digits = shape
    scores, labels = two_normals(n_anomalous, n_normal, distance, np.random.default_rng(seed))
    whole = operating_points(np.round(scores, digits), labels)
    thinned = whole.thinned(most)
    assert len(thinned.thresholds) <= most
    assert (np.diff(thinned.thresholds) > 0).all()
    assert set(zip(*thinned, strict=True)) <= set(zip(*whole, strict=True))
    for point in (0, -1, np.argmax(whole.f1)):
        assert whole.thresholds[point] in thinned.thresholds
    # The start of the ROC curve, however large it is drawn on a logarithmic axis: where every point is kept.
    seen = np.unique(whole.false_positives)[: most // 10]
    for count in seen:
        column = whole.true_positives[whole.false_positives == count]
        kept = thinned.true_positives[thinned.false_positives == count]
        assert (kept.min(), kept.max()) == (column.min(), column.max())


@given(SHAPES, st.integers(0, 99))
def test_thinned_curves_keep_their_shape(shape, seed):
    n_anomalous, n_normal, distance, digits = shape
    scores, labels = two_normals(n_anomalous, n_normal, distance, np.random.default_rng(seed))
    whole = operating_points(np.round(scores, digits), labels)
    thinned = whole.thinned()
    area, thinned_area = (np.trapezoid(points.tpr, points.fpr) for points in (whole, thinned))
    assert thinned_area == pytest.approx(area, abs=1e-3)
    # On the line through the kept points, at the counts that were left out.
    flagged, kept = (points.true_positives + points.false_positives for points in (whole, thinned))
    for name in ("tpr", "fpr", "f1"):
        drawn = np.interp(flagged, kept, getattr(thinned, name))
        np.testing.assert_allclose(drawn, getattr(whole, name), atol=0.01)


def test_a_long_curve_keeps_its_area_and_its_logarithmic_axis():
    scores, labels = two_normals(2000, 40000, 2, np.random.default_rng(0))
    whole = operating_points(scores, labels)
    thinned = whole.thinned()
    assert len(whole.thresholds) > 40000
    assert 300 < len(thinned.thresholds) <= 500
    assert np.trapezoid(thinned.tpr, thinned.fpr) == pytest.approx(auroc(scores, labels), abs=2e-4)
    counts = thinned.false_positives[thinned.false_positives > 0]
    assert np.diff(np.log10(counts)).max() <= math.log10(2)  # nowhere more than the step from 1 to 2


def test_few_points_are_not_thinned():
    points = operating_points(*two_normals(50, 100, 1, np.random.default_rng(0)))
    assert points.thinned(151) is points
    with pytest.raises(OptionError, match=r"most=19.*whole number, 20 or more"):
        points.thinned(19)


def test_points_of_one_row_each():
    points = operating_points(np.array([1, 0], np.float32), np.array([NORMAL, ANOMALOUS], np.int8))
    above_one = float(np.nextafter(np.float32(1), np.float32(2)))
    for found, expected in zip(points, OperatingPoints([0, 1, above_one], [0, 1, 1], [0, 0, 1]), strict=True):
        np.testing.assert_array_equal(found, expected)


# --- intervals


def test_rate_interval_agrees_with_scipy():
    for events, total in [(0, 1), (0, 50), (1, 50), (25, 50), (49, 50), (50, 50), (37, 40000)]:
        for level in (0.5, 0.95, 0.99):
            expected = binomtest(events, total).proportion_ci(level, "exact")
            assert rate_interval(events, total, level) == pytest.approx(expected, abs=1e-9)
    assert rate_interval(0, 0) == (0, 1)


@pytest.mark.parametrize("n", [10, 100, 1000])
def test_rate_intervals_hold_every_rate_as_often_as_they_say(n):
    events = np.arange(n + 1)
    low, high = np.array([rate_interval(k, n) for k in events.tolist()]).T
    for rate in np.linspace(0.001, 0.999, 333):
        held = (low <= rate) & (rate <= high)
        assert binom.pmf(events, n, rate)[held].sum() >= 0.95 - 1e-9  # exact, no simulation


def test_shorter_rate_intervals_would_not():
    low, high = np.array([rate_interval(k, 100, 0.8) for k in range(101)]).T
    held = [binom.pmf(np.arange(101), 100, rate)[(low <= rate) & (rate <= high)].sum() for rate in (0.1, 0.5)]
    assert max(held) < 0.95


@pytest.mark.parametrize(("k", "n"), [(0, 60), (1, 100), (10, 1000), (500, 1000)])
def test_rate_interval_holds_when_the_threshold_is_one_of_the_scores(k, n):
    low, high = rate_interval(k, n)
    # The true rate below the (k + 1)-th of n uniform scores is that score.
    rates = np.sort(np.random.default_rng(k).random((2000, n)), axis=1)[:, k] if n < 500 else None
    distribution = beta(k + 1, n - k)
    assert distribution.sf(high) == pytest.approx(0.025)
    assert distribution.cdf(low) <= 0.025
    if rates is not None:
        assert_holds((low <= rates) & (rates <= high), 0.95, or_more=True)


@pytest.mark.parametrize(("events", "total"), [(-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_raise(events, total):
    with pytest.raises(OptionError, match=f"{events} events of {total}"):
        rate_interval(events, total)


@pytest.mark.parametrize("level", [0, 1, -1, math.nan])
def test_impossible_levels_raise(level):
    with pytest.raises(OptionError, match=f"level={level}.*0.95"):
        rate_interval(1, 5, level)
    with pytest.raises(OptionError, match=f"level={level}.*0.95"):
        bootstrap(np.arange(2.0), np.array([ANOMALOUS, NORMAL], np.int8), level=level)


# --- bootstrap


def assert_holds(held, level, or_more=False):
    """So many intervals of a simulation hold the truth as their level says, within 3 binomial deviations."""
    slack = 3 * math.sqrt(level * (1 - level) / len(held))
    assert np.mean(held) >= level - slack
    assert or_more or np.mean(held) <= level + slack


def truths(n_anomalous, n_normal, distance, threshold):
    """AUROC, average precision, precision, recall and F1 of infinitely many rows of `two_normals`."""
    share = n_anomalous / (n_anomalous + n_normal)

    def precision(t):
        true, false = share * norm.cdf(t + distance), (1 - share) * norm.cdf(t)
        return true / (true + false)

    average, _ = quad(lambda t: precision(t) * norm.pdf(t + distance), -12, 12, points=[-distance, 0])
    p, r = precision(threshold), norm.cdf(threshold + distance)
    return Bootstrap(norm.cdf(distance / math.sqrt(2)), average, p, r, 2 * p * r / (p + r))


SIMULATIONS = 300
SETTING = (100, 400, 1.5)


@pytest.fixture(scope="module")
def simulated():
    """Whether the intervals hold the truth in each simulation, and whether those of 80 % would."""
    truth, random = np.array(truths(*SETTING, -1.0)), np.random.default_rng(0)
    intervals = []
    for simulation in range(SIMULATIONS):
        found = bootstrap(*two_normals(*SETTING, random), -1.0, resamples=200, seed=simulation)
        intervals.append([estimate.interval for estimate in found])
    low, high = np.moveaxis(logit(intervals), 2, 0)
    off = np.abs(logit(truth) - (low + high) / 2)
    half, shorter = (high - low) / 2, norm.ppf(0.9) / norm.ppf(0.975)
    return off <= half, off <= shorter * half


@pytest.mark.parametrize("metric", Bootstrap._fields)
def test_bootstrap_intervals_hold_the_truth_as_often_as_they_say(simulated, metric):
    held, held_by_shorter = (table[:, Bootstrap._fields.index(metric)] for table in simulated)
    assert_holds(held, 0.95)
    assert_holds(held_by_shorter, 0.8)
    with pytest.raises(AssertionError):
        assert_holds(held_by_shorter, 0.95)


@given(FAR_SAMPLES, st.integers(-6, 6))
def test_bootstrap_values_are_the_metrics_themselves(samples, threshold):
    scores, labels = arrays(samples)
    found = bootstrap(scores, labels, threshold, resamples=20)
    counts = confusion(scores, labels, threshold)
    values = [auroc(scores, labels), average_precision(scores, labels)]
    values += [counts.precision, counts.recall, counts.f1]
    for (value, (low, high)), expected in zip(found, values, strict=True):
        assert value == expected or (math.isnan(value) and math.isnan(expected))
        assert math.isnan(value) or math.isnan(low) or 0 <= low <= value <= high <= 1


def test_bootstrap_resamples_what_one_would_resample_by_hand():
    scores, labels = two_normals(40, 90, 1.2, np.random.default_rng(3))
    scores = np.round(scores, 1)  # ties
    random, drawn = np.random.default_rng(4), []
    groups = [np.flatnonzero(labels == label) for label in (ANOMALOUS, NORMAL)]
    for _ in range(600):
        rows = np.concatenate([random.choice(group, len(group)) for group in groups])
        counts = confusion(scores[rows], labels[rows], -0.5)
        metrics = auroc(scores[rows], labels[rows]), average_precision(scores[rows], labels[rows])
        drawn.append((*metrics, counts.precision, counts.recall, counts.f1))
    found = bootstrap(scores, labels, -0.5, resamples=4000, level=0.9)
    quantile = 1.6849  # Student's, 95 %, 39 degrees of freedom
    for (value, interval), spread in zip(found, np.std(drawn, axis=0), strict=True):
        logits = logit(interval)
        assert logits.mean() == pytest.approx(logit(value))
        expected = quantile * spread / (value * (1 - value))
        assert (logits[1] - logits[0]) / 2 == pytest.approx(expected, rel=0.12)  # 3 % of noise by hand


def test_bootstrap_repeats_itself_and_leaves_numpy_alone():
    scores, labels = two_normals(30, 60, 1, np.random.default_rng(0))
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    kept = scores.copy(), labels.copy()
    assert bootstrap(scores, labels, -1, seed=1) == bootstrap(scores, labels, -1, seed=1)
    assert bootstrap(scores, labels, -1, seed=1) != bootstrap(scores, labels, -1, seed=2)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert (scores == kept[0]).all() and (labels == kept[1]).all()


def test_bootstrap_ignores_unlabelled_rows_and_any_rising_change_of_the_scores():
    scores, labels = two_normals(30, 60, 1, np.random.default_rng(0))
    more = np.append(scores, [-99, 99]), np.append(labels, [UNKNOWN, UNKNOWN]).astype(np.int8)
    assert bootstrap(*more, -1) == bootstrap(scores, labels, -1)
    assert bootstrap(scores**3, labels, -1) == bootstrap(scores, labels, -1)
    far = np.where(scores < -2, -np.inf, scores).astype(np.float32)
    clipped = np.where(scores < -2, -50, scores).astype(np.float32)
    assert bootstrap(far, labels, -1) == bootstrap(clipped, labels, -1)


def test_without_a_threshold_only_the_ranking_is_judged():
    found = bootstrap(*two_normals(30, 60, 1, np.random.default_rng(0)))
    assert found.auroc and found.average_precision
    assert found.precision is found.recall is found.f1 is None


def test_where_resampling_shows_no_spread_no_certainty_is_claimed():
    labels = np.repeat(np.array([ANOMALOUS, NORMAL], np.int8), [8, 12])
    perfect = bootstrap(np.arange(20.0), labels, 8)
    assert [estimate.value for estimate in perfect] == [1] * 5
    assert perfect.recall.interval == perfect.precision.interval == rate_interval(8, 8)
    for metric in (perfect.auroc, perfect.average_precision, perfect.f1):
        assert np.isnan(metric.interval).all()
    nothing = bootstrap(np.arange(20.0), labels, 0)
    assert math.isnan(nothing.precision.value)
    assert nothing.precision.interval == (0, 1)
    assert nothing.recall == (0, rate_interval(0, 8))


def test_one_anomalous_row_gives_no_interval():
    scores, labels = two_normals(1, 60, 0.5, np.random.default_rng(0))
    found = bootstrap(scores, labels, 0.5)
    assert 0 < found.auroc.value < 1
    assert np.isnan(found.auroc.interval).all()
    assert found.recall.interval == rate_interval(1, 1)


def test_impossible_bootstraps_raise():
    data = two_normals(3, 3, 1, np.random.default_rng(0))
    with pytest.raises(OptionError, match=r"resamples=1.*1000"):
        bootstrap(*data, resamples=1)
    with pytest.raises(OptionError, match="threshold=nan"):
        bootstrap(*data, math.nan)


def test_intervals_do_not_depend_on_how_many_resamples_are_counted_at_once(monkeypatch):
    random = np.random.default_rng(3)
    scores, labels = random.normal(size=90).round(1), np.repeat([ANOMALOUS, NORMAL], [20, 70])
    found = []
    for rows in (1, 700, 2**16):
        monkeypatch.setattr(sys.modules["kdeviz.decision.metrics.bootstrap"], "_ROWS_AT_ONCE", rows)
        found.append(bootstrap(scores, labels, threshold=-0.5, resamples=60))
    assert found[0] == found[1] == found[2]


def test_intervals_of_many_rows_are_those_of_all_drawn(monkeypatch):
    random = np.random.default_rng(5)
    labels = (random.random(6000) < 0.1).astype(np.int8)
    scores = random.normal(size=6000) - 1.2 * labels
    whole = bootstrap(scores, labels, 0.0)
    monkeypatch.setattr("kdeviz.decision.metrics.bootstrap._MOST_DRAWN", 1500)
    monkeypatch.setattr("kdeviz.decision.metrics.bootstrap._FEWEST_OF_A_LABEL", 150)
    some = bootstrap(scores, labels, 0.0)
    assert some[2:] == whole[2:]
    for one, other in zip(some[:2], whole[:2], strict=True):
        assert one.value == other.value
        assert np.ptp(one.interval) == pytest.approx(np.ptp(other.interval), rel=0.12)
    monkeypatch.setattr("kdeviz.decision.metrics.bootstrap._FEWEST_OF_A_LABEL", 600)
    wide = bootstrap(scores, labels, 0.0)
    for one, other in zip(wide[:2], whole[:2], strict=True):
        assert 0.95 < np.ptp(one.interval) / np.ptp(other.interval) < 1.5
