"""Addresses that nobody meant: what is not possible in them is left out, and said once."""

import math
import random

import pytest
from app_steps import gaussian, npy, upload

from kdeviz.decision import RULES, ThresholdRule
from kdeviz.model import ProbabilityCurve
from kdeviz.settings import Settings
from kdeviz.ui.panels import find, map_axes, model, sidebar
from kdeviz.ui.widgets.parameters import among, real, whole
from kdeviz.ui.work.loaded import sample

NUMBERS = ["inf", "-inf", "nan", "1e400", "-1e400", "1e308", "-1", "0", "3", "16", "1e3", "5.5", "+5"]
TEXTS = ["", " ", "1_0", "0x10", "½", "٣", "null", "true", "[]", "<b>", "\x00", "💥", "../x", "%s"]
ODD = [*NUMBERS, *TEXTS, "9" * 30, "9" * 5000, "norm", "2D", "best_f1"]
OTHERS = ["data", "sweep", "colour", "column", "device", "label_column", "normal", "leave_out", "unknown"]


def parameters():
    return {**model.address(sample()), **sidebar.address(sample()), **map_axes.address(), **find.address()}


ALL = sorted({*parameters(), "tune", "compare", "chart", "why"})


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_every_parameter_at_once(start, value):
    # A rule's own number is asked for only where the address names that rule.
    rule = random.Random(value).choice(sorted(RULES))
    query = dict.fromkeys([*ALL, *OTHERS], value) | {"rule": rule, "bandwidth": "factor", "dimensions": "3D"}
    app = start(**query)
    assert not app.error
    words = [toast.value for toast in app.toast if toast.value.startswith("Not possible in the address")]
    assert len(words) <= 1
    if value in ("inf", "nan", "1e400", ""):
        assert all(name in words[0] for name in ("seed", "axis_y", "top_k", "factor", "midpoint", "chart"))
        assert not {*ALL} - {"rule", "bandwidth", "dimensions", "find"} & {*app.query_params}


@pytest.mark.parametrize("seed", range(500))
def test_what_the_reader_lets_through_is_possible(seed):
    chance = random.Random(seed)
    said = {
        name: chance.choice([*ODD, str(chance.uniform(-1e6, 1e6)), str(chance.randrange(200))])
        for name in ALL
    }
    let = {name: said[name] for name, possible in parameters().items() if possible(said[name])}
    settings = Settings(
        int(let.get("components", 1)),
        let.get("scaling", "scale"),
        int(let.get("cap", 2)),
        float(let.get("factor", 1)),
        int(let.get("seed", 0)),
    )
    curve = ProbabilityCurve(float(let.get("midpoint", 0)), float(let.get("steepness", 1)))
    assert math.isfinite(curve.midpoint) and 0 < curve.steepness < math.inf
    assert settings.n_pca_components >= 1 and settings.max_training_points >= 2
    for rule in RULES.values():
        asked = rule.asked(len(sample().inspected))
        if asked is not None and rule.address_key() in let:
            ThresholdRule(rule.name, float(let[rule.address_key()]) * asked.unit)


def test_a_possible_address_is_left_alone(start):
    query = {"seed": "3", "components": "5", "axis_y": "4", "midpoint": "-2.5", "rule": "top_k", "top_k": "7"}
    app = start(**query)
    assert not app.toast
    assert {name: app.query_params[name] for name in query} == query
    settings = app.session_state["session"].screen.analysis.settings
    assert (settings.seed, settings.n_pca_components) == (3, 5)


def test_what_the_knobs_write_is_left_alone_when_the_data_change(start):
    app = start(components="40", cap="777")
    for name, dimensions, components in (("narrow.npy", 5, 5), ("wide.npy", 50, 16)):
        upload(app, name, npy(gaussian(60, dimensions)))
        # The usual settings for these data, and nothing of an address that could not be used.
        assert all(toast.value.startswith("Back at the defaults") for toast in app.toast)
        assert app.session_state["components"] == components


@pytest.mark.parametrize("text", ["0", "7", "100"])
def test_whole_numbers(text):
    assert whole(0, 100)(text)


@pytest.mark.parametrize("text", ["", "101", "-1", "+1", "1.0", "1e1", " 1", "1_0", "٣", "²", "9" * 5000])
def test_no_whole_numbers(text):
    assert not whole(0, 100)(text)


@pytest.mark.parametrize("text", ["-1", "1e-3", "1", ".5"])
def test_real_numbers(text):
    assert real(-1, 1)(text)


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "-inf", "1e400", "1.01", "0." + "0" * 50])
def test_no_real_numbers(text):
    assert not real(-1, 1)(text)


def test_one_of_several():
    assert among(["a", "b"])("b") and not among(["a", "b"])("c")
