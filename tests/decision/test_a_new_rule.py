"""A rule that nobody has heard of, registered by a test, is there wherever people choose a threshold."""

from typing import ClassVar

import numpy as np
import pytest
from app_steps import metrics, sample_sets

from kdeviz import Settings, ThresholdRule, analyse, decide
from kdeviz.decision import RULES, Asked, Rule
from kdeviz.output import Files, python_recipe, shell_recipe
from kdeviz.sweep.held_out import held_out_alarms

TRAIN, SCORE = sample_sets()


class BelowMedian(Rule):
    """So many nats below the median of the training scores."""

    name = "below_median"
    title = "Nats below the typical normal sample"
    takes = "nats, 0 or more"
    usual: ClassVar[float | None] = 5.0
    of_training = True

    def allowed(self):
        return self.value >= 0

    def threshold(self, scores):
        return float(np.median(scores.train)) - self.value

    @classmethod
    def asked(cls, inspected):
        return Asked("Nats below the median", 5.0, 0.0, 1000.0)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(RULES, BelowMedian.name, BelowMedian)


@pytest.fixture(scope="module")
def analysis():
    return analyse(TRAIN, SCORE, Settings())


def flagged(analysis, nats):
    return int((analysis.scores < np.median(analysis.held_out_scores) - nats).sum())


def test_it_is_offered_by_the_app_and_its_value_is_asked_for(app, analysis):
    assert BelowMedian.title in app.selectbox(key="rule").options
    app.selectbox(key="rule").set_value(BelowMedian.name).run()
    assert metrics(app)["Flagged"] == f"{flagged(analysis, 5)} of 756"
    value = app.number_input(key="below_median_value")
    assert (value.label, value.value) == ("Nats below the median", 5.0)
    value.set_value(8.0).run()
    assert not app.exception
    assert metrics(app)["Flagged"] == f"{flagged(analysis, 8)} of 756"
    assert flagged(analysis, 8) != flagged(analysis, 5)


def test_an_address_leads_to_it(start, analysis):
    app = start(rule=BelowMedian.name, below_median_value="8.0")
    assert metrics(app)["Flagged"] == f"{flagged(analysis, 8)} of 756"


@pytest.mark.parametrize(("given", "nats"), [((), 5.0), (("--threshold-value=8",), 8.0)])
def test_the_command_line_knows_it(run, analysis, given, nats):
    outcome = run("fit", "sample", "-o", "model.safetensors", f"--threshold-rule={BelowMedian.name}", *given)
    assert outcome.code == 0, outcome.err
    assert f"{flagged(analysis, nats)} of 756" in outcome.out


def test_the_recipes_name_it(analysis):
    decision = decide(analysis, ThresholdRule(BelowMedian.name, 8.0))
    assert 'ThresholdRule("below_median", 8.0)' in python_recipe(decision, Files("sample"))
    shell = shell_recipe(decision, Files("sample"))
    assert "--threshold-rule=below_median" in shell
    assert "--threshold-value=8.0" in shell


def test_a_sweep_counts_its_alarms_on_held_out_rows(analysis):
    few, many = (
        held_out_alarms(analysis, ThresholdRule(BelowMedian.name, nats)).value for nats in (1000.0, 0.0)
    )
    assert few == 0
    assert many == pytest.approx(0.5, abs=0.1)
