import itertools
import json
import math
from dataclasses import asdict

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.decision.rules import RULES, ThresholdRule
from kdeviz.decision.rules.rule import below_k
from kdeviz.errors import DataError, OptionError
from kdeviz.model.curve import ProbabilityCurve

curves = st.builds(ProbabilityCurve, midpoint=st.floats(-1e4, 1e4), steepness=st.floats(1e-3, 1e3))


@pytest.mark.parametrize("wrap", [np.array, torch.tensor])
@pytest.mark.parametrize("curve", [ProbabilityCurve(), ProbabilityCurve(-3.0, 2.0)])
def test_curve_is_the_logistic_function(wrap, curve):
    scores = np.linspace(-300, 300, 101)
    expected = oracles.probability(scores, curve.midpoint, curve.steepness)
    np.testing.assert_allclose(curve(wrap(scores)), expected, atol=1e-15)
    assert float(curve(wrap([curve.midpoint]))[0]) == 0.5


def test_defaults_are_those_of_the_reference():
    assert ProbabilityCurve() == ProbabilityCurve(midpoint=12.0, steepness=0.05)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_curve_does_not_overflow(dtype, library):
    values = [-1e38, -1e6, 1e6, 1e38, -math.inf, math.inf]
    scores = (
        np.array(values, dtype) if library == "numpy" else torch.tensor(values, dtype=getattr(torch, dtype))
    )
    probabilities = ProbabilityCurve()(scores)
    assert probabilities.dtype == scores.dtype
    assert probabilities.tolist() == [1, 1, 0, 0, 1, 0]


def test_curve_keeps_the_shape():
    assert ProbabilityCurve()(np.zeros((2, 3))).shape == (2, 3)
    assert ProbabilityCurve()(torch.zeros(2, 3)).shape == (2, 3)


@given(curve=curves, probability=st.floats(1e-6, 1 - 1e-6))
def test_inverse_of_a_probability_has_that_probability(curve, probability):
    score = curve.inverse(probability)
    # A score far from 0 is stored with an error that the steepness multiplies.
    slack = curve.steepness * (abs(curve.midpoint) + abs(score)) * 1e-15
    assert curve(np.array([score]))[0] == pytest.approx(probability, rel=1e-9, abs=1e-14 + slack)


def test_inverse_at_the_ends():
    assert ProbabilityCurve().inverse(0) == math.inf
    assert ProbabilityCurve().inverse(1) == -math.inf
    assert ProbabilityCurve().inverse(0.5) == 12


@given(curve=st.builds(ProbabilityCurve, st.floats(-1e300, 1e300), st.floats(1e-300, 1e300)))
def test_json_round_trip_is_exact(curve):
    assert ProbabilityCurve(**json.loads(json.dumps(asdict(curve)))) == curve


@pytest.mark.parametrize("midpoint", [math.nan, math.inf, -math.inf])
def test_midpoint_must_be_finite(midpoint):
    with pytest.raises(OptionError, match=f"midpoint={midpoint}"):
        ProbabilityCurve(midpoint=midpoint)


@pytest.mark.parametrize("steepness", [0, -0.05, math.nan, math.inf])
def test_steepness_must_be_positive(steepness):
    with pytest.raises(OptionError, match=f"steepness={steepness}.*positive"):
        ProbabilityCurve(steepness=steepness)


@pytest.mark.parametrize("probability", [-0.1, 1.1, math.nan])
def test_inverse_takes_probabilities(probability):
    with pytest.raises(OptionError, match=f"probability={probability}.*from 0 to 1"):
        ProbabilityCurve().inverse(probability)


# --- threshold rules; a sample is flagged when its score is below the threshold

score_lists = st.lists(st.integers(-6, 6).map(float), min_size=2, max_size=14)  # few values: many ties
known_labels = st.sampled_from([NORMAL, ANOMALOUS])


@st.composite
def labelled_scores(draw, labels=known_labels):
    scores = np.array(draw(score_lists))
    given_labels = draw(st.lists(labels, min_size=len(scores), max_size=len(scores)))
    given_labels[0], given_labels[-1] = NORMAL, ANOMALOUS
    return scores, np.array(given_labels, dtype=np.int8)


def flagged(rule, scores, labels=None, train=(0.0,)):
    return scores < rule.threshold(np.array(train), scores, labels)


@pytest.mark.parametrize("n", [10, 99, 100, 1000, 1234])
@pytest.mark.parametrize("percent", [1, 5, 25, 29])
def test_quantile_and_fpr_flag_just_that_share_of_the_normal_rows(n, percent):
    normal = np.random.default_rng(0).normal(size=n)
    threshold = ThresholdRule("quantile", percent / 100).threshold(normal, np.zeros(3))
    assert (normal < threshold).sum() == percent * n // 100
    labels = np.array([NORMAL] * n + [ANOMALOUS], np.int8)
    chosen = flagged(ThresholdRule("fpr", percent / 100), np.append(normal, 0.0), labels)
    assert chosen[:-1].sum() == percent * n // 100


@given(scores=score_lists, k=st.integers(0, 20))
def test_top_k_flags_the_k_lowest(scores, k):
    scores = np.array(scores)
    chosen = flagged(ThresholdRule("top_k", k), scores)
    assert chosen.sum() <= k
    # Ties are not cut through: all but the rows tied with the next one are flagged.
    following = np.sort(scores)[k] if k < len(scores) else np.inf
    assert (chosen == (scores < following)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [5, 6, 1000])
def test_top_k_of_all_or_more_flags_all(dtype, k):
    assert flagged(ThresholdRule("top_k", k), np.array([3, 1, 4, 1, 5], dtype)).all()


@given(
    scores=st.lists(st.integers(-6, 6).map(float), min_size=1, max_size=40),
    alarms=st.floats(1e-6, 1000, exclude_max=True),
)
def test_per_1000_is_the_quantile_rule_in_alarms_per_thousand(scores, alarms):
    train = np.array(scores)
    threshold = ThresholdRule("per_1000", alarms).threshold(train, np.zeros(3))
    assert 1000 * (train < threshold).mean() <= alarms * (1 + 1e-9)
    assert threshold == ThresholdRule("quantile", alarms / 1000).threshold(train, np.zeros(3))


@pytest.mark.parametrize("n", [1000, 1234])
@pytest.mark.parametrize("alarms", [1, 5, 29, 999])
def test_per_1000_spends_its_whole_budget(n, alarms):
    train = np.random.default_rng(0).normal(size=n).astype(np.float32)
    threshold = ThresholdRule("per_1000", alarms).threshold(train, np.zeros(3))
    assert (train < threshold).sum() == alarms * n // 1000


def test_explicit_log_density_and_probability():
    nothing = np.empty(0)
    assert ThresholdRule("log_density", -4.5).threshold(nothing, nothing) == -4.5
    assert ThresholdRule("probability", 0.5).threshold(nothing, nothing) == 12
    curve = ProbabilityCurve(1.0, 2.0)
    assert ThresholdRule("probability", 0.9).threshold(nothing, nothing, curve=curve) == curve.inverse(0.9)


@given(data=labelled_scores(), percent=st.integers(0, 99))
def test_fpr_flags_at_most_that_share_of_the_normal_rows(data, percent):
    scores, labels = data
    normal = np.sort(scores[labels == NORMAL])
    chosen = flagged(ThresholdRule("fpr", percent / 100), scores, labels)
    allowed = percent * len(normal) // 100
    assert chosen[labels == NORMAL].sum() <= allowed
    assert (chosen == (scores < normal[allowed])).all()  # and no higher threshold would do


def f1(chosen, anomalous):
    true = (chosen & anomalous).sum()
    return 2 * true / (chosen.sum() + anomalous.sum())


@settings(max_examples=300)
@given(data=labelled_scores(st.sampled_from([NORMAL, ANOMALOUS, UNKNOWN])))
def test_best_f1_is_the_best_of_all_thresholds(data):
    scores, labels = data
    known = labels != UNKNOWN
    anomalous = labels[known] == ANOMALOUS
    candidates = itertools.chain(np.unique(scores), [np.inf])
    best = max(f1(scores[known] < candidate, anomalous) for candidate in candidates)
    threshold = ThresholdRule("best_f1").threshold(scores, scores, labels)
    assert f1(scores[known] < threshold, anomalous) == pytest.approx(best)


@pytest.mark.parametrize(
    "labels", [None, [NORMAL] * 3, [ANOMALOUS] * 3, [UNKNOWN] * 3, [UNKNOWN, NORMAL, NORMAL]]
)
def test_best_f1_needs_labels_of_both_kinds(labels):
    rule = ThresholdRule("best_f1")
    assert rule.needs_labels
    labels = None if labels is None else np.array(labels, np.int8)
    with pytest.raises(DataError, match="best_f1 rule needs both normal and anomalous labels"):
        rule.threshold(np.zeros(3), np.zeros(3), labels)


@pytest.mark.parametrize("kind", ["quantile", "per_1000", "top_k", "log_density", "probability"])
def test_the_other_rules_need_no_labels(kind):
    assert not ThresholdRule(kind, 0.5 if kind != "top_k" else 1).needs_labels


def test_default_budget_is_one_percent():
    assert ThresholdRule() == ThresholdRule("quantile", 0.01)


IMPOSSIBLE = {
    "quantile": [0, 1, -0.1, 1.5, math.nan],
    "per_1000": [0, 1000, -1, math.inf, math.nan],
    "top_k": [-1, 0.5, math.nan],
    "log_density": [math.nan, math.inf],
    "probability": [0, 1, 2, math.nan],
    "fpr": [-0.1, 1, math.nan],
}


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, v) for kind, values in IMPOSSIBLE.items() for v in values]
)
def test_impossible_values_raise_with_what_the_rule_takes(kind, value):
    with pytest.raises(OptionError) as caught:
        ThresholdRule(kind, value)
    assert f"the {kind} rule cannot take {value!r}: {RULES[kind].takes}" == str(caught.value)


def test_unknown_rules_raise_with_the_choices():
    with pytest.raises(
        OptionError, match=r"'otsu' is not known: choose quantile, per_1000, fdr, top_k, .*, fpr"
    ):
        ThresholdRule("otsu")


def test_fpr_needs_normal_labels_alone():
    scores, labels = np.float32([1, 2, 3, 4, 5]), np.int8([NORMAL, UNKNOWN, NORMAL, NORMAL, NORMAL])
    threshold = ThresholdRule("fpr", 0.25).threshold(np.zeros(0), scores, labels)
    assert 2 < threshold < 3  # one of the four normal rows, and whatever else scores lower than the next
    with pytest.raises(DataError, match="the fpr rule needs normal labels: choose another rule"):
        ThresholdRule("fpr", 0.25).threshold(np.zeros(0), scores, np.full(5, UNKNOWN, np.int8))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_thresholds_lie_midway_so_that_rounding_moves_no_row(dtype, k):
    scores = np.array([-4.0, 1.0, 2.0], dtype)
    expected = [-6.5, -1.5, 1.5, 2.5][k]
    assert below_k(scores, k) == expected
    for shaken in (scores * (1 + 1e-5), scores * (1 - 1e-5)):
        assert (shaken < expected).sum() == k


def test_thresholds_between_neighbours_that_nothing_lies_between():
    one = np.float32(1)
    scores = np.array([one, np.nextafter(one, np.float32(2)), np.inf], np.float32)[:2]
    assert (scores < below_k(scores, 1)).tolist() == [True, False]
    far = np.array([-np.inf, -1e30, 5], np.float32)
    assert [(far < below_k(far, k)).sum() for k in (0, 1, 2, 3)] == [0, 1, 2, 3]
    assert below_k(np.zeros(0), 2) == -np.inf


AIMS = {
    ("quantile", 0.025): "so that at most 2.5 % of normal samples are flagged",
    ("per_1000", 12): "so that at most 12 of 1\u202f000 normal samples are flagged",
    ("fdr", 0.1): "so that, on average, at most 10 % of the flagged samples are false alarms",
    ("top_k", 1200): "so that the 1\u202f200 most unusual samples are flagged",
    ("log_density", -3.5): "where somebody chose to put it",
    ("probability", 0.75): "where the probability of being anomalous is 0.75 on the curve",
    ("best_f1", 0): "where it fits the labels best, with few anomalous samples missed and few false alarms",
    ("fpr", 0.01): "so that at most 1 % of the samples labelled normal are flagged",
}


def test_every_rule_says_what_it_aims_at():
    assert {kind for kind, _ in AIMS} == set(RULES)
    assert {asked: RULES[asked[0]](asked[1]).aim for asked in AIMS} == AIMS
