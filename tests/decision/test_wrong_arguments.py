"""Whatever is given to rules, curves and metrics, kdeviz answers, or says in its own words what is wrong."""

import warnings
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import torch

from kdeviz.analysis.analyse import analyse
from kdeviz.decision import (
    RULES,
    ThresholdRule,
    auroc,
    average_precision,
    bootstrap,
    check_resampling,
    confusion,
    curve_from_spread,
    decide,
    has_both_labels,
    labelled_rows,
    operating_points,
    p_values,
    platt,
    rate_interval,
    student_quantile,
)
from kdeviz.decision.curve_fitting import brier, reliability
from kdeviz.errors import DataError, KdevizError, OptionError
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.settings import Settings
from kdeviz.sweep.held_out import held_out_alarms
from kdeviz.sweep.recall import recall_at_fpr

NUMBERS = {
    "text": "0.5",
    "nothing": None,
    "list": [0.5],
    "array": np.array([0.5, 0.2]),
    "complex": 1j,
    "nan": float("nan"),
    "infinite": float("inf"),
    "minus infinite": float("-inf"),
    "huge": 10**400,
    "minus huge": -(10**400),
    "true": True,
    "dict": {},
    "negative": -1,
    "half": 0.5,
    "fraction": Fraction(1, 3),
    "float32": np.float32(0.25),
    "int64": np.int64(3),
    "tensor": torch.tensor(0.5),
    "bytes": b"1",
    "object": object(),
}
ARRAYS = {
    "none": None,
    "number": 3.0,
    "text": "scores",
    "texts": ["a", "b"],
    "empty": np.empty(0),
    "empty float32": np.empty(0, np.float32),
    "empty list": [],
    "empty of text": np.empty(0, "U1"),
    "two dimensions": np.ones((4, 2)),
    "none in two dimensions": np.ones((0, 2)),
    "ragged": [[1.0], [1.0, 2.0]],
    "objects": np.array([None, 1.0], object),
    "complex": np.array([1j, 2]),
    "dates": np.array(["2020-01-01"], "datetime64[D]"),
    "nan": np.array([1.0, np.nan, 2.0, 3.0]),
    "all nan": np.full(4, np.nan),
    "infinite": np.array([-np.inf, np.inf, 0.0, 1.0]),
    "list": [3.0, 1.0, 2.0, 0.5],
    "integers": np.array([3, 1, 2, 0]),
    "booleans": np.array([True, False, True, False]),
    "float16": np.array([3, 1, 2, 0], np.float16),
    "tensor": torch.tensor([3.0, 1.0, 2.0, 0.5]),
    "longer": np.arange(9.0),
    "one": np.array([1.0]),
    "dict": {"a": 1},
}
SCORES, LABELS = np.array([-3.0, -1.0, 0.0, 2.0]), np.array([1, 0, 1, 0], np.int8)
RULE_KINDS = [*RULES]


def answers(call):
    """Whether there is an answer; what is refused is refused in words."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            call()
        except KdevizError as raised:
            error = raised
        else:
            return True
    message = str(error)
    assert isinstance(error, DataError | OptionError)
    assert 15 < len(message) < 300 and "\n" not in message and "Traceback" not in message
    return False


@pytest.fixture(scope="module")
def analysis():
    rows = np.random.default_rng(0).normal(size=(40, 4))
    return analyse(rows, rows[:4] + 1, Settings(2))


@pytest.mark.parametrize("value", NUMBERS)
@pytest.mark.parametrize("kind", RULE_KINDS)
def test_values_of_rules(kind, value):
    given = NUMBERS[value]
    possible = answers(lambda: ThresholdRule(kind, given))
    assert answers(lambda: RULES[kind](given)) == possible
    if isinstance(given, str | bytes | list | dict | np.ndarray | bool | complex) or given is None:
        assert not possible
    if possible:
        rule = ThresholdRule(kind, given)
        assert rule.in_words and isinstance(rule.for_rows(1, 2), ThresholdRule)
        answers(lambda: rule.threshold(SCORES, SCORES, LABELS, None, np.ones(4)))


@pytest.mark.parametrize("kind", ["no such rule", None, 3, [], {}, np.array(["quantile"]), b"quantile"])
def test_kinds_of_rules(kind):
    assert not answers(lambda: ThresholdRule(kind))
    assert not answers(lambda: ThresholdRule.usual(kind))


@pytest.mark.parametrize("given", ARRAYS)
@pytest.mark.parametrize("place", ["held_out_scores", "scores", "labels", "p_values"])
@pytest.mark.parametrize("kind", RULE_KINDS)
def test_arrays_given_to_rules(kind, place, given):
    values = {"quantile": 0.2, "fdr": 0.5, "fpr": 0.2, "top_k": 2, "probability": 0.5, "per_1000": 100}
    rule = ThresholdRule(kind, values.get(kind, 0.0))
    arguments = {"held_out_scores": SCORES, "scores": SCORES, "labels": LABELS, "p_values": np.ones(4)}
    possible = answers(lambda: rule.threshold(**{**arguments, place: ARRAYS[given]}))
    if given in (
        "text",
        "texts",
        "ragged",
        "objects",
        "complex",
        "dates",
        "two dimensions",
        "number",
        "dict",
    ):
        assert not possible
    if given in ("list", "integers", "float16", "tensor") and place in ("held_out_scores", "scores"):
        assert possible


@pytest.mark.parametrize("kind", ["quantile", "per_1000", "top_k", "fdr", "log_density", "probability"])
def test_no_rows_at_all_have_a_threshold(kind):
    nothing = np.empty(0)
    usual = {"top_k": 3, "per_1000": 10.0, "log_density": -1.0, "probability": 0.5}
    rule = ThresholdRule(kind, usual[kind]) if kind in usual else ThresholdRule.usual(kind)
    assert isinstance(rule.threshold(nothing, nothing, None, None, nothing), float)


@pytest.mark.parametrize("wrong", ["quantile", 0.01, [], SCORES, object()])
def test_decide_takes_rules_and_curves_only(analysis, wrong):
    for call in (
        lambda: decide(analysis, wrong),
        lambda: decide(analysis, ThresholdRule(), wrong if np.size(wrong) else "curve"),
        lambda: decide(wrong),
        lambda: held_out_alarms(analysis, wrong),
        lambda: held_out_alarms(analysis, ThresholdRule("probability", 0.5), wrong if np.size(wrong) else 3),
    ):
        assert not answers(call)


def test_the_rule_of_false_positives_needs_normal_labels_only():
    normal = np.array([0, 0, -1, 0], np.int8)
    assert ThresholdRule("fpr", 0.4).threshold(SCORES, SCORES, normal) == -2.0
    with pytest.raises(DataError, match="needs normal labels"):
        ThresholdRule("fpr", 0.4).threshold(SCORES, SCORES, np.ones(4, np.int8))


@pytest.mark.parametrize("value", NUMBERS)
def test_numbers_given_to_curves(value):
    given = NUMBERS[value]
    answers(lambda: ProbabilityCurve(given))
    answers(lambda: ProbabilityCurve(0.0, given))
    answers(lambda: ProbabilityCurve().inverse(given))
    answers(lambda: curve_from_spread(SCORES, given))
    answers(lambda: platt(np.tile(SCORES, 4), np.tile(LABELS, 4), given))
    answers(lambda: platt(np.tile(SCORES, 4), np.tile(LABELS, 4), seed=given))
    assert not answers(lambda: platt(SCORES, LABELS, before=given)) or given is None
    answers(lambda: reliability(np.full(4, 0.5), LABELS, given))


@pytest.mark.parametrize("given", ARRAYS)
def test_arrays_given_to_curves(given):
    array = ARRAYS[given]
    if answers(lambda: ProbabilityCurve()(array)):
        assert np.shape(ProbabilityCurve()(array)) == np.shape(array)
    answers(lambda: curve_from_spread(array, 0.0))
    answers(lambda: platt(array, LABELS))
    answers(lambda: platt(SCORES, array))
    answers(lambda: brier(array, LABELS))
    answers(lambda: reliability(np.full(4, 0.5), array))


@pytest.mark.parametrize("given", ARRAYS)
def test_arrays_given_to_metrics(given):
    array = ARRAYS[given]
    ranking = (auroc, average_precision, bootstrap, operating_points, labelled_rows, recall_at_fpr)
    best_f1 = partial(ThresholdRule("best_f1").threshold, SCORES)
    for metric in (*ranking, best_f1):
        answers(lambda metric=metric: metric(array, LABELS))
        answers(lambda metric=metric: metric(SCORES, array))
    answers(lambda: confusion(array, LABELS, 0.0))
    answers(lambda: confusion(SCORES, array, 0.0))
    answers(lambda: has_both_labels(array))
    answers(lambda: p_values(array, SCORES))
    answers(lambda: p_values(SCORES, array))
    answers(lambda: p_values(SCORES, SCORES, array))


@pytest.mark.parametrize("value", NUMBERS)
def test_numbers_given_to_metrics(value):
    given = NUMBERS[value]
    for call in (
        lambda: bootstrap(SCORES, LABELS, given, 5),
        lambda: bootstrap(SCORES, LABELS, None, given),
        lambda: bootstrap(SCORES, LABELS, None, 5, given),
        lambda: bootstrap(SCORES, LABELS, None, 5, 0, given),
        lambda: confusion(SCORES, LABELS, given),
        lambda: check_resampling(5, given),
        lambda: rate_interval(given, 10),
        lambda: rate_interval(0, given),
        lambda: rate_interval(1, 10, given),
        lambda: student_quantile(given, 3),
        lambda: student_quantile(0.95, given),
        lambda: recall_at_fpr(SCORES, LABELS, given),
        lambda: operating_points(SCORES, LABELS).thinned(given),
        lambda: ThresholdRule("top_k", 1).for_rows(given, 10),
        lambda: ThresholdRule("top_k", 1).for_rows(10, given),
    ):
        answers(call)
