"""What a dragged threshold says is what the decision will say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdeviz.analysis.analyse import analyse
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.decision import Decision, threshold_steps
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.settings import Settings


def analysis(labels=None, dtype=np.float32):
    rng = np.random.default_rng(0)
    train, new = (rng.normal(size=(n, 6)).astype(dtype) for n in (150, 60))
    return analyse(train, EmbeddingSet(new, np.arange(60).astype(str), labels), Settings(3), "cpu")


LABELS = np.array([ANOMALOUS] * 20 + [NORMAL] * 25 + [UNKNOWN] * 15, np.int8)
CASES = {
    "unlabelled": analysis(),
    "labelled": analysis(LABELS),
    "float64": analysis(LABELS, np.float64),
    "one kind of label": analysis(np.full(60, NORMAL, np.int8)),
}


def agree(found, decision, step):
    assert found.flagged[step] == decision.n_flagged
    assert (found.alarms[step], found.training) == decision.expected_alarms[3:]
    assert found.confusion(step) == decision.confusion


@pytest.mark.parametrize("case", CASES)
def test_every_step_counts_as_the_decision_does(case):
    found = threshold_steps(CASES[case], -12.0, 4.0, 80)
    assert len(found.thresholds) == 81
    for step, threshold in enumerate(found.thresholds):
        agree(found, Decision(CASES[case], None, ProbabilityCurve(), float(threshold)), step)


@given(st.lists(st.integers(-3, 3), min_size=60, max_size=60), st.sampled_from([np.float32, np.float64]))
def test_ties_with_a_threshold_are_not_below_it(scores, dtype):
    tied = replace(CASES["labelled"], scores=np.array(scores, dtype))
    found = threshold_steps(tied, -3.0, 3.0, 6)
    for step, threshold in enumerate(found.thresholds):
        agree(found, Decision(tied, None, ProbabilityCurve(), float(threshold)), step)


def test_a_threshold_between_two_float32_numbers():
    below = np.float32(1.1)
    tied = replace(CASES["labelled"], scores=np.full(60, below))
    for high in (1.1, float(below), float(np.nextafter(below, np.float32(2)))):
        found = threshold_steps(tied, 0.0, high, 1)
        agree(found, Decision(tied, None, ProbabilityCurve(), high), 1)


def test_infinitely_low_scores():
    low = replace(CASES["labelled"], scores=np.array([-np.inf] * 5 + [0.0] * 55, np.float32))
    assert threshold_steps(low, -10.0, 10.0, 2).flagged.tolist() == [5, 5, 60]
