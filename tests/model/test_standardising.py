"""A model of standardised features is the model of z-scores."""

from dataclasses import replace

import numpy as np
import oracles
import pytest
import torch

from kdeviz.analysis.analyse import analyse
from kdeviz.data import Rows
from kdeviz.errors import ModelFileError, OptionError
from kdeviz.explain.residual import residuals
from kdeviz.explain.row import explain
from kdeviz.explain.slice import slice_density
from kdeviz.model import model_file
from kdeviz.model.axes_cache import AxesCache
from kdeviz.model.classifier import KDEClassifier
from kdeviz.model.pca import PCA
from kdeviz.model.principal_axes import principal_axes
from kdeviz.settings import Settings

METHODS = ["scale", "norm"]
SHAPES = [(300, 12, 5), (40, 6, 3), (80, 200, 10), (330, 300, 6)]


def of_many_units(n, d, seed=0):
    """Rows whose features differ by many orders of magnitude, and do not begin at 0."""
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(n, d)) @ random.normal(size=(d, d)) * np.exp(4 * random.normal(size=d))
    rows = mixed + 1e3 * random.normal(size=d)
    rows[:, 1] = 7.3
    return rows


def others(rows, n=25):
    return np.random.default_rng(1).normal(size=(n, rows.shape[1])) * rows.std(0) + rows.mean(0)


def z_of(rows, by):
    """Z-scores by the mean and deviation of other rows; 0 where those are equal."""
    varies = np.ptp(by, 0) > 0
    deviation = np.where(varies, by.std(0, ddof=1), 1)
    return np.where(varies, (rows - by.mean(0)) / deviation, 0)


def held_out(rows, folds, k, method):
    """As `oracles.held_out`, each fold by its own means and deviations."""
    unit, scores = oracles.Classifier(z_of(rows, rows), k, method).longest, np.empty(len(rows))
    for fold in np.unique(folds):
        inside, outside = rows[folds == fold], rows[folds != fold]
        model = oracles.Classifier(z_of(outside, outside), k, method)
        change = k * np.log(unit / model.longest) if method == "scale" else 0
        scores[folds == fold] = model.log_density(z_of(inside, outside)) + change
    return scores


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("n", "d", "k"), SHAPES)
def test_scores_are_those_of_z_scores(n, d, k, method):
    rows, new = of_many_units(n, d), others(of_many_units(n, d))
    given = rows.copy()
    found = analyse(rows, new, Settings(k, method, standardise=True))
    expected = oracles.Classifier(z_of(rows, rows), k, method).log_density(z_of(new, rows))
    np.testing.assert_allclose(found.scores, expected, atol=1e-8, rtol=1e-8)
    np.testing.assert_array_equal(rows, given)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("n", "d", "k"), SHAPES)
def test_every_fold_has_its_own_deviations(n, d, k, method):
    rows = of_many_units(n, d)
    found = analyse(rows, None, Settings(k, method, standardise=True))
    expected = held_out(rows, found.classifier.folds, k, method)
    np.testing.assert_allclose(found.held_out_scores, expected, atol=1e-6, rtol=1e-6)


def test_a_fold_without_the_one_row_that_varies_has_no_such_feature():
    rows = np.random.default_rng(0).normal(size=(400, 5))
    rows[:, 2] = 0
    rows[7, 2] = 3e9
    found = analyse(rows, None, Settings(4, standardise=True))
    expected = held_out(rows, found.classifier.folds, 4, "scale")
    np.testing.assert_allclose(found.held_out_scores, expected, rtol=1e-6)


@pytest.mark.parametrize("far", [1e5, 1e9])
def test_a_row_that_is_far_out_in_all_features_costs_the_other_folds_no_digits(far):
    rows = np.random.default_rng(0).normal(size=(400, 5))
    rows[7] *= far
    found = analyse(rows, None, Settings(3, standardise=True))
    expected = held_out(rows, found.classifier.folds, 3, "scale")
    own = found.classifier.folds == found.classifier.folds[7]
    np.testing.assert_allclose(found.held_out_scores[own], expected[own], rtol=1e-6)


def test_folds_that_are_found_one_by_one_give_the_same():
    rows = of_many_units(200, 8)
    rows[:, 3] = rows[:, 4] * (1 + 1e-9 * np.random.default_rng(5).normal(size=200))  # no Gram matrix will do
    settings = Settings(8, standardise=True)
    found = analyse(rows, None, settings)
    k = found.classifier.n_components_
    expected = held_out(rows, found.classifier.folds, k, "scale")
    np.testing.assert_allclose(found.held_out_scores, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("n", "d", "k"), SHAPES[:3])
def test_units_do_not_count(n, d, k, method):
    rows = of_many_units(n, d)
    new, settings = others(rows), Settings(k, method, standardise=True)
    expected = analyse(rows, new, settings).scores
    random = np.random.default_rng(3)
    for units in (2.0 ** random.integers(-400, 400, d), 10 ** random.uniform(-150, 150, d), 1e-299, 1e290):
        np.testing.assert_allclose(analyse(rows * units, new * units, settings).scores, expected, atol=1e-8)


@pytest.mark.parametrize("constant", [1.7e9, 1e-30, -3.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_feature_stays_zero(constant, dtype):
    rows = np.random.default_rng(0).normal(size=(300, 6)).astype(dtype)
    rows[:, 4] = constant
    without = np.delete(rows, 4, 1)
    new = rows[:30] + dtype(0.1)
    settings = Settings(4, standardise=True)
    found, expected = analyse(rows, new, settings), analyse(without, np.delete(new, 4, 1), settings)
    assert found.classifier.pca_model.deviations[4] == 0
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)


def test_a_feature_that_is_rounding_alone_is_not_blown_up():
    random = np.random.default_rng(0)
    rows = random.normal(size=(500, 6)).astype(np.float32)
    rows[:, 0] = 1e8 + random.uniform(-3, 3, 500)  # its steps are 8 wide
    assert KDEClassifier(3, standardise=True).fit(rows)
    model = KDEClassifier(3, standardise=True)
    model.fit(rows)
    assert model.pca_model.deviations[0] == 0 and (model.pca_model.deviations[1:] > 0).all()


def test_features_that_are_stored_coarsely_and_vary_are_kept():
    random = np.random.default_rng(0)
    rows = random.normal(size=(500, 4)).astype(np.float32)
    rows[:, 0] = 1e8 + 1e7 * random.normal(size=500)
    rows[:, 1] = 1e6 + 0.1 * random.normal(size=500)
    model = KDEClassifier(4, standardise=True)
    model.fit(rows)
    assert model.n_components_ == 4
    expected = rows.astype(np.float64).std(0, ddof=1)
    np.testing.assert_allclose(model.pca_model.deviations, expected, rtol=1e-12)


def test_the_whole_model_is_affine():
    rows = of_many_units(120, 7)
    model = PCA(3, standardise=True).fit(rows)
    folded = model.weights[:, None] * model.singular_vectors
    scores = (torch.from_numpy(rows) - model.mean) @ folded
    np.testing.assert_allclose(model.transform(rows), scores, rtol=1e-9, atol=1e-9)


def test_all_components_lead_back_to_the_features():
    rows = of_many_units(120, 7)
    model = PCA(6, standardise=True).fit(rows)
    np.testing.assert_allclose(model.inverse_transform(model.transform(rows)), rows, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_explanations_are_in_the_units_of_the_features(method):
    rows = of_many_units(200, 9)
    new, deviation = others(rows), np.where(np.ptp(rows, 0) > 0, rows.std(0, ddof=1), 0)
    found = analyse(rows, new, Settings(4, method, standardise=True))
    of_z = analyse(z_of(rows, rows), z_of(new, rows), Settings(4, method))
    np.testing.assert_allclose(residuals(found), residuals(of_z), atol=1e-8)
    for row in range(5):
        one, other = explain(found, row).direction, explain(of_z, row).direction
        np.testing.assert_allclose(one.feature_gradient * deviation, other.feature_gradient, atol=1e-7)
        np.testing.assert_allclose(one.feature_shift, other.feature_shift * deviation, rtol=1e-6, atol=1e-9)
        np.testing.assert_array_equal(one.features, other.features)
        np.testing.assert_array_equal(one.present, new[row][one.features])
        np.testing.assert_allclose(
            slice_density(found, row, (0, 2), 5).log_density,
            slice_density(of_z, row, (0, 2), 5).log_density,
            atol=1e-6,
        )


def test_a_held_out_row_is_explained_by_the_model_that_scored_it():
    rows = of_many_units(200, 9)
    found = analyse(rows, None, Settings(4, standardise=True))
    row = int(found.scores.argmin())
    step = np.zeros(9)
    direction = explain(found, row).direction
    feature = int(direction.features[0])
    step[feature] = 1e-5 * rows[:, feature].std()
    from kdeviz.analysis import judge_of

    model = judge_of(found, row).classifier
    up, down = (float(model.log_density((rows[row] + sign * step)[None])[0]) for sign in (1, -1))
    assert float(model.log_density(rows[row][None])[0]) == pytest.approx(found.scores[row], abs=1e-6)
    gradient = (up - down) / (2 * step[feature])
    assert gradient == pytest.approx(direction.feature_gradient[feature], rel=1e-4)


def test_another_component_count_costs_no_pca_and_standardised_axes_are_others():
    rows = Rows(of_many_units(100, 5))
    axes_of, cpu = AxesCache().of("rows"), torch.device("cpu")
    plain, standard = (axes_of(rows, cpu, 2, standardise=which) for which in (False, True))
    assert plain.deviations is None and standard.deviations is not None
    assert axes_of(rows, cpu, 3, standardise=True).basis is standard.basis
    assert axes_of(rows, cpu, 3).basis is plain.basis
    anew = principal_axes(rows, cpu, 2, standardise=True)
    assert torch.equal(anew.basis, standard.basis) and torch.equal(anew.deviations, standard.deviations)


# --- the file


@pytest.fixture
def fitted():
    rows = of_many_units(150, 6)
    model = KDEClassifier(3, standardise=True)
    model.fit(rows)
    return model, others(rows)


def test_a_model_comes_back_from_its_file(fitted, tmp_path):
    model, new = fitted
    model.save(tmp_path / "m.safetensors")
    back = KDEClassifier.load(tmp_path / "m.safetensors", "cpu")
    assert back.settings == model.settings and back.settings.standardise
    assert torch.equal(back.log_density(new), model.log_density(new))


@pytest.mark.parametrize("damage", ["missing", "negative", "zero", "NaN", "unsaid"])
def test_damaged_deviations_are_refused(fitted, tmp_path, damage):
    model, _ = fitted
    model.save(tmp_path / "m.safetensors")
    tensors, metadata = model_file.read_model_file(tmp_path / "m.safetensors")
    deviations = tensors["pca_model.deviations"]
    if damage == "unsaid":
        metadata["settings"]["standardise"] = False
    else:
        bad = {"missing": deviations[:0], "negative": -deviations, "zero": 0 * deviations}
        tensors["pca_model.deviations"] = bad.get(damage, deviations * float("nan"))
    (tmp_path / "m.safetensors").write_bytes(model_file.model_file_bytes(tensors, metadata))
    with pytest.raises(ModelFileError):
        KDEClassifier.load(tmp_path / "m.safetensors", "cpu")


def test_only_yes_or_no_is_possible():
    assert Settings(standardise=np.bool_(True)).standardise is True
    for wrong in (1, 0.5, "yes", None):
        with pytest.raises(OptionError, match="standardise"):
            Settings(standardise=wrong)
    assert replace(Settings(), standardise=True) != Settings()
