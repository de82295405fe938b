"""A decision says the same as the slow way to count it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, roc_auc_score

from kdeviz import ProbabilityCurve, Settings, ThresholdRule, analyse, charts, decide, load_sample
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.decision.decision import CELLS, DEFAULT_RULE, Decision, stored_decision
from kdeviz.decision.rules import RULES
from kdeviz.decision.table import ranking, sample_view
from kdeviz.errors import DataError, OptionError

THREE = Settings(n_pca_components=3)
RULES_TO_TRY = [
    ThresholdRule("quantile", 0.05),
    ThresholdRule("per_1000", 30),
    ThresholdRule("fdr", 0.2),
    ThresholdRule("top_k", 7),
    ThresholdRule("log_density", 1.5),
    ThresholdRule("probability", 0.6),
    ThresholdRule("best_f1", 0),
    ThresholdRule("fpr", 0.1),
]


def labelled_set(n=60, seed=1):
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, 5)) * np.arange(1, 6)
    features[:12] += 9
    labels = np.full(n, NORMAL, np.int8)
    labels[:12], labels[-6:] = ANOMALOUS, UNKNOWN
    return EmbeddingSet(features, np.arange(n).astype(str), labels=labels)


@pytest.fixture(scope="module")
def analysis():
    train = np.random.default_rng(0).normal(size=(80, 5)) * np.arange(1, 6)
    return analyse(train, labelled_set(), THREE, "cpu")


def test_the_rules_tried_here_are_all_there_are():
    assert [rule.kind for rule in RULES_TO_TRY] == list(RULES)


@pytest.mark.parametrize("rule", RULES_TO_TRY, ids=lambda rule: rule.kind)
def test_flags_what_lies_below_the_threshold_of_the_rule(analysis, rule):
    curve = ProbabilityCurve(2.0, 0.3)
    decision = decide(analysis, rule, curve)
    labels = analysis.inspected.labels
    given = (analysis.held_out_scores, analysis.scores, labels, curve, decision.p_values)
    assert decision.threshold == rule.threshold(*given)
    np.testing.assert_array_equal(decision.flagged, analysis.scores < decision.threshold)
    assert decision.n_flagged == sum(score < decision.threshold for score in analysis.scores)
    expected = 1 / (1 + np.exp(0.3 * (analysis.scores - 2.0)))
    np.testing.assert_allclose(decision.probabilities, expected, rtol=1e-12)


@pytest.mark.parametrize("rule", RULES_TO_TRY, ids=lambda rule: rule.kind)
def test_expected_alarms_are_the_exact_binomial_interval_of_the_training_rows(analysis, rule):
    alarms = decide(analysis, rule).expected_alarms
    below = int((analysis.held_out_scores < decide(analysis, rule).threshold).sum())
    interval = binomtest(below, len(analysis.held_out_scores)).proportion_ci(0.95, "exact")
    assert (alarms.alarms, alarms.rows) == (below, 80)
    assert alarms.rate == below / 80
    np.testing.assert_allclose((alarms.low, alarms.high), interval, atol=1e-9)


def test_metrics_are_those_of_scikit_learn_on_the_labelled_rows(analysis):
    decision = decide(analysis, ThresholdRule("fpr", 0.1))
    known = decision.labels != UNKNOWN
    truth = decision.labels[known] == ANOMALOUS
    assert decision.auroc == pytest.approx(roc_auc_score(truth, -analysis.scores[known]))
    ((passed, false), (missed, caught)) = confusion_matrix(truth, decision.flagged[known])
    assert tuple(decision.confusion) == (caught, false, missed, passed)
    assert decision.metrics.precision.value == pytest.approx(caught / (caught + false))
    for cell, count in zip(CELLS, decision.confusion, strict=True):
        rows = decision.rows_in_cell(cell)
        assert len(rows) == count
        assert set(decision.flagged[rows]) <= {cell in ("caught", "false alarms")}


def test_without_labels_of_both_kinds_nothing_is_claimed(analysis):
    for labels in (None, np.full(60, NORMAL, np.int8)):
        inspected = EmbeddingSet(labelled_set().features, np.arange(60).astype(str), labels=labels)
        decision = decide(analyse(analysis.train, inspected, THREE, "cpu"))
        assert not decision.labelled
        assert (decision.auroc, decision.confusion, decision.metrics) == (None, None, None)
    with pytest.raises(OptionError, match="no sample is labelled"):
        decide(analyse(analysis.train, labelled_set().features, THREE, "cpu")).rows_in_cell("caught")
    with pytest.raises(OptionError, match="'hit' is no cell"):
        decision.rows_in_cell("hit")
    with pytest.raises(DataError, match="best_f1 rule needs both"):
        decide(decision.analysis, ThresholdRule("best_f1"))


def test_the_defaults_are_one_percent_and_the_curve_of_the_model(analysis):
    decision = decide(analysis)
    assert decision.rule == ThresholdRule("quantile", 0.01)
    assert decision.curve == analysis.classifier.curve


def tiny(rule):
    """Too few rows to hold any out."""
    rows = np.random.default_rng(1).normal(size=(26, 10))
    analysis = analyse(rows[:6], EmbeddingSet.from_array(rows[6:], "new"), Settings(5), "cpu")
    assert not analysis.calibrated
    return decide(analysis, rule)


@pytest.mark.parametrize("rule", [ThresholdRule("quantile", 0.05), ThresholdRule("per_1000", 30)])
def test_a_model_without_held_out_scores_keeps_its_rule(rule):
    decision = tiny(rule)
    model = decision.fitted_model
    stored = stored_decision(replace(decision.analysis, classifier=model))
    assert (stored.stored, stored.threshold, stored.n_flagged) == (True, -np.inf, 0)
    assert decision.rule_here == decision.fixed_rule == stored.rule_here == stored.fixed_rule == rule
    model.threshold_rule = None
    unknown = stored_decision(replace(decision.analysis, classifier=model))
    assert unknown.rule is None
    assert unknown.rule_here == DEFAULT_RULE


@pytest.mark.parametrize("threshold", [-np.inf, np.inf])
def test_a_threshold_without_end_has_a_rule_that_flags_the_same(analysis, threshold):
    decision = Decision(analysis, None, ProbabilityCurve(), threshold, stored=True)
    again = decide(analysis, decision.rule_here)
    assert again.n_flagged == (0 if threshold < 0 else len(analysis.scores))
    assert decision.fixed_rule == decision.rule_here


def test_the_table_and_a_sample_say_what_the_decision_says(analysis):
    decision = decide(analysis, ThresholdRule("top_k", 7))
    table = ranking(decision)
    assert table["flagged"].sum() == decision.n_flagged == 7
    by_row = table.sort_values("row")
    np.testing.assert_array_equal(by_row["flagged"], decision.flagged)
    np.testing.assert_allclose(by_row["probability"], decision.probabilities)
    for row in (0, 30, 59):
        view = sample_view(decision, row)
        assert view.flagged == decision.flagged[row]
        assert view.rank == int(by_row["rank"].iloc[row])
        assert view.above_threshold == pytest.approx(analysis.scores[row] - decision.threshold)


@pytest.mark.parametrize("kind", list(RULES))
def test_a_rule_without_a_value_takes_its_usual_one_or_asks_for_it(kind):
    if RULES[kind].usual is None:
        with pytest.raises(OptionError, match=f"the {kind} rule needs a value: "):
            ThresholdRule.usual(kind)
    else:
        assert ThresholdRule.usual(kind) == ThresholdRule(kind, RULES[kind].usual)


@pytest.mark.parametrize("rule", RULES_TO_TRY, ids=lambda rule: rule.kind)
def test_the_start_that_people_are_offered_is_allowed(rule):
    asked = RULES[rule.kind].asked(500)
    if asked is not None:
        for value in (asked.start, asked.low, asked.high):
            assert value is None or ThresholdRule(rule.kind, value).value == value


def test_the_default_curve_is_called_uncalibrated_and_no_other_is():
    analysis = analyse(*load_sample("sentences").train_and_test(), device="cpu")
    default = decide(analysis, ThresholdRule("probability", 0.5))
    assert default.curve.name == "uncalibrated probability"
    assert "this probability is uncalibrated" in default.remark
    fitted = decide(analysis, ThresholdRule("probability", 0.5), ProbabilityCurve(3.0, 0.7))
    assert fitted.curve.name == "probability"
    assert "Uncalibrated" in default.curve.about
    assert "Uncalibrated" not in fitted.curve.about
    assert fitted.remark == ""
    assert charts.curve_numbers(default).name in charts.densities(default).layout.yaxis2.title.text
    assert charts.densities(fitted).layout.yaxis2.title.text == "probability"
