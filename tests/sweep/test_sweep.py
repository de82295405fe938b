import itertools
import math
import sys
import threading

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from kdeviz import KDEClassifier, load_sample
from kdeviz.analysis.analyse import analyse
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.decision.metrics.bootstrap import Estimate, bootstrap
from kdeviz.decision.metrics.intervals import Interval, rate_interval
from kdeviz.decision.p_values import p_values
from kdeviz.decision.rules import ThresholdRule
from kdeviz.errors import DataError, OptionError
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.settings import FeatureScalingMethod, Settings
from kdeviz.sweep.choice import best, sorted_rows
from kdeviz.sweep.grid import Grid
from kdeviz.sweep.held_out import held_out_alarms
from kdeviz.sweep.metrics import CHOICES, METRICS, estimate_of, sweep_table
from kdeviz.sweep.narrowing import ENOUGH_VARIANCE, STABLE
from kdeviz.sweep.recall import recall_at_fpr
from kdeviz.sweep.sweep import RESAMPLES, TOP, Sweep, SweepRow, sweep
from kdeviz.sweep.sweep import sweep as sweep_function


@pytest.fixture(scope="module")
def train(make_rows):
    return EmbeddingSet.from_array(make_rows(280, 10, seed=1)[:160].astype(np.float32), "train")


@pytest.fixture(scope="module")
def score(make_rows):
    rows = make_rows(280, 10, seed=1)[160:]
    rows[:30] += 0.3
    labels = np.zeros(120, np.int8)
    labels[:30] = ANOMALOUS
    labels[60:70] = UNKNOWN
    rows = rows.astype(np.float32)
    return EmbeddingSet(rows, np.arange(120).astype(str), labels, name="score")


GRID = Grid((2, 4, 99), ("scale", "norm"), (60, 1000), ("scott", 0.5), (0, 1))


@pytest.fixture(scope="module")
def swept(train, score):
    return sweep(train, score, GRID)


# --- the grid


def test_a_grid_holds_every_combination_once():
    grid = Grid((2, 4, 2), ("scale", FeatureScalingMethod.SCALE, "norm"), (10, 20), (1, "scott"), (0, 1))
    wanted = {
        Settings(k, scaling, cap, width, seed)
        for k, scaling, cap, width, seed in itertools.product(
            (2, 4), ("scale", "norm"), (10, 20), (1, "scott"), (0, 1)
        )
    }
    assert len(grid) == len(grid.settings) == 32
    assert set(grid.settings) == wanted


def test_settings_that_share_axes_follow_one_another():
    subsets = [(s.max_training_points, s.seed) for s in GRID.settings]
    assert [key for key, _ in itertools.groupby(subsets)] == [(60, 0), (60, 1), (1000, 0), (1000, 1)]


def test_the_default_grid_is_the_defaults():
    assert Grid().settings == (Settings(),)


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        ({"components": "2:8:2"}, Grid((2, 4, 6, 8))),
        ({"components": "2:7:2, 16"}, Grid((2, 4, 6, 16))),
        ({"components": "3:5,0.95"}, Grid((3, 4, 5, 0.95))),
        ({"caps": "1000,40000", "seeds": "0:2"}, Grid(caps=(1000, 40000), seeds=(0, 1, 2))),
        (
            {"scalings": "scale, norm", "bandwidths": "scott,0.5,2"},
            Grid((16,), ("scale", "norm"), bandwidths=("scott", 0.5, 2)),
        ),
        ({"components": None}, Grid()),
    ],
)
def test_texts_become_a_grid(texts, wanted):
    assert Grid.parse(**texts).settings == wanted.settings


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"components": "two"}, "components: 'two' cannot be read"),
        ({"components": "2:x"}, "cannot be read"),
        ({"components": "8:2"}, "cannot be read"),
        ({"components": "2:8:0"}, "cannot be read"),
        ({"components": "2:8:1:1"}, "cannot be read"),
        ({"components": "1:999999999999"}, "cannot be read"),
        ({"components": ""}, "cannot be read"),
        ({"components": "2,0"}, "components=0 is not possible"),
        ({"scalings": "both"}, "scaling='both' is not known"),
        ({"caps": "1"}, "training cap=1 is not possible"),
        ({"bandwidths": "wide"}, "bandwidth='wide' is not possible"),
        ({"seeds": "0.5"}, "seed=0.5 is not possible"),
        ({"components": "1:1000", "seeds": "1:11"}, "11000 settings, more than 10000"),
    ],
)
def test_texts_that_are_no_grid(texts, message):
    with pytest.raises(OptionError, match=message):
        Grid.parse(**texts)


def test_an_empty_list_is_refused():
    with pytest.raises(OptionError, match="caps: the list is empty"):
        Grid(caps=())


# --- rows


def test_rows_equal_separate_analyses_to_the_last_bit(train, score, swept):
    assert len(swept.rows) == swept.asked == 48 and not swept.cancelled and swept.labelled
    for row, settings in zip(swept.rows, GRID.settings, strict=True):
        fresh = EmbeddingSet.from_array(train.features.copy())
        analysis = analyse(fresh, score, settings)
        assert row.settings == settings and row.error is None
        longest = math.log(float(analysis.classifier.max_length))
        shift = row.components * longest if settings.feature_scaling_method == "scale" else 0.0
        unseen = analyse(fresh, None, settings).scores  # of all training rows, none seen by its model
        assert row.log_density.value == pytest.approx(unseen.astype(np.float64).mean() - shift)
        metrics = bootstrap(analysis.scores, score.labels, resamples=RESAMPLES)
        assert (row.auroc, row.average_precision) == (metrics.auroc, metrics.average_precision)
        assert row.recall == recall_at_fpr(analysis.scores, score.labels)
        assert row.components == analysis.classifier.n_components_
        assert row.training_points == len(analysis.fitted_on)
        assert row.warnings == analysis.warnings
        lowest_first = sorted(range(len(score)), key=lambda i: (analysis.scores[i], i))
        assert row.top == tuple(lowest_first[:TOP]) and len(row.top) == 20
        axes = analysis.classifier.pca_model.singular_vectors.cpu().numpy()
        centred = train.features - train.features.mean(0, dtype=np.float64)
        explained = ((centred @ axes) ** 2).sum() / (centred**2).sum()
        assert_allclose(row.explained_variance, explained)


def test_components_above_the_rank_are_warned_of(swept):
    above = [row for row in swept.rows if row.settings.n_pca_components == 99]
    assert len(above) == 16
    assert all(row.components == 10 and "directions only" in row.warnings[0] for row in above)
    assert all(row.alarm_share is not None for row in above)


@pytest.mark.parametrize("method", ["scale", "norm"])
@pytest.mark.parametrize("rule", ["scott", 0.5])
def test_log_density_is_that_of_brute_force_without_each_fold(train, method, rule):
    row = sweep(train, None, Grid((3,), (method,), bandwidths=(rule,))).rows[0]
    model = oracles.Classifier(train.features, 3, method, rule)
    shift = 3 * math.log(model.longest) if method == "scale" else 0
    folds = analyse(train, None, Settings(3)).classifier.folds
    expected = oracles.held_out(train.features, folds, 3, method, rule) - shift
    assert_allclose(row.log_density.value, expected.mean(), **oracles.LOG_DENSITY)
    half_width = 1.959964 * expected.std(ddof=1) / math.sqrt(len(expected))
    assert_allclose(row.log_density.interval, expected.mean() + np.array([-1, 1]) * half_width, rtol=1e-4)


def test_log_density_does_not_depend_on_the_scaling_length(train):
    """One far row makes the length that "scale" divides by much larger, but not the density."""
    scores = train.features.astype(np.float64)
    model = oracles.Classifier(scores, 3)
    folds = analyse(train, None, Settings(3)).classifier.folds
    unscaled = []
    for fold in set(folds):
        pca = oracles.pca(scores[folds != fold], 3)
        density = oracles.KDE(pca.scores(scores[folds != fold]))
        unscaled.extend(density.log_density(pca.scores(scores[folds == fold])))
    found = sweep(train, None, Grid((3,))).rows[0].log_density.value
    assert_allclose(found, np.mean(unscaled), **oracles.LOG_DENSITY)
    assert abs(3 * math.log(model.longest)) > 1  # the correction is no small matter here


def test_times_and_sizes(train, score, swept):
    row = swept.rows[0]
    assert row.fit_seconds > 0 and row.score_seconds > 0
    model = KDEClassifier(**row.settings.to_dict())
    model.fit(train.features)
    # The file holds little more than the tensors.
    assert 0 <= len(model.to_bytes()) - row.model_bytes < 2500


def test_without_labels_there_are_no_metrics_of_labels(train):
    found = sweep(train, None, Grid((2,)))
    assert not found.labelled
    assert found.rows[0][6:9] == (None, None, None)


@pytest.mark.parametrize(("many", "top"), [(1, 1), (3, 1), (8, 4)])
def test_of_few_inspected_rows_half_are_at_the_top(train, many, top):
    few = EmbeddingSet.from_array(train.features[:many], "few")
    row = sweep(train, few, Grid((2,))).rows[0]
    assert row.top == tuple(np.argsort(analyse(train, few, Settings(2)).scores)[:top].tolist())


def test_without_a_score_set_the_top_is_of_training_rows_left_out(train):
    scores = analyse(train, None, Settings(2, max_training_points=60)).scores
    assert sweep(train, None, Grid((2,), caps=(60,))).rows[0].top == tuple(np.argsort(scores)[:20].tolist())


def test_equal_models_are_computed_once(train, monkeypatch):
    calls = []
    module = __import__("sys").modules["kdeviz.sweep.sweep"]

    def counted(*arguments):
        calls.append(arguments[2])
        return analyse(*arguments)

    monkeypatch.setattr(module, "analyse", counted)
    found = sweep(train, None, Grid((2,), caps=(100, 160, 500), seeds=(0, 1)))
    assert calls == [
        Settings(2, "scale", 100, seed=0),
        Settings(2, "scale", 100, seed=1),
        Settings(2, "scale", 160),
    ]
    assert [row.settings for row in found.rows] == list(
        Grid((2,), caps=(100, 160, 500), seeds=(0, 1)).settings
    )
    assert len({row.log_density for row in found.rows}) == 3


def test_axes_are_found_once_per_subset(train, decomposed):
    fresh = EmbeddingSet.from_array(train.features + np.float32(1))
    sweep(fresh, None, Grid((2, 3), ("scale", "norm"), (50, 500), ("scott", 0.5)))
    assert sorted(decomposed) == [50, 160]


def test_rows_that_a_cap_kept_make_no_near_copies_of_the_others():
    """They are at no distance from the model, and were looked at together with the rows left out."""
    rows = np.random.default_rng(5).standard_normal((2000, 6)).astype(np.float32)
    analysis = analyse(rows, None, Settings(2, max_training_points=1000), "cpu")
    expected = analysis.classifier.log_density(rows).cpu().numpy()
    expected[analysis.fitted_on] = analysis.held_out_scores
    unseen = sys.modules["kdeviz.sweep.sweep"]._unseen_scores(analysis)
    assert_allclose(unseen, expected, rtol=1e-5)


def test_a_failing_setting_does_not_end_the_sweep(train, score):
    found = sweep(train, score, Grid((2, 161, 3)))
    assert [row.error is None for row in found.rows] == [True, False, True]
    assert "160 rows are fewer than 161 components" in found.rows[1].error
    assert found.rows[1].auroc is None and math.isnan(found.rows[1].fit_seconds)
    assert found.rows[1].top == ()
    assert best(found).best in (found.rows[0], found.rows[2])


def test_rows_come_as_they_are_done_and_cancelling_keeps_them(train, score):
    rows, progress = [], []
    stop = threading.Event()

    def on_row(row):
        rows.append(row)
        if len(rows) == 2:
            stop.set()

    found = sweep(
        train,
        score,
        Grid((2, 3, 4, 5)),
        on_row=on_row,
        on_progress=lambda stage, done: progress.append((stage, done)),
        cancelled=stop.is_set,
    )
    assert found.rows == tuple(rows) and len(rows) == 2 and found.asked == 4 and found.cancelled
    assert [row.settings.n_pca_components for row in rows] == [2, 3]
    fractions = [done for _, done in progress]
    assert fractions == sorted(fractions) and 0.5 <= fractions[-1] < 0.75
    assert progress[-1][0] == "Setting 3 of 4"


def test_the_callers_data_is_left_alone(train, score):
    before = train.features.copy(), score.features.copy(), score.labels.copy()
    sweep(train, score, Grid((2,), ("norm",)))
    for old, new in zip(before, (train.features, score.features, score.labels), strict=True):
        assert_array_equal(old, new)


# --- held-out alarms


def explicit_alarms(analysis, threshold_of):
    """Fold by fold; `threshold_of` is given which training rows are outside."""
    folds, labels = analysis.classifier.folds, analysis.train.labels
    alarms, counted = 0, 0
    for fold in set(folds):
        for point in np.flatnonzero(folds == fold):
            if labels is not None and labels[analysis.fitted_on[point]] == ANOMALOUS:
                continue
            alarms += analysis.held_out_scores[point] < threshold_of(folds != fold)
            counted += 1
    return Estimate(alarms / counted, rate_interval(int(alarms), counted))


@pytest.mark.parametrize("settings", [Settings(3), Settings(4, "norm", 50, 0.7, 3)])
@pytest.mark.parametrize("rule", [ThresholdRule("quantile", 0.1), ThresholdRule("per_1000", 150)])
def test_alarms_are_those_of_an_explicit_loop(train, settings, rule):
    analysis = analyse(train, None, settings)
    scores = analysis.held_out_scores
    found = held_out_alarms(analysis, rule)
    assert found == explicit_alarms(analysis, lambda outside: rule.threshold(scores[outside], scores))
    assert found.value > 0


def test_labelled_anomalies_and_excluded_rows_do_not_count(train):
    labels, excluded = np.zeros(160, np.int8), np.zeros(160, bool)
    labels[::9], excluded[::7] = ANOMALOUS, True
    marked = EmbeddingSet(train.features, train.ids, labels, excluded=excluded)
    rule, analysis = ThresholdRule("quantile", 0.1), analyse(marked, None, Settings(3))
    scores = analysis.held_out_scores
    found = held_out_alarms(analysis, rule)
    assert found == explicit_alarms(analysis, lambda outside: rule.threshold(scores[outside], scores))


def test_copies_count_once(train):
    twice = EmbeddingSet.from_array(np.concatenate([train.features, train.features]))
    found = held_out_alarms(analyse(twice, None, Settings(3)), ThresholdRule("quantile", 0.1))
    assert found.interval == rate_interval(round(found.value * 160), 160)


@pytest.mark.parametrize(
    "rule", [ThresholdRule("top_k", 35), ThresholdRule("fpr", 0.1), ThresholdRule("best_f1")]
)
def test_rules_of_scored_rows_see_all_of_them(train, score, rule):
    analysis = analyse(train, score, Settings(3))
    threshold = rule.threshold(analysis.held_out_scores, analysis.scores, score.labels)
    assert held_out_alarms(analysis, rule) == explicit_alarms(analysis, lambda outside: threshold)


@pytest.mark.parametrize("rule", [ThresholdRule("top_k", 20), ThresholdRule("fpr", 0.1)])
def test_without_a_score_set_they_see_the_rows_outside_the_fold(train, rule):
    labels = np.zeros(160, np.int8)
    labels[::9] = ANOMALOUS
    analysis = analyse(EmbeddingSet(train.features, train.ids, labels), None, Settings(3))

    def threshold(outside):
        scores = analysis.scores[outside]
        return rule.for_rows(len(scores), 160).threshold(scores, scores, labels[outside])

    assert held_out_alarms(analysis, rule) == explicit_alarms(analysis, threshold)


def test_a_scored_training_row_takes_no_score_away_from_a_calibration_without_it(train, monkeypatch):
    analysis, known = analyse(train, train.take(np.arange(80)), Settings(3)), []

    def noted(calibration, scores, given):
        known.append(int(given.sum()))
        return p_values(calibration, scores, given)

    monkeypatch.setattr(sys.modules["kdeviz.sweep.held_out"], "p_values", noted)
    held_out_alarms(analysis, ThresholdRule("quantile", 0.1))
    folds = analysis.classifier.folds
    assert known == [int((folds[:80] != fold).sum()) for fold in np.unique(folds)]


@pytest.mark.parametrize("rule", [ThresholdRule("log_density", 1.0), ThresholdRule("probability", 0.6)])
def test_fixed_thresholds_are_taken_as_they_are(train, rule):
    curve, analysis = ProbabilityCurve(3.0, 0.2), analyse(train, None, Settings(3))
    fixed = rule.threshold(np.zeros(1), np.zeros(1), None, curve)
    found = held_out_alarms(analysis, rule, curve)
    assert found == explicit_alarms(analysis, lambda outside: fixed)
    assert 0 < found.value < 1


@pytest.mark.parametrize(("n", "d", "k"), [(60, 10, 10), (3000, 6, 2)])
def test_the_budget_holds_however_few_rows_there_are(make_rows, n, d, k):
    sets = [EmbeddingSet.from_array(make_rows(n, d, seed)) for seed in range(8 if n < 100 else 1)]
    rule = ThresholdRule("quantile", 0.1)
    shares = [held_out_alarms(analyse(rows, None, Settings(k)), rule).value for rows in sets]
    assert 0.07 < np.mean(shares) < 0.13


def test_copies_do_not_make_a_narrow_kernel_look_good(make_rows):
    """Every row twice: leaving one row out left its copy, and likelihood chose the narrowest kernel."""
    rows = make_rows(4200, 4).astype(np.float32)
    features, unseen = rows[:200], rows[200:]
    twice = EmbeddingSet.from_array(np.concatenate([features, features]))
    found = best(sweep(twice, None, Grid((3,), bandwidths=(0.001, 0.1, 1.0)))).best
    assert found.settings.bandwidth == 1.0
    new = analyse(twice, unseen, found.settings)
    alarms = (new.scores < ThresholdRule("quantile", 0.05).threshold(new.calibration, new.scores)).mean()
    assert alarms < 0.1


def test_folds_that_cannot_be_fitted_leave_a_warning(make_rows):
    few = EmbeddingSet.from_array(make_rows(11, 20))
    row = sweep(few, None, Grid((10,))).rows[0]
    assert row.error is None and row.alarm_share is None and row.log_density is None
    assert "no share of held-out alarms: there are no held-out scores" in row.warnings[-1]


def test_all_training_rows_anomalous(train):
    marked = EmbeddingSet(train.features, train.ids, np.full(160, ANOMALOUS, np.int8))
    with pytest.raises(DataError, match="every training row is labelled anomalous"):
        held_out_alarms(analyse(marked, None, Settings(2)), ThresholdRule())


def test_rules_that_need_labels_are_refused_at_once(train):
    with pytest.raises(DataError, match="best_f1 rule needs both"):
        sweep(train, None, Grid((2,)), ThresholdRule("best_f1"))


# --- recall at a false-positive rate

scored = st.lists(
    st.tuples(st.integers(-5, 5), st.sampled_from([NORMAL, ANOMALOUS, UNKNOWN])), min_size=2, max_size=60
).filter(lambda pairs: {NORMAL, ANOMALOUS} <= {label for _, label in pairs})


@given(scored, st.sampled_from([0.0, 0.01, 0.1, 0.29, 0.5, 0.9]))
def test_recall_is_the_most_that_any_threshold_reaches(pairs, fpr):
    scores, labels = np.array([s for s, _ in pairs], float), np.array([x for _, x in pairs], np.int8)
    normal, anomalous = scores[labels == NORMAL], scores[labels == ANOMALOUS]
    possible = [t for t in np.append(np.unique(scores), 99) if (normal < t).sum() <= fpr * len(normal) + 1e-9]
    found = recall_at_fpr(scores, labels, fpr, resamples=20)
    assert found.value == max((anomalous < t).mean() for t in possible)
    threshold = ThresholdRule("fpr", fpr).threshold(scores, scores, labels)
    assert found.value == (anomalous < threshold).mean()


def test_resampled_recall_is_distributed_as_that_of_drawn_rows():
    random = np.random.default_rng(5)
    scores = np.round(np.concatenate([random.normal(size=150), random.normal(-2, 1, 40)]), 1)
    labels = np.repeat(np.array([NORMAL, ANOMALOUS], np.int8), [150, 40])
    normal, anomalous = scores[:150], scores[150:]
    drawn = np.empty(4000)
    for i in range(len(drawn)):
        threshold = np.sort(random.choice(normal, 150))[7]  # 5 % of 150 is 7.5
        drawn[i] = (random.choice(anomalous, 40) < threshold).mean()
    value, interval = recall_at_fpr(scores, labels, 0.05, resamples=20_000)
    half_width = (
        math.log(interval.high / (1 - interval.high)) - math.log(interval.low / (1 - interval.low))
    ) / 2
    from scipy.stats import t

    assert_allclose(half_width * value * (1 - value) / t.ppf(0.975, 39), drawn.std(ddof=1), rtol=0.05)


def test_perfect_recall_has_the_interval_of_its_count():
    scores = np.concatenate([np.arange(50.0), -1 - np.arange(20.0)])
    labels = np.repeat(np.array([NORMAL, ANOMALOUS], np.int8), [50, 20])
    assert recall_at_fpr(scores, labels) == Estimate(1.0, rate_interval(20, 20))
    assert recall_at_fpr(-scores, labels) == Estimate(0.0, rate_interval(0, 20))


def test_recall_refuses_what_it_cannot_use():
    with pytest.raises(DataError, match="label at least one of each"):
        recall_at_fpr(np.zeros(3), np.zeros(3, np.int8))
    with pytest.raises(OptionError, match="fpr rule cannot take 1"):
        recall_at_fpr(np.zeros(2), np.array([0, 1], np.int8), 1.0)


# --- the choice


def made(
    k,
    points,
    value,
    interval=(math.nan, math.nan),
    scaling="scale",
    variance=0.5,
    width="scott",
    seed=0,
    top=(),
):
    found = Estimate(value, Interval(*interval))
    settings = Settings(k, scaling, points, width, seed)
    return SweepRow(settings, k, points, variance, log_density=found, auroc=found, top=tuple(top))


def of_rows(*rows, labelled=True):
    return Sweep(rows, len(rows), ThresholdRule(), labelled)


def test_the_simplest_within_the_interval_of_the_best():
    rows = (
        made(32, 1000, 0.95, (0.90, 0.97)),
        made(8, 1000, 0.91, (0.85, 0.94)),
        made(8, 500, 0.905, (0.85, 0.94)),
        made(4, 1000, 0.899, (0.85, 0.95)),
    )
    choice = best(of_rows(*rows))
    assert choice.metric == "auroc" and choice.best is rows[0] and choice.simplest is rows[2]
    assert choice.sentence == (
        "32 components, scale, bandwidth Scott, 1\u202f000 training rows, seed 0 give the best AUROC, 0.950 "
        "(95 % interval 0.900 to 0.970); 8 components, scale, bandwidth Scott, 500 training rows, seed 0 "
        "give 0.905, within that interval."
    )


def test_without_an_interval_only_an_equal_value_is_as_good():
    rows = made(8, 100, 1.0), made(4, 100, 1.0), made(2, 100, 0.999)
    choice = best(of_rows(*rows))
    assert choice.best is choice.simplest is rows[1]
    assert choice.sentence.endswith("give the best AUROC, 1.00.")


def test_nothing_simpler_is_said():
    rows = made(2, 100, 0.9, (0.8, 0.95)), made(4, 100, 0.7, (0.6, 0.8))
    assert best(of_rows(*rows)).sentence.endswith("nothing simpler lies within that interval.")


def test_without_labels_components_come_by_variance_and_bandwidth_by_likelihood():
    rows = (
        made(2, 100, 9.0, (8, 10), variance=0.7),
        made(4, 100, 5.0, (4.5, 5.5), variance=0.92, width=0.5),
        made(4, 100, 6.0, (5.5, 6.5), variance=0.92),
        made(4, 50, 5.6, (5.0, 6.0), variance=0.92),
        made(4, 100, 7.0, (6.5, 7.5), variance=0.92, scaling="norm"),
        made(8, 100, 8.0, (7.5, 8.5), variance=0.99),
    )
    choice = best(of_rows(*rows, labelled=False))
    assert choice.metric == "log_density" and choice.best is rows[2] and choice.simplest is rows[3]
    assert "Likelihoods with different components do not compare" in choice.sentence
    assert (
        "the components were chosen by explained variance and stability: 4 are the fewest that carry 92.0 %, "
        "and no larger count was tried that shows whether it names the same samples." in choice.sentence
    )
    assert "Nor do those of norm and scale: scale is the default." in choice.sentence


def test_too_little_variance_takes_the_most_components():
    rows = made(2, 100, 9.0, variance=0.2), made(4, 100, 5.0, variance=0.4, scaling="norm")
    choice = best(of_rows(*rows, labelled=False))
    assert choice.best is rows[1] and "4 are the most tried, which carry 40.0 %" in choice.sentence


def test_equal_components_need_no_excuse():
    rows = made(4, 100, 5.0, (4, 6)), made(4, 100, 6.0, (5.5, 7), width=0.5, top=range(20))
    assert "components do not" not in best(of_rows(*rows, labelled=False)).sentence
    both = best(of_rows(*rows, made(4, 100, 9.0, scaling="norm"), labelled=False))
    assert both.best is rows[1]
    assert both.sentence.endswith(". Those of norm and scale do not compare: scale is the default.")


def ranking(k, hits, variance=0.95, **more):
    """A row whose top holds so many of the samples 0 to 19."""
    return made(k, 100, 5.0, variance=variance, top=[*range(hits), *range(100, 120 - hits)], **more)


def of_likelihood(*rows):
    return best(of_rows(*rows, labelled=False))


def test_the_fewest_components_that_rank_like_the_next_larger_count():
    """Explained variance alone would take 4, and an agreement of fewer than 10 of 20 is too little."""
    rows = ranking(2, 20, 0.89), ranking(4, 5), ranking(6, 20), ranking(8, 17, 0.97), ranking(12, 20)
    choice = of_likelihood(*rows)
    assert choice.best is rows[2]
    assert choice.sentence.endswith(
        "so the components were chosen by explained variance and stability: 6 are the fewest that carry "
        "95.0 % and name 17 of the 20 samples that 8 name as most anomalous."
    )


@pytest.mark.parametrize(("hits", "k"), [(9, 6), (10, 4)])
def test_stable_is_one_half(hits, k):
    assert STABLE == 0.5
    assert of_likelihood(ranking(4, hits), ranking(6, 20), ranking(8, 20)).best.components == k


def test_an_unstable_ranking_leaves_the_choice_to_the_variance():
    rows = ranking(2, 10, 0.8), ranking(4, 9), ranking(8, 20), ranking(16, 8)
    choice = of_likelihood(*rows)
    assert choice.best is rows[1]
    assert choice.sentence.endswith(
        "4 are the fewest that carry 95.0 %; of the counts that do, none names 50.0 % of the 20 samples that "
        "the next larger one names as most anomalous."
    )


def test_the_next_larger_count_decides_and_no_other():
    """4 agrees with 16 in all, but not with 8."""
    assert of_likelihood(ranking(4, 20), ranking(8, 2), ranking(16, 20)).best.components == 4
    assert of_likelihood(ranking(4, 20), ranking(8, 2), ranking(16, 4)).best.components == 8


def test_agreement_is_the_mean_over_rows_equal_but_for_the_components():
    """14 of 20 at one width and 19 at the other; a row that only one of the counts has says nothing."""
    alone = ranking(4, 0, width=2), ranking(6, 0, scaling="norm"), ranking(4, 1, seed=3)
    rows = ranking(4, 14), ranking(4, 19, width=0.5), ranking(6, 20), ranking(6, 20, width=0.5), *alone
    assert "4 are the fewest that carry 95.0 % and name on average 16.5 of the 20 samples that 6 name" in (
        of_likelihood(*rows, ranking(8, 20)).sentence
    )
    lower = ranking(4, 2), ranking(4, 17, width=0.5), *rows[2:]  # 9.5
    assert of_likelihood(*lower, ranking(8, 20)).best.components == 6


def test_rows_that_failed_or_were_never_reached_are_no_next_larger_count():
    failed = SweepRow(Settings(6), error="no")
    rows = ranking(4, 20), failed, ranking(8, 18)
    assert "4 are the fewest that carry 95.0 % and name 18 of the 20 samples that 8 name" in (
        of_likelihood(*rows).sentence
    )
    cancelled = Sweep((ranking(2, 20, 0.5), ranking(4, 20)), 9, ThresholdRule(), False)
    assert best(cancelled).best.components == 4
    assert "4 are the fewest that carry 95.0 %, and no larger count was tried" in best(cancelled).sentence


samples = st.lists(st.integers(0, 9), min_size=5, max_size=5, unique=True)
rankings = st.dictionaries(
    st.tuples(st.sampled_from([2, 3, 5, 8]), st.sampled_from(["scale", "norm"]), st.sampled_from([0.5, 2])),
    samples,
    min_size=1,
)


@given(rankings, st.sampled_from([1, 2, 4]))
def test_the_choice_of_components_is_that_of_a_plain_search(tops, enough):
    rows = [
        made(k, 100, 1.0, scaling=scaling, width=width, variance=0.95 if k >= enough else 0.5, top=top)
        for (k, scaling, width), top in tops.items()
    ]
    counts = sorted({k for k, _, _ in tops if k >= enough}) or [max(k for k, _, _ in tops)]
    expected = counts[0]
    for fewer, more in reversed(list(itertools.pairwise(counts))):
        shares = [
            sum(sample in top for sample in tops[(more, *others)]) / 5
            for (k, *others), top in tops.items()
            if k == fewer and (more, *others) in tops
        ]
        if shares and sum(shares) / len(shares) >= STABLE - 1e-12:
            expected = fewer
    assert of_likelihood(*rows).best.components == expected


def test_the_chosen_components_of_a_real_sweep(train, score, swept):
    """From scores of separate analyses: each count against the next, over all other settings."""
    tops = {}
    for settings in Grid((5, 7, 9), bandwidths=("scott", 0.5)).settings:
        scores = analyse(train, score, settings).scores
        tops[settings.n_pca_components, settings.bandwidth] = set(np.argsort(scores, kind="stable")[:20])
    agreement = {
        fewer: np.mean([len(tops[fewer, width] & tops[more, width]) / 20 for width in ("scott", 0.5)])
        for fewer, more in ((5, 7), (7, 9))
    }
    found = sweep(train, score, Grid((5, 7, 9), bandwidths=("scott", 0.5)))
    enough = [row.components for row in found.rows if row.explained_variance >= ENOUGH_VARIANCE]
    expected = next((k for k in sorted(agreement) if k in enough and agreement[k] >= STABLE), min(enough))
    assert best(found, "log_density").best.components == expected


def test_marks():
    rows = made(8, 100, 0.9, (0.8, 0.95)), made(4, 100, 0.85, (0.7, 0.9)), made(2, 100, 0.5, (0.4, 0.6))
    assert [best(of_rows(*rows)).title(row) for row in rows] == ["best", "simplest", ""]
    assert best(of_rows(rows[2])).title(rows[2]) == "best, simplest"


def test_choices_that_cannot_be_made():
    with pytest.raises(OptionError, match="metric 'fit_seconds' chooses no setting"):
        best(of_rows(made(2, 10, 0.5)), "fit_seconds")
    with pytest.raises(DataError, match="AUROC needs both normal and anomalous labels"):
        best(of_rows(made(2, 10, 0.5), labelled=False), "auroc")
    with pytest.raises(DataError, match="no setting of this sweep could be fitted"):
        best(of_rows(SweepRow(Settings(), error="no")))
    with pytest.raises(OptionError, match="metric 'size' is not known"):
        estimate_of(made(2, 10, 0.5), "size")


def test_every_metric_is_a_field_with_words():
    assert set(METRICS) <= set(SweepRow._fields) and set(CHOICES) <= set(METRICS)
    assert estimate_of(made(2, 10, 0.5), "explained_variance").value == 0.5
    assert estimate_of(SweepRow(Settings(), error="no"), "model_bytes") is None


def test_sorting(swept):
    for metric, described in METRICS.items():
        rows = sorted_rows(swept, metric)
        assert {row.settings for row in rows} == {row.settings for row in swept.rows}
        groups = itertools.groupby(
            rows,
            lambda row, m=metric: (
                (row.settings.feature_scaling_method, row.components) if m == "log_density" else 0
            ),
        )
        for _, group in groups:
            values = [estimate_of(row, metric).value for row in group]
            assert values == sorted(values, reverse=described.higher_is_better)
    failed = SweepRow(Settings(3), error="no")
    assert sorted_rows(of_rows(failed, made(2, 10, 0.5)), "auroc")[-1] is failed


# --- the table


def test_the_table_holds_the_same_numbers(swept):
    table = sweep_table(swept)
    assert len(table) == 48
    for row, line in zip(swept.rows, table.to_dict("records"), strict=True):
        assert line["auroc"] == row.auroc.value and line["auroc_low"] == row.auroc.interval.low
        assert line["alarm_share_high"] == row.alarm_share.interval.high
        assert line["model_bytes"] == row.model_bytes and line["bandwidth"] == str(row.settings.bandwidth)
        assert line["feature_scaling_method"] == row.settings.feature_scaling_method.value
        assert line["warnings"] == "; ".join(row.warnings) and line["error"] == ""


def test_the_table_of_failures_and_of_nothing(train):
    table = sweep_table(sweep(train, None, Grid((161,))))
    assert (
        "auroc" not in table and math.isnan(table["log_density"][0]) and "fewer than 161" in table["error"][0]
    )
    assert len(sweep_table(of_rows())) == 0


# --- the sample set


def test_the_sample_set_finds_better_than_the_defaults():
    train, test = load_sample().train_and_test()
    grid = Grid((8, 16, 24), ("scale", "norm"))
    found = sweep_function(train, test, grid)
    choice = best(found, "auroc")
    defaults = next(row for row in found.rows if row.settings == Settings())
    assert choice.best.auroc.value > defaults.auroc.value > 0.93
    assert choice.simplest.components <= choice.best.components
    assert choice.simplest.auroc.value >= choice.best.auroc.interval.low


def test_variance_across_caps_is_of_the_same_rows_and_of_the_row_that_is_chosen(make_rows):
    """A cap of two rows has one axis, which carries all the variance of these two and little of the rest."""
    rows = EmbeddingSet.from_array(make_rows(400, 12, decades=0.5).astype(np.float32))
    found = sweep(rows, None, Grid((2, 6, 10), caps=(2, 5, 30, 400)))
    by_cap = {row.settings.max_training_points: row for row in found.rows if row.components <= 2}
    assert by_cap[2].explained_variance < 0.6
    choice = best(found)
    assert choice.best.explained_variance >= ENOUGH_VARIANCE
    assert choice.narrowed.carried == choice.best.explained_variance
    assert choice.best.training_points == 400
    assert choice.simplest.training_points > 5


def test_a_setting_that_lapack_cannot_solve_costs_one_row(train, monkeypatch):
    module = sys.modules["kdeviz.sweep.sweep"]
    real = module.analyse

    def analyse(train, score, settings, *args):
        if settings.n_pca_components == 2:
            raise np.linalg.LinAlgError("Eigenvalues did not converge")
        return real(train, score, settings, *args)

    monkeypatch.setattr(module, "analyse", analyse)
    found = sweep(train, None, Grid((2, 3)))
    assert [row.error for row in found.rows] == ["Eigenvalues did not converge", None]


@pytest.mark.parametrize("seed", range(8))
def test_five_lucky_rows_are_never_chosen(seed):
    rng = np.random.default_rng(seed)
    rows = EmbeddingSet.from_array(rng.normal(size=(600, 10)) * np.arange(1, 11) ** -1.2)
    choice = best(sweep(rows, None, Grid((2,), caps=(2, 5, 200))))
    assert choice.best.training_points == choice.simplest.training_points == 200
    assert "200 training rows" in choice.sentence


@pytest.mark.parametrize("unit", [1.0, 1e250, 1e-250])
def test_capped_rows_are_judged_by_all_training_rows(unit):
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(300, 6)) * np.arange(1, 7) ** -1.0 + 5
    capped = sweep(EmbeddingSet.from_array(rows * unit), None, Grid((2,), caps=(40,))).rows[0]
    analysis = analyse(EmbeddingSet.from_array(rows * unit), None, Settings(2, max_training_points=40))
    seen = rows[analysis.fitted_on]
    pca = oracles.pca(seen, 2)
    scores = (rows - rows.mean(0)) @ pca.components
    explained = (scores**2).sum() / ((rows - rows.mean(0)) ** 2).sum()
    assert capped.explained_variance == pytest.approx(explained, rel=1e-9)
    # With nothing to inspect, an analysis scores just these rows: held out, or left out by the cap.
    length = np.linalg.norm(pca.scores(seen), axis=1).max() * unit
    expected = analysis.scores.mean() - 2 * np.log(length)
    assert capped.log_density.value == pytest.approx(expected, rel=1e-9)


def test_copies_of_rows_under_the_cap_count_once_and_are_held_out():
    rng = np.random.default_rng(0)
    once = rng.normal(size=(120, 4))
    twice = EmbeddingSet.from_array(np.concatenate([once, once]))
    capped = sweep(twice, None, Grid((2,), caps=(100,))).rows[0]
    analysis = analyse(twice, None, Settings(2, max_training_points=100))
    volume = -2 * math.log(float(analysis.classifier.max_length))
    points = analysis.classifier.recognised(once)
    own = analysis.classifier.log_density(once).cpu().numpy()
    expected = np.where(points >= 0, analysis.held_out_scores[points], own)
    assert capped.log_density.value == pytest.approx(expected.mean() + volume, rel=1e-9)
