"""The scaling methods, and that one more of them is found wherever people meet one."""

import copy
import json
import pickle

import numpy as np
import oracles
import pytest
import torch
from app_steps import page_session, put, until

from kdeviz.analysis import analyse
from kdeviz.charts import tuning_lines
from kdeviz.data import EmbeddingSet
from kdeviz.decision import ThresholdRule, decide
from kdeviz.errors import OptionError
from kdeviz.explain import explain
from kdeviz.model import KDEClassifier
from kdeviz.output.recipe import Files, python_recipe, shell_recipe
from kdeviz.scaling import SCALINGS, Scaling, row_lengths, scalings_in_words
from kdeviz.settings import FeatureScalingMethod, Settings, name_of
from kdeviz.sweep import Grid, best, sweep
from kdeviz.sweep.held_out import held_out_alarms


class UnitMax(Scaling):
    """Divides each row by its largest entry."""

    name = "unit_max"
    title = "Largest component 1 (unit_max)"
    effect = "keeps its components relative to the largest"

    def apply(self, scores, longest):
        return scores / scores.abs().amax(1, keepdim=True)

    def jacobian(self, scores, longest):
        largest = scores.abs().argmax()
        size = scores[largest].abs()
        jacobian = torch.eye(len(scores), dtype=scores.dtype)
        jacobian[:, largest] -= scores / scores[largest]
        return jacobian / size


@pytest.fixture
def unit_max(monkeypatch):
    monkeypatch.setitem(SCALINGS, UnitMax.name, UnitMax())


@pytest.fixture(params=[*SCALINGS, "unit_max"])
def scaling(request, unit_max):
    return SCALINGS[request.param]


# --- what a scaling does


def scores_of(n=40, k=3, seed=0):
    return torch.randn(n, k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("method", ["scale", "norm"])
def test_rows_are_divided_by_their_length_or_the_longest_one(method):
    scores = scores_of()
    scores[7] = 0
    longest = row_lengths(scores).max()
    found = SCALINGS[method].apply(scores, longest)
    np.testing.assert_allclose(found, oracles.scaled(scores.numpy(), method, float(longest)), rtol=1e-14)


def test_the_jacobian_is_the_derivative(scaling):
    longest = torch.tensor(2.5, dtype=torch.float64)
    for scores in scores_of(5, 4):
        expected = torch.autograd.functional.jacobian(lambda s: scaling.apply(s[None], longest)[0], scores)
        torch.testing.assert_close(scaling.jacobian(scores, longest), expected, rtol=1e-12, atol=1e-14)


def test_a_row_without_a_direction_has_no_derivative_under_norm():
    assert not SCALINGS["norm"].jacobian(torch.zeros(3), torch.tensor(1.0)).any()


def test_log_volume_is_the_log_determinant_where_that_is_the_same_for_all_rows(scaling):
    longest = torch.tensor(2.5, dtype=torch.float64)
    every = [abs(float(scaling.jacobian(scores, longest).det())) for scores in scores_of(5)]
    expected = np.log(every[0]) if min(every) > 1e-9 and np.ptp(every) < 1e-9 else 0
    assert scaling.log_volume(3, longest) == pytest.approx(expected)


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
def test_lengths_neither_overflow_nor_vanish(size):
    rows = size * torch.tensor([[3.0, 4.0], [0.0, -2.0]], dtype=torch.float64)
    np.testing.assert_allclose(row_lengths(rows)[:, 0] / size, [5, 2], rtol=1e-14)


# --- names


def test_the_names_of_the_enum_are_those_of_the_registry(unit_max):
    assert {method.value for method in FeatureScalingMethod} <= set(SCALINGS)
    for name in SCALINGS:
        method = FeatureScalingMethod(name)
        assert method is FeatureScalingMethod(name) and method is FeatureScalingMethod(method)
        assert (method, method.value, method.name) == (name, name, name.upper())
        assert pickle.loads(pickle.dumps(method)) is copy.deepcopy(method) is method


def test_a_scaling_that_is_not_registered_is_none():
    with pytest.raises(ValueError, match="unit_max"):
        FeatureScalingMethod("unit_max")
    with pytest.raises(OptionError, match="'unit_max' is not known: choose 'norm' or 'scale'"):
        Settings(4, "unit_max")


# --- one more scaling is found everywhere


@pytest.fixture
def data(unit_max):
    return EmbeddingSet.from_array(np.random.default_rng(0).gamma(2.0, size=(90, 6)))


def settings():
    return Settings(3, "unit_max")


def test_settings_name_it_and_read_it_back(unit_max):
    assert Settings(**json.loads(json.dumps(settings().to_dict()))) == settings()
    assert "unit_max" in name_of(settings())
    with pytest.raises(OptionError, match="'norm' or 'scale' or 'unit_max'"):
        Settings(3, "nothing")


def test_a_model_fits_with_it_and_keeps_it(data, tmp_path):
    model = KDEClassifier(3, "unit_max")
    assert model.fit(data.features)
    points = model.transform(data.features)
    np.testing.assert_allclose(points.abs().amax(1), 1, rtol=1e-6)
    stack = oracles.pca(data.features, 3).scores(data.features)
    expected = oracles.KDE(stack / np.abs(stack).max(1, keepdims=True))
    np.testing.assert_allclose(
        model.log_density(data.features), expected.log_density(expected.points), rtol=1e-6
    )
    model.save(tmp_path / "m.safetensors")
    again = KDEClassifier.load(tmp_path / "m.safetensors", "cpu")
    assert again.settings == model.settings
    assert torch.equal(again.predict(data.features), model.predict(data.features))


def test_an_explanation_has_its_gradient(data):
    others = EmbeddingSet.from_array(np.random.default_rng(1).gamma(2.0, size=(4, 6)))
    analysis = analyse(data, others, settings(), "cpu")
    for row in range(4):
        direction, x = explain(analysis, row).direction, others.features[row]
        steps = 1e-5 * np.eye(6)
        up, down = (analysis.classifier.log_density(x + sign * steps).numpy() for sign in (1, -1))
        np.testing.assert_allclose(direction.feature_gradient, (up - down) / 2e-5, rtol=1e-5, atol=1e-7)
        shifted = analysis.classifier.transform((x + 1e-6 * direction.feature_shift)[None])
        moved = (shifted - analysis.classifier.transform(x[None]))[0] / 1e-6
        jacobian = SCALINGS["unit_max"].jacobian(analysis.classifier.pca_model.transform(x[None])[0], None)
        reachable = jacobian @ torch.linalg.pinv(jacobian) @ torch.from_numpy(direction.shift)
        np.testing.assert_allclose(moved, reachable, rtol=1e-3, atol=1e-5)


def test_a_sweep_tries_it_and_holds_out_alarms(data):
    grid = Grid.parse(components="2,3", scalings=",".join(SCALINGS))
    found = sweep(data, None, grid)
    rows = [row for row in found.rows if row.settings.feature_scaling_method == "unit_max"]
    assert [row.error for row in found.rows] == [None] * 6 and len(rows) == 2
    alarms = held_out_alarms(analyse(data, None, settings(), "cpu"), ThresholdRule())
    assert rows[1].alarm_share == alarms
    assert 0 <= alarms.value < 0.2
    assert best(found) is not None
    drawn = {trace.name for trace in tuning_lines(found).data}
    assert set(SCALINGS) <= drawn


def test_recipes_repeat_it(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("rows.npy", data.features)
    decision = decide(analyse(data, None, settings(), "cpu"))
    names = {}
    exec(python_recipe(decision, Files("rows.npy")), names)
    np.testing.assert_array_equal(names["analysis"].scores, decision.analysis.scores)
    assert "--scaling=unit_max" in shell_recipe(decision, Files("rows.npy"))


def test_the_command_line_takes_it(data, run):
    np.save("rows.npy", data.features)
    outcome = run("fit", "rows.npy", "-o", "m.safetensors", "--components", 3, "--scaling", "unit_max")
    assert outcome.code == 0
    assert KDEClassifier.load("m.safetensors", "cpu").settings == settings()
    assert run("info", "m.safetensors").fact("scaling") == "unit_max"
    assert run("sweep", "rows.npy", "--components", "2,3", "--scaling", "scale,unit_max").code == 0
    outcome = run("fit", "rows.npy", "-o", "n.safetensors", "--scaling", "nothing")
    assert outcome.code != 0
    assert "'unit_max'" in outcome.err


def test_the_app_offers_and_uses_it(unit_max, start):
    app = start()
    scaling = app.radio(key="scaling")
    assert scaling.options == [method.title for method in SCALINGS.values()]
    assert scalings_in_words() in scaling.help
    put(scaling, "unit_max")
    until(app, lambda app: page_session(app).screen.analysis.settings == Settings(16, "unit_max"))
    assert app.query_params["scaling"] == "unit_max"


def test_the_page_tune_offers_it(unit_max, start, monkeypatch):
    from kdeviz.ui.panels import sweep

    # What is proposed is kept with the analysis, which other tests of this process share.
    monkeypatch.setattr(sweep, "_proposed", sweep._proposed.__wrapped__)
    scalings = start(at="tune").selectbox(key="grid_scalings")
    assert scalings.options == ["scale, norm, unit_max", "scale", "norm", "unit_max"]
    assert scalings.value == "scale, norm, unit_max"
