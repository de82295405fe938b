"""A decision in plain words: every number in them is the decision's."""

import re
from dataclasses import replace

import numpy as np
import pytest

from kdeviz import Settings, ThresholdRule, analyse, decide
from kdeviz.analysis import drift, opened_analysis
from kdeviz.data import EmbeddingSet
from kdeviz.decision import RULES, Decision, stored_decision
from kdeviz.model import KDEClassifier
from kdeviz.output import finding, headline, lead, story
from kdeviz.sweep import stability
from kdeviz.ui.work.loaded import sample
from kdeviz.wording import count, number, percent

TECHNICAL = re.compile(
    r"\b(kernel|density|nats|PCA|log|quantile|p-values?|bandwidth|sigma|held-out|eigen\w*)\b", re.IGNORECASE
)


@pytest.fixture(scope="module")
def analysis():
    return analyse(sample().train, sample().score, Settings(), device="cpu")


@pytest.fixture(scope="module")
def unlabelled():
    rows = np.random.default_rng(0).normal(size=(200, 4))
    far = np.random.default_rng(1).normal(size=(80, 4)) * 2
    return analyse(rows, far, Settings(2), device="cpu")


def sentences(told):
    return [sentence for step in told for sentence in step.sentences]


@pytest.mark.parametrize("kind", RULES)
def test_five_steps_of_two_sentences_without_a_technical_term(analysis, kind):
    rule = ThresholdRule(
        kind, {"log_density": 20.0, "probability": 0.4, "top_k": 25, "fpr": 0.05}.get(kind, 0.05)
    )
    decision = decide(analysis, rule)
    told = story(decision)
    assert len(told) == 5
    assert all(len(step.sentences) == 2 for step in told)
    for sentence in [*sentences(told), *(step.title for step in told), finding(decision), lead(decision)]:
        assert not TECHNICAL.search(sentence), sentence
        assert "<" not in sentence and "nan" not in sentence and "–" not in sentence
    assert all(sentence.endswith(".") and ".." not in sentence for sentence in sentences(told))
    assert decision.rule.rule.aim in told.line.sentences[0]
    assert decision.rule.rule.aim in lead(decision)


def test_every_rule_says_what_it_is_for():
    usual = {
        kind: RULES[kind](rule.usual if rule.usual is not None else 1)
        for kind, rule in RULES.items()
        if kind not in ("fpr", "probability")
    }
    aims = {kind: rule.aim for kind, rule in usual.items()}
    assert len(set(aims.values())) == len(aims)
    assert aims["quantile"] == "so that at most 1 % of normal samples are flagged"
    assert RULES["quantile"](0.0005).aim == "so that at most 0.05 % of normal samples are flagged"


def test_the_numbers_are_those_of_the_decision(analysis):
    decision = decide(analysis, ThresholdRule("quantile", 0.05))
    told, expected, counts = story(decision), decision.expected_alarms, decision.confusion
    flagged, total = count(decision.n_flagged), count(len(decision.flagged))
    assert finding(decision) == f"{flagged} of the {total} samples look out of place"
    assert told.found.sentences[0] == f"{flagged} of the {total} samples are flagged."
    assert (
        f"of the {count(566)} known to be normal, {count(counts.false_positives)} are flagged"
        in told.found.sentences[1]
    )
    assert (
        f"{count(counts.true_positives)} are flagged and {count(counts.false_negatives)} missed"
        in told.found.sentences[1]
    )
    rate, low, high = (number(1000 * share) for share in expected[:3])
    assert f"about {rate} will be flagged (95 % interval {low} to {high})" in told.line.sentences[1]
    rare = int((decision.p_values <= 0.01).sum())
    assert told.unusual.sentences[1].startswith(f"{count(rare)} of them score as low as only 1 in 100 ")
    auroc = decision.metrics.auroc
    assert percent(auroc.value) in told.sure.sentences[0]
    assert percent(decision.metrics.recall.value) in told.sure.sentences[1]
    figures = {figure.name: figure.value for figure in headline(decision)}
    assert figures == {
        "Flagged": f"{flagged} of {total}",
        "Expected false alarms": percent(expected.rate),
        "Separation (AUROC)": number(decision.auroc),
        "Learned from": count(1051),
    }


def test_training_samples_labelled_anomalous_are_told_wherever_they_count_as_normal():
    rows = np.random.default_rng(0).normal(size=(120, 3))
    data = EmbeddingSet(rows, np.arange(120).astype(str), labels=(np.arange(120) < 7).astype(np.int8))
    decision = decide(analyse(data, None, Settings(2), device="cpu"), ThresholdRule("quantile", 0.05))
    told, learned = story(decision), headline(decision)[-1]
    in_words = "samples that count as normal (7 of them are labelled anomalous)"
    assert in_words in lead(decision) and in_words in told.normal.sentences[0]
    assert learned.meaning.startswith(f"S{in_words[1:]}, ")
    assert told.line.sentences[1].startswith("Of 1\u202f000 new samples like those that it has seen about ")
    assert decision.alarms_remark.startswith("7 of the 120 training samples are labelled anomalous")
    clean = decide(analyse(data.take(np.arange(120) >= 7), None, Settings(2), device="cpu"))
    assert clean.alarms_remark == "" and "labelled anomalous" not in " ".join(sentences(story(clean)))


def test_a_saved_model_tells_the_rule_that_chose_its_threshold(unlabelled):
    decision = decide(unlabelled, ThresholdRule("quantile", 0.05))
    held, scores = unlabelled.held_out_scores, unlabelled.scores
    again = stored_decision(
        opened_analysis(decision.fitted_model, unlabelled.train, unlabelled.scored, scores, held)
    )
    drawn = "where it was when the model was saved, chosen so that at most 5 % of normal samples are flagged."
    assert again.stored and drawn in story(again).line.sentences[0] and drawn in lead(again)
    assert again.rule_here == decision.rule  # it finds the same threshold, which a command may say
    moved = replace(again, threshold=again.threshold - 1)
    assert moved.rule_here == ThresholdRule("log_density", again.threshold - 1)


def test_where_nothing_is_flagged(analysis):
    decision = decide(analysis, ThresholdRule("log_density", -1e6))
    told = story(decision)
    assert finding(decision) == f"None of the {count(756)} samples looks out of place"
    assert told.found.sentences[0] == f"None of the {count(756)} samples is flagged."
    assert told.sure.sentences[1] == "As nothing is flagged, every anomalous sample is missed."


def test_the_bound_on_false_discoveries(analysis):
    decision = decide(analysis, ThresholdRule("fdr", 0.3))
    assert decision.n_flagged
    assert decision.remark[1:] in story(decision).line.sentences[1]


def test_without_labels_it_tells_drift_and_stability(unlabelled):
    decision = decide(unlabelled, ThresholdRule("quantile", 0.05))
    found = drift(unlabelled)
    assert found.found
    told = story(decision)
    assert told.sure.sentences[0] == found.in_words
    assert told.sure.sentences[1].startswith("No sample has a label")
    assert "Separation (AUROC)" not in {figure.name for figure in headline(decision)}
    repeated = stability(unlabelled.train, unlabelled.scored, unlabelled.settings, 5, 2, (), "cpu")
    again = int((repeated.frequency >= 0.95).sum())
    told = story(decision, repeated)
    assert told.sure.sentences == (
        f"With other training samples, {again} of the 5 most unusual come out again at least 95 times in "
        "100.",
        found.in_words,
    )


def test_stability_that_sees_nothing(unlabelled):
    few = analyse(unlabelled.train, unlabelled.scored.take(np.arange(80) < 4), Settings(2), device="cpu")
    repeated = stability(few.train, few.scored, few.settings, 5, 2, (), "cpu")
    assert repeated.unseen
    assert story(decide(few), repeated).sure.sentences[0].endswith(f"cannot be seen: {repeated.unseen}.")


def test_one_sample_and_a_model_that_promises_nothing():
    model = KDEClassifier(1)
    assert model.fit(np.random.default_rng(0).normal(size=(8, 2)))
    rows = EmbeddingSet.from_array(np.array([[9.0, 9.0]]))
    bare = opened_analysis(model, None, rows, np.array([-50.0]), np.empty(0))
    decision = Decision(bare, None, model.curve, 0.0)
    told = story(decision)
    assert finding(decision) == "1 of the 1 samples looks out of place"
    assert told.line.sentences[0].endswith("it is drawn where the saved model has it.")
    assert told.line.sentences[1].startswith("How often a normal sample will be flagged is not known")
    assert told.found.sentences[0] == "1 of the 1 samples is flagged."
    assert [figure.name for figure in headline(decision)] == ["Flagged", "Learned from"]


def test_of_the_training_samples_themselves_it_is_not_said_how_many_score_low():
    data = EmbeddingSet(np.random.default_rng(0).normal(size=(300, 3)), np.arange(300).astype(str))
    decision = decide(analyse(data, None, Settings(2), device="cpu"), ThresholdRule("quantile", 0.05))
    told = story(decision).unusual.sentences[1]  # by construction 1 in 100 of them score as low as 1 in 100
    assert (
        told == "The model has learned from these very samples; each is scored by one that has not seen it."
    )
    some = decide(analyse(replace(data, excluded=np.arange(300) < 18), None, Settings(2), device="cpu"))
    assert story(some).unusual.sentences[1] == (
        "The model has learned from 282 of them; each of these is scored by one that has not seen it."
    )
