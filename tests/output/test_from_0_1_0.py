"""What kdeviz 0.1.0 wrote still opens: a model file, and a kept run."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from kdeviz.analysis.opened import analysis_of_model
from kdeviz.data.samples import load_sample
from kdeviz.decision.decision import decide, stored_decision
from kdeviz.decision.rules import ThresholdRule
from kdeviz.model.classifier import KDEClassifier
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.output.runs.store import RunStore
from kdeviz.settings import Settings

WRITTEN = Path(__file__).parent / "from_0_1_0"
CURVE = ProbabilityCurve(4.0, 0.5)
EQUAL = {"atol": 1e-4, "rtol": 1e-5}  # what kdeviz promises of float32 rows across machines


@pytest.fixture(scope="module")
def digits():
    return load_sample().train_and_test()


def test_a_model_file_gives_the_scores_it_gave(digits):
    model = KDEClassifier.load(WRITTEN / "model.safetensors", "cpu")
    assert model.settings == Settings(2, "norm", 300, "silverman", 7)
    decision = stored_decision(analysis_of_model(model, digits[1]))
    np.testing.assert_allclose(decision.analysis.scores, np.load(WRITTEN / "model_scores.npy"), **EQUAL)
    assert decision.curve == CURVE
    assert (decision.rule, decision.threshold) == (None, model.threshold)
    best = decide(decision.analysis, ThresholdRule("best_f1"), CURVE)
    np.testing.assert_array_equal(decision.flagged, best.flagged)


def test_a_kept_run_gives_the_decision_it_held(digits, tmp_path):
    shutil.copytree(WRITTEN / "run", tmp_path / "three-components-0a1b2c3d")
    run = RunStore(tmp_path).open("three-components-0a1b2c3d")
    assert run.name == "three components"
    assert run.record.fixes == ("drop constant columns",)
    kept = run.scored()
    decision, rule = kept.decision, ThresholdRule("quantile", 0.02)
    assert (decision.rule, decision.curve) == (rule, CURVE)
    assert decision.analysis.settings == Settings(3, max_training_points=400)
    np.testing.assert_array_equal(kept.ids, digits[1].ids)
    np.testing.assert_array_equal(decision.labels, digits[1].labels)
    assert decision.expected_alarms.alarms == 8  # 2 % of 400
    again = analysis_of_model(decision.analysis.classifier, digits[1])
    np.testing.assert_allclose(again.scores, kept.scores, **EQUAL)
    assert len(decision.analysis.held_out_scores) == 400  # leave-one-out, as they were kept
    assert decision.p_values is None
    assert not decision.analysis.calibrated
    assert kept.flagged.sum() == run.record.metrics["flagged"]
    assert run.marks().counts() == {"confirmed": 1, "normal": 0, "unsure": 1}
