import math
import sys
from dataclasses import replace

import numpy as np
import pytest
from comparison_steps import side
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import comb
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score, roc_curve

from kdeviz.analysis.analyse import analyse
from kdeviz.charts.percentiles import percentiles_numbers
from kdeviz.comparison.compare import compare
from kdeviz.comparison.paired import SeparationTest, auroc_difference, mcnemar
from kdeviz.comparison.scored import decision_with_data, scored_decision, scored_model
from kdeviz.comparison.words import (
    areas_in_words,
    interval_words,
    separation_finding,
    separation_words,
    verdict_words,
)
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.data.samples import load_sample
from kdeviz.decision.decision import Decision, decide
from kdeviz.decision.metrics.intervals import Interval
from kdeviz.decision.rules import ThresholdRule
from kdeviz.decision.table import sample_view
from kdeviz.errors import DataError, OptionError
from kdeviz.explain.row import explain
from kdeviz.model.classifier import KDEClassifier
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.output.runs.store import RunStore
from kdeviz.settings import Settings, name_of
from kdeviz.wording import number

CURVE, RULE = ProbabilityCurve(), ThresholdRule("quantile", 0.05)


def scored(train, test, rule=RULE, **settings):
    analysis = analyse(train, test, Settings(**settings), device="cpu")
    return scored_decision(decide(analysis, rule, CURVE))


@pytest.fixture(scope="module")
def digits():
    return load_sample().train_and_test()


@pytest.fixture(scope="module")
def pair(digits):
    return scored(*digits), scored(*digits, n_pca_components=24, feature_scaling_method="norm")


@pytest.fixture(scope="module")
def compared(pair):
    return compare(*pair, resamples=200)


# What is compared


def test_an_analysis_as_scores(digits):
    analysis = analyse(*digits, device="cpu")
    found = scored_decision(Decision(analysis, RULE, CURVE, 20.0), fixes=("drop",))
    assert found.scores is analysis.scores
    assert found.decision.analysis is analysis
    np.testing.assert_array_equal(found.flagged, analysis.scores < 20.0)
    assert (found.name, found.fixes) == ("16 components, scale, cap 40\u202f000, Scott", ("drop",))
    assert scored_decision(Decision(analysis, RULE, CURVE, 20.0), name="mine").name == "mine"


@pytest.mark.parametrize("own_rows", [True, False])
def test_a_model_file_scores_as_its_analysis_did(rows32, tmp_path, own_rows):
    train = EmbeddingSet.from_array(rows32)
    test = None if own_rows else EmbeddingSet.from_array(rows32[:90] + np.float32(0.3))
    analysis = analyse(train, test, Settings(5, max_training_points=200), device="cpu")
    analysis.classifier.threshold = 1.25
    analysis.classifier.save(tmp_path / "m.safetensors")
    found = scored_model(KDEClassifier.load(tmp_path / "m.safetensors", "cpu"), analysis.inspected)
    expected = scored_decision(Decision(analysis, None, CURVE, 1.25))
    np.testing.assert_array_equal(found.scores, expected.scores)
    np.testing.assert_array_equal(found.decision.analysis.held_out_scores, analysis.held_out_scores)
    np.testing.assert_array_equal(found.flagged, expected.flagged)
    assert (found.decision.threshold, found.decision.rule, found.name) == (1.25, None, expected.name)
    same = compare(found, expected)
    assert [setting.name for setting in same.settings if setting.differs] == []
    assert same.spearman == pytest.approx(1)
    assert same.notes == ()


def test_a_model_without_a_threshold_gets_the_default_one(fitted, rows32):
    assert fitted.threshold is None
    found = scored_model(fitted, EmbeddingSet.from_array(rows32[:50] * 2))
    left_out = fitted.held_out_scores.numpy()
    assert found.decision.rule == ThresholdRule()
    assert found.decision.threshold == ThresholdRule().threshold(left_out, found.scores)


def test_training_scores_come_from_the_model_when_nobody_gives_them(fitted, rows32):
    found = scored_model(fitted, EmbeddingSet.from_array(rows32[:50] * 2))
    assert len(found.decision.analysis.train) == 0  # the training rows are not here
    np.testing.assert_array_equal(found.decision.analysis.held_out_scores, fitted.held_out_scores.numpy())


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (Settings(), "16 components, scale, cap 40\u202f000, Scott"),
        (
            Settings(1, "norm", 500, "silverman", 3),
            "1 component, norm, cap 500, Silverman, seed 3",
        ),
        (Settings(0.9, bandwidth=0.5), "90 % of the variance, scale, cap 40\u202f000, Scott × 0.5"),
    ],
)
def test_names_are_made_from_settings(settings, name):
    assert name_of(settings) == name


# An analysis without a fit


def saved(analysis, threshold, folder):
    """A model file of an analysis, read again."""
    analysis.classifier.threshold = threshold
    analysis.classifier.save(folder / "m.safetensors")
    return KDEClassifier.load(folder / "m.safetensors", "cpu")


SOURCES = {
    "analysis": lambda analysis, threshold, folder: scored_decision(
        Decision(analysis, RULE, CURVE, threshold)
    ),
    "model file": lambda analysis, threshold, folder: scored_model(
        saved(analysis, threshold, folder), analysis.inspected
    ),
    "run": lambda analysis, threshold, folder: (
        RunStore(folder).open(RunStore(folder).keep(Decision(analysis, RULE, CURVE, threshold)).id).scored()
    ),
}


def assert_same(one, other):
    """Up to the last digits of float64, through NamedTuples: the axes of a fold are found in another way."""
    assert type(one) is type(other)
    if isinstance(one, tuple):
        for part, same in zip(one, other, strict=True):
            assert_same(part, same)
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-6, abs=1e-9)
    else:
        assert one == other


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("settings", [Settings(5), Settings(5, "norm", 120, 0.7)], ids=["all rows", "capped"])
@pytest.mark.parametrize("excluding", [False, True])
@pytest.mark.parametrize("own_rows", [False, True])
def test_an_analysis_comes_back_without_a_fit(rows32, tmp_path, source, settings, excluding, own_rows):
    excluded = np.arange(300) % 7 == 2 if excluding else None
    train = replace(EmbeddingSet.from_array(rows32), excluded=excluded)
    test = None if own_rows else EmbeddingSet.from_array(rows32[:90] + np.float32(0.3))
    analysis = analyse(train, test, settings, device="cpu")
    scored = SOURCES[source](analysis, RULE.threshold(analysis.held_out_scores, analysis.scores), tmp_path)
    found = decision_with_data(scored, analysis.train, analysis.inspected).analysis
    assert found.inspects_training == own_rows
    assert (found.settings, found.train, found.inspected) == (settings, analysis.train, analysis.inspected)
    for part in ("fitted_on", "points", "held_out_scores", "scores", "coordinates", "train_coordinates"):
        assert_same(getattr(found, part), getattr(analysis, part))
    if excluding:
        assert not excluded[found.fitted_on].any()
    for row in (0, 2, 41, 89):  # row 2 is excluded
        assert_same(explain(found, row), explain(analysis, row))
        views = (sample_view(Decision(one, RULE, CURVE, 1.5), row) for one in (found, analysis))
        assert_same(*views)


def test_no_analysis_of_other_data(rows32, tmp_path):
    train, test = EmbeddingSet.from_array(rows32), EmbeddingSet.from_array(rows32[:90] + np.float32(0.3))
    analysis = analyse(train, test, Settings(5), device="cpu")
    scored = scored_decision(Decision(analysis, None, CURVE, 0.0))
    assert decision_with_data(scored, train, test) is not None
    assert decision_with_data(scored, EmbeddingSet.from_array(rows32.copy()), test) is not None
    elsewhere = EmbeddingSet.from_array(rows32[:299])
    assert decision_with_data(scored, elsewhere, test) is None
    assert decision_with_data(scored, replace(train, excluded=np.arange(300) == 0), test) is None
    assert decision_with_data(scored, train, train) is None
    assert decision_with_data(scored, train, test.take(np.arange(90)[::-1])) is None
    assert decision_with_data(replace(scored, inspected_digest=""), train, test) is None
    fewer = replace(analysis, scores=analysis.scores[:-1], points=analysis.points[:-1])
    assert decision_with_data(replace(scored, decision=decide(fewer)), train, test) is None
    # A model file that was fitted elsewhere has scored the same samples.
    fitted_elsewhere = saved(analyse(elsewhere, settings=Settings(5), device="cpu"), 0.0, tmp_path)
    assert decision_with_data(scored_model(fitted_elsewhere, test), train, test) is None


def test_an_analysis_with_the_labels_of_today(rows32):
    """Marks change labels, not features."""
    train = EmbeddingSet.from_array(rows32)
    analysis = analyse(train, settings=Settings(5), device="cpu")
    scored = scored_decision(Decision(analysis, None, CURVE, 0.0))
    labels = np.full(300, UNKNOWN, np.int8)
    labels[4] = ANOMALOUS
    relabelled = analysis.relabelled(labels)
    found = decision_with_data(scored, relabelled.train, relabelled.inspected)
    assert found.analysis.inspects_training
    assert sample_view(found, 4).label == "anomalous"


def test_thresholds_of_different_rules_are_told(digits):
    analysis = analyse(*digits, device="cpu")
    sides = [
        scored_decision(decide(analysis, ThresholdRule(*rule)), name=str(rule))
        for rule in (("quantile", 0.02), ("top_k", 12), ("top_k", 12))
    ]
    assert compare(*sides[1:], resamples=20).notes == ()
    assert compare(*sides[:2], resamples=20).notes == (
        "The threshold of the first is put so that at most 2 % of normal samples are flagged; that of the "
        "second so that the 12 most unusual samples are flagged. Their verdicts differ for that reason too; "
        "the AUROC knows no threshold.",
    )


# Which samples


def test_common_samples_are_matched_by_id_whatever_their_order():
    first = side([1.0, 2.0, 3.0, 4.0], ["a", "b", "c", "d"])
    second = side([40.0, 50.0, 20.0], ["d", "e", "b"])
    found = compare(first, second)
    assert list(found.ids) == ["b", "d"]
    assert list(found.first_scores) == [2.0, 4.0]
    assert list(found.second_scores) == [20.0, 40.0]
    assert found.notes == (
        "In both: 2 samples; left out are 2 that only the first has and 1 that only the second has.",
    )


def test_repeated_ids_are_matched_in_order():
    found = compare(side([1.0, 2.0, 3.0], ["x", "x", "y"]), side([9.0, 8.0, 7.0, 6.0], ["y", "x", "x", "x"]))
    assert list(found.first_scores) == [1.0, 2.0, 3.0]
    assert list(found.second_scores) == [8.0, 7.0, 9.0]


def test_nothing_in_common():
    with pytest.raises(DataError, match="no sample in common"):
        compare(side([1.0], ["a"]), side([1.0], ["b"]))


def test_other_data_is_noted(pair):
    first, second = pair
    found = compare(first, replace(second, inspected_digest="0" * 32), resamples=2)
    assert found.notes == ("The inspected data are not the same: samples are matched by id alone.",)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (None, None, None),
        ([1, 0, -1], None, [1, 0, -1]),
        (None, [1, 0, -1], [1, 0, -1]),
        ([1, -1, -1], [-1, 0, -1], [1, 0, -1]),
        ([1, 0, 1], [0, 0, 1], [-1, 0, 1]),
    ],
)
def test_labels_of_both(one, other, expected):
    found = compare(side([1.0, 2.0, 3.0], labels=one), side([1.0, 3.0, 2.0], labels=other), resamples=2)
    assert (None if found.labels is None else list(found.labels)) == expected
    contradiction = one == [1, 0, 1]
    note = ("Samples with contradicting labels, which count as not labelled: 1.",)
    assert found.notes == (note if contradiction else ())


def test_without_labels_nothing_pretends_to_be_a_metric():
    for labels in (None, [UNKNOWN] * 3):
        found = compare(side([1.0, 2.0, 3.0], labels=labels), side([3.0, 2.0, 1.0]))
        assert found.roc is found.verdicts is found.separation is None
    found = compare(side([1.0, -2.0, 3.0], labels=[NORMAL, NORMAL, UNKNOWN]), side([3.0, 2.0, 1.0]))
    assert found.roc is found.separation is None
    assert (found.verdicts.labelled, found.verdicts.fewer_false_alarms) == (2, 1)


# Settings


def test_settings_side_by_side(pair, compared):
    found = {setting.name: setting for setting in compared.settings}
    assert {name for name, setting in found.items() if setting.differs} == {
        "components", "components kept", "scaling", "threshold",
    }  # fmt: skip
    assert found["components"][1:] == (16, 24)
    assert found["scaling"][1:] == ("scale", "norm")
    assert found["threshold"][1:] == (pair[0].decision.threshold, pair[1].decision.threshold)
    assert found["training samples"][1:] == (1051, 1051)
    assert found["threshold rule"].first == "quantile 0.05"
    assert found["fixes"].first is None


def test_every_setting_is_compared():
    first = side([1.0], settings=Settings(3, "scale", 100), rule=ThresholdRule("top_k", 1), fixes=())
    second = side(
        [1.0],
        threshold=2.0,
        settings=Settings(4, "norm", 200, 0.5, 1),
        curve=ProbabilityCurve(1, 2),
        rule=ThresholdRule("top_k", 2),
        fixes=("x",),
    )
    differing = {setting.name for setting in compare(first, second).settings if setting.differs}
    assert differing == {
        "components", "scaling", "training cap", "bandwidth", "seed", "threshold rule", "threshold",
        "curve midpoint", "curve steepness", "fixes",
    }  # fmt: skip
    assert not any(setting.differs for setting in compare(first, first).settings)


def test_what_is_not_known_does_not_differ():
    found = compare(side([1.0], fixes=("x",)), side([1.0], rule=RULE))
    assert not any(setting.differs for setting in found.settings)


# Ranks


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=40), st.booleans())
def test_spearman_and_ranks(pairs, far):
    scores = np.array(pairs, np.float32)
    if far:
        scores[scores == -3] = -np.inf
    found = compare(side(scores[:, 0]), side(scores[:, 1]))
    for ranks, values in ((found.first_ranks, scores[:, 0]), (found.second_ranks, scores[:, 1])):
        assert list(ranks) == [1 + sum(other < value for other in values) for value in values]
    if len(set(scores[:, 0])) == 1 or len(set(scores[:, 1])) == 1:
        assert found.spearman is None
    else:
        expected = spearmanr(np.nan_to_num(scores[:, 0], neginf=-99), np.nan_to_num(scores[:, 1], neginf=-99))
        assert found.spearman == pytest.approx(expected.statistic, abs=1e-12)


def test_ranks_and_spearman_count_common_samples_only():
    found = compare(side([5.0, 1.0, 3.0], ["a", "b", "c"]), side([1.0, 2.0], ["c", "a"]))
    assert list(found.first_ranks) == [2, 1]
    assert list(found.second_ranks) == [2, 1]
    assert found.spearman == pytest.approx(1)


# Percentiles


@given(
    st.lists(st.integers(-5, 5), min_size=1, max_size=30),
    st.lists(st.integers(-5, 5), min_size=1, max_size=30),
)
def test_percentiles_by_counting(scores, train):
    found = compare(
        side(np.array(scores, float), train=np.array(train, np.float32)), side(np.zeros(len(scores)))
    )
    expected = [
        100 * (sum(t < s for t in train) + sum(t == s for t in train) / 2) / len(train) for s in scores
    ]
    np.testing.assert_allclose(found.percentiles.first, expected, atol=1e-10)
    np.testing.assert_array_equal(found.percentiles.second, 50)


def test_percentile_histograms(compared, pair):
    shown = percentiles_numbers(compared)
    assert (shown.edges[0], shown.edges[-1], len(shown.edges)) == (0, 100, 21)
    assert [counts.sum() for counts in shown.counts] == [len(compared.ids)] * 2 == [756] * 2
    normal = compared.labels == NORMAL
    spread = np.histogram(compared.percentiles.first[normal], shown.edges)[0]
    assert spread.max() < 3 * spread.mean()
    assert np.median(compared.percentiles.first[~normal]) < 10


def test_training_samples_spread_evenly_by_construction(digits, compared):
    train = digits[0]
    models = [scored(train, None, n_pca_components=k) for k in (4, 8)]
    for second in (models[1], scored_model(models[1].decision.fitted_model, train)):
        own = compare(models[0], second, resamples=60)
        assert own.of_training
        for counts in percentiles_numbers(own).counts:
            assert abs(counts - len(train) / 20).max() <= 1
    assert not compared.of_training


# Disagreements and verdicts


def test_flips_by_brute_force(compared, pair):
    flagged = [dict(zip(one.ids.tolist(), one.flagged.tolist(), strict=True)) for one in pair]
    for flips, (yes, no), ranks in (
        (compared.disagreements.only_first, flagged, compared.first_ranks),
        (compared.disagreements.only_second, flagged[::-1], compared.second_ranks),
    ):
        assert len(flips)
        assert {compared.ids[i] for i in flips} == {name for name in yes if yes[name] and not no[name]}
        assert (np.diff(ranks[flips]) >= 0).all()


def exact_two_sided(a, b):
    """The probability of every split of a + b fair coins that is as unlikely as this one."""
    n = a + b
    return min(1, sum(comb(n, i, exact=True) for i in range(n + 1) if abs(2 * i - n) >= abs(a - b)) / 2**n)


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.sampled_from([0, 1, -1])), min_size=1, max_size=80)
)
def test_mcnemar_by_brute_force(rows):
    first, second, labels = (np.array(column) for column in zip(*rows, strict=True))
    if (labels == UNKNOWN).all():
        with pytest.raises(DataError, match="no sample is labelled"):
            mcnemar(first, second, labels)
        return
    found = mcnemar(first, second, labels)
    known = [(one, other, label == ANOMALOUS) for one, other, label in rows if label != UNKNOWN]
    only_first = sum(one == truth != other for one, other, truth in known)
    only_second = sum(other == truth != one for one, other, truth in known)
    assert (found.labelled, found.only_first_right, found.only_second_right) == (
        len(known), only_first, only_second,
    )  # fmt: skip
    assert found.catches_more == sum(other and truth and not one for one, other, truth in known)
    assert found.more_false_alarms == sum(other and not one and not truth for one, other, truth in known)
    assert found.p_value == pytest.approx(exact_two_sided(only_first, only_second), rel=1e-9)
    swapped = mcnemar(second, first, labels)
    assert swapped.p_value == pytest.approx(found.p_value, rel=1e-12)
    assert swapped.catches_fewer == found.catches_more


def test_mcnemar_refuses_lengths_that_differ():
    with pytest.raises(DataError, match="1 and 2 verdicts, 2 labels"):
        mcnemar(np.ones(1, bool), np.ones(2, bool), np.zeros(2, np.int8))


def verdicts(catches_more, catches_fewer, more_alarms, fewer_alarms, same=5):
    """Verdicts of both, and labels, with so many of each."""
    rows = [
        *[(False, True, 1)] * catches_more,
        *[(True, False, 1)] * catches_fewer,
        *[(False, True, 0)] * more_alarms,
        *[(True, False, 0)] * fewer_alarms,
        *[(True, True, 1)] * same,
    ]
    return [np.array(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ((0, 0, 0, 0), "Both give the same verdict on all 5 labelled samples."),
        (
            (12, 3, 0, 0),
            "The second catches 12 anomalous samples that the first misses, and misses 3 that the "
            "first catches. All in all, it is more often right than the first, by more than chance explains. "
            "If both were equally often right, a difference at least this large would be chance in 3.52 % of "
            "cases.",
        ),
        (
            (1, 0, 3, 0),
            "The second catches 1 anomalous sample that the first misses, and misses 0 that the first "
            "catches; it flags 3 normal samples that the first does not, and lets pass 0 that the first "
            "flags. All in all, it is less often right than the first, which chance could explain. If both "
            "were equally often right, a difference at least this large would be chance in 62.5 % of cases.",
        ),
        (
            (0, 0, 0, 7),
            "The second flags 0 normal samples that the first does not, and lets pass 7 that the first "
            "flags. All in all, it is more often right than the first, by more than chance explains. If both "
            "were equally often right, a difference at least this large would be chance in 1.56 % of cases.",
        ),
        (
            (30, 0, 30, 0),
            "The second catches 30 anomalous samples that the first misses, and misses 0 that the first "
            "catches; it flags 30 normal samples that the first does not, and lets pass 0 that the first "
            "flags. All in all, neither is more often right than the other.",
        ),
    ],
)
def test_verdicts_in_plain_words(counts, sentence):
    assert verdict_words(mcnemar(*verdicts(*counts))) == sentence


@pytest.mark.parametrize(("wins", "losses"), [(8, 1), (8, 2), (1, 8), (5, 0), (6, 0), (0, 6), (60, 41)])
def test_more_than_chance_is_claimed_below_one_in_twenty(wins, losses):
    sentence = verdict_words(mcnemar(*verdicts(wins, losses, 0, 0)))
    claimed = exact_two_sided(wins, losses) < 0.05
    assert ("by more than chance explains" in sentence) == claimed
    assert ("which chance could explain" in sentence) != claimed
    assert f"it is {'more' if wins > losses else 'less'} often right" in sentence


# Separation


def spread_by_pairs(first, second, labels, resamples):
    """Of the difference: AUROC is the share of (anomalous, normal) pairs in the right order."""
    rng, right = np.random.default_rng(7), []
    for scores in (first, second):
        anomalous, normal = scores[labels == ANOMALOUS][:, None], scores[labels == NORMAL]
        right.append((anomalous < normal) + (anomalous == normal) / 2)
    gains, found = right[1] - right[0], []
    for _ in range(resamples):
        rows, columns = (rng.choice(size, size) for size in gains.shape)
        found.append(gains[rows][:, columns].mean())
    return np.std(found, ddof=1)


def binormal(P, N, shifts, correlation, seed):
    rng = np.random.default_rng(seed)
    scores = rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], size=P + N)
    scores[:P] -= shifts
    labels = np.repeat(np.array([ANOMALOUS, NORMAL], np.int8), [P, N])
    return scores[:, 0], scores[:, 1], labels


@pytest.mark.parametrize("rounded", [False, True])
def test_auroc_difference_against_scikit_learn(rounded):
    first, second, labels = binormal(40, 120, (1.0, 1.4), 0.7, 3)
    if rounded:  # many ties, and unlabelled rows between
        first, second = np.round(first), np.round(second)
        labels[::9] = UNKNOWN
    found = auroc_difference(first, second, labels, resamples=1500)
    known = labels != UNKNOWN
    truth = [roc_auc_score(labels[known], -scores[known]) for scores in (first, second)]
    assert [found.first, found.second] == pytest.approx(truth, abs=1e-12)
    spread = spread_by_pairs(first, second, labels, 1500)
    freedom_quantile = 2.0227 if not rounded else 2.0322  # Student's, 39 or 34 degrees of freedom
    half = (found.interval.high - found.interval.low) / 2
    assert half == pytest.approx(freedom_quantile * spread, rel=0.08)
    assert sum(found.interval) / 2 == pytest.approx(found.difference, abs=1e-12)


def test_interval_and_p_value_agree():
    first, second, labels = binormal(30, 90, (1.0, 1.5), 0.6, 5)
    p_value = auroc_difference(first, second, labels, 400).p_value
    at_p = auroc_difference(first, second, labels, 400, level=1 - p_value)
    assert min(map(abs, at_p.interval)) == pytest.approx(0, abs=1e-9)
    swapped = auroc_difference(second, first, labels, 400)
    assert swapped.p_value == pytest.approx(p_value, rel=1e-9)
    assert swapped.interval.low == pytest.approx(-auroc_difference(first, second, labels, 400).interval.high)


def test_pairing_counts():
    """On the same samples two nearly equal models are told apart; on independent ones they would not be."""
    first, second, labels = binormal(60, 200, (1.5, 1.8), 0.97, 2)
    paired = auroc_difference(first, second, labels, 300)
    _, unrelated, _ = binormal(60, 200, (1.5, 1.8), 0.0, 4)
    unpaired = auroc_difference(first, unrelated, labels, 300)
    assert np.ptp(paired.interval) < np.ptp(unpaired.interval) / 3


def test_intervals_hold_the_truth():
    """Equal models: 95 % intervals hold 0 in about 95 % of 150 draws."""
    held = [
        found.interval.low <= 0 <= found.interval.high
        for found in (
            auroc_difference(*binormal(30, 60, (1.0, 1.0), 0.5, seed), resamples=60) for seed in range(150)
        )
    ]
    assert 0.89 <= np.mean(held) <= 0.995


@pytest.mark.parametrize(
    ("first", "second", "labels", "sentence"),
    [
        (
            [1, 2, 3, 4],
            [1, 2, 3, 4],
            [1, 1, 0, 0],
            "Both separate equally well: AUROC 1.00.",
        ),
        (
            [1, 2, 3, 4],
            [4, 3, 2, 1],
            [1, 1, 0, 0],
            "Resampling cannot tell which separates better: AUROC 1.00 and 0.",
        ),
        (
            [2, 1, 3, 4],
            [1, 2, 3, 4],
            [1, 0, 0, 0],
            "Resampling cannot tell which separates better: AUROC 0.667 and 1.00.",
        ),
        (  # every pair gains a half, so that all resamples agree but for rounding
            [*[0] * 7, *[-1] * 20, *[0] * 23],
            [*[0] * 7, *[0] * 20, *[1] * 23],
            [*[1] * 7, *[0] * 43],
            "Resampling cannot tell which separates better: AUROC 0.267 and 0.767.",
        ),
    ],
)
def test_separation_that_resampling_says_nothing_about(first, second, labels, sentence):
    found = auroc_difference(np.array(first, float), np.array(second, float), np.array(labels, np.int8), 50)
    assert separation_words(found) == sentence
    assert math.isnan(found.interval.low)
    assert math.isnan(found.p_value)
    assert (found.clear, interval_words(found)) == (False, "")


def test_separation_in_plain_words(compared):
    found = compared.separation
    assert separation_words(found).startswith(
        "The second separates better: AUROC 0.960 against 0.943 (95 % interval of the difference "
    )
    assert found.clear
    assert 0 < found.interval.low < found.difference < found.interval.high
    assert separation_words(found).endswith("% of cases.")
    assert 0.001 < found.p_value < 0.05


@pytest.mark.parametrize(
    ("first", "second", "interval", "finding"),
    [
        (0.94767, 0.94778, (-0.002, 0.002), "No clear difference: AUROC 0.9477 and 0.9478"),
        (0.9, 0.95, (0.0, 0.1), "No clear difference: AUROC 0.900 and 0.950"),
        (0.9, 0.95, (0.001, 0.1), "The second separates better: AUROC 0.950 against 0.900"),
        (0.95, 0.9, (-0.1, -0.001), "The second separates worse: AUROC 0.900 against 0.950"),
        (0.99999, 1.0, (1e-6, 2e-5), "The second separates better: AUROC 1.0000 against 0.99999"),
        (0.9, 0.9, (-0.01, 0.01), "Both separate equally well: AUROC 0.900"),
    ],
)
def test_no_more_is_claimed_than_the_interval_says(first, second, interval, finding):
    found = SeparationTest(first, second, Interval(*interval), 0.9, 0.25)
    assert separation_finding(found) == finding
    assert found.clear == ("The second" in finding)
    words = f"90 % interval of the difference {number(interval[0])} to {number(interval[1])}"
    assert interval_words(found) == words
    chance = (
        " If both were equally good, a difference at least this large would be chance in 25.0 % of cases."
    )
    assert separation_words(found) == f"{finding} ({words}).{chance if first != second else ''}"


@given(st.integers(1, 2**40), st.integers(0, 2**40), st.integers(0, 2**40))
def test_areas_read_the_same_only_if_they_are(pairs, one, other):
    first, second = min(one / pairs, 1.0), min(other / pairs, 1.0)
    words = areas_in_words(SeparationTest(first, second, Interval(math.nan, math.nan), 0.95, math.nan))
    assert (words[0] == words[1]) == (first == second)
    if number(first) != number(second):
        assert words == (number(first), number(second))


@pytest.mark.parametrize("wrong", [{"resamples": 1}, {"level": 1.0}, {"level": 0}])
def test_impossible_options(wrong):
    with pytest.raises(OptionError):
        auroc_difference(*binormal(5, 5, (1, 1), 0.5, 0), **wrong)


def test_a_score_that_is_no_number():
    with pytest.raises(DataError, match="NaN"):
        auroc_difference(np.array([np.nan, 1]), np.array([1.0, 2]), np.array([0, 1], np.int8))


def test_both_roc_curves_are_on_the_common_samples(compared, pair):
    for points, one in zip(compared.roc, pair, strict=True):
        fpr, tpr, _ = roc_curve(one.decision.labels == ANOMALOUS, -one.scores, drop_intermediate=False)
        np.testing.assert_allclose(points.fpr, fpr)
        np.testing.assert_allclose(points.tpr, tpr)


def test_the_same_seed_gives_the_same_numbers(pair):
    one, other = (compare(*pair, resamples=30, seed=4).separation for _ in range(2))
    assert one == other
    assert compare(*pair, resamples=30, seed=5).separation != one


def test_nothing_given_is_changed(pair):
    before = [(one.scores.copy(), one.flagged.copy(), one.decision.labels.copy()) for one in pair]
    compare(*pair, resamples=2)
    for one, (scores, flagged, labels) in zip(pair, before, strict=True):
        np.testing.assert_array_equal(one.scores, scores)
        np.testing.assert_array_equal(one.flagged, flagged)
        np.testing.assert_array_equal(one.decision.labels, labels)


def test_the_difference_does_not_depend_on_how_many_resamples_are_counted_at_once(monkeypatch):
    random = np.random.default_rng(3)
    first = random.normal(size=90)
    second, labels = first + random.normal(size=90), np.repeat([ANOMALOUS, NORMAL], [20, 70])
    found = []
    for rows in (1, 700, 2**16):
        monkeypatch.setattr(sys.modules["kdeviz.decision.metrics.bootstrap"], "_ROWS_AT_ONCE", rows)
        found.append(auroc_difference(first, second, labels, resamples=60))
    assert found[0] == found[1] == found[2]
