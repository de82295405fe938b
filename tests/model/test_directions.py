"""Under "norm" a row that only rounding keeps from the mean has no direction."""

import numpy as np
import oracles
import pytest
import torch

from kdeviz.analysis.analyse import analyse
from kdeviz.model.classifier import KDEClassifier
from kdeviz.settings import Settings

CONSTANTS = [0.0, 0.1, 1.0, 1 / 3, 123.456, 1e4, 1e6]
SHAPES = {"tall": (60, 12), "wide": (20, 90)}
AT_MEAN = 3


def symmetric(shape, seed=0):
    """Whole numbers with mean 0, and three rows that lie there: in the middle and last."""
    n, d = SHAPES[shape]
    half = np.random.default_rng(seed).integers(-9, 10, (n // 2, d)).astype(float)
    return np.vstack([half, np.zeros((1, d)), -half, np.zeros((AT_MEAN - 1, d))])


def moved(rows, constant, dtype):
    return (rows + constant).astype(dtype)


def where_zero(rows):
    return ~rows.any(1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("constant", CONSTANTS)
def test_rows_at_the_mean_have_length_zero_whatever_is_added(shape, dtype, constant):
    rows = symmetric(shape)
    model = KDEClassifier(3, "norm")
    report = model.fit_report(moved(rows, constant, dtype))
    assert report.warnings == (
        "3 training rows lie at the mean, up to rounding, without a direction: kept at zero",
    )
    lengths = torch.linalg.vector_norm(report.points, dim=1).numpy()
    np.testing.assert_allclose(lengths, np.where(where_zero(rows), 0, 1), atol=1e-12)
    expected = oracles.Classifier(rows, 3, "norm").log_density(rows)
    slack = 1e-9 + 20 * np.finfo(dtype).eps * constant  # the data themselves are rounded
    np.testing.assert_allclose(model.log_density(moved(rows, constant, dtype)), expected, atol=1e-4 + slack)


@pytest.mark.parametrize("scored", ["float16", "float32", "float64", "int32"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_so_have_scored_rows_of_any_type(scored, dtype):
    rows, constant = symmetric("tall"), 100 if scored == "int32" else 100.1
    model = KDEClassifier(3, "norm")
    model.fit_report(moved(rows, constant, dtype))
    points = model.transform(moved(rows, constant, scored)).numpy()
    np.testing.assert_array_equal(points.any(1), ~where_zero(rows))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("constant", [0.0, 0.1, 1e4])
def test_so_have_rows_in_the_folds(shape, dtype, constant):
    rows = symmetric(shape)[:-2]
    if shape == "tall":
        rows = rows[1:-1]  # fewer than 60: every row is held out by itself, the one at the mean too
    given = moved(rows, constant, dtype)
    analysis = analyse(given, None, Settings(3, "norm"))
    expected = oracles.held_out(rows, analysis.classifier.folds, 3, "norm")
    slack = 1e-4 + 20 * np.finfo(dtype).eps * constant
    np.testing.assert_allclose(analysis.held_out_scores, expected, atol=slack, rtol=1e-5)


def test_saved_models_know_it_too(tmp_path):
    rows = symmetric("tall")
    model = KDEClassifier(3, "norm")
    model.fit_report(moved(rows, 0.1, "float32"))
    model.save(tmp_path / "model.safetensors")
    again = KDEClassifier.load(tmp_path / "model.safetensors")
    assert again.pca_model.rounding == model.pca_model.rounding
    assert not again.transform(moved(rows[-1:], 0.1, "float32")).any()


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
def test_in_any_unit(scale):
    rows = symmetric("tall")
    report = KDEClassifier(3, "norm").fit_report((rows + 0.1) * scale)
    np.testing.assert_array_equal(report.points.numpy().any(1), ~where_zero(rows))


@pytest.mark.parametrize(("mean", "deviation"), [(1e6, 0.1), (1e8, 10.0), (1e3, 1e-4)])
def test_rows_near_the_rounding_of_their_numbers_keep_their_directions(mean, deviation):
    rows = np.random.default_rng(0).normal(mean, deviation, (400, 24)).astype(np.float32)
    report = KDEClassifier(8, "norm").fit_report(rows)
    assert report.warnings == () and report.points.any(1).all()


def test_whole_numbers_are_exact():
    rows = np.random.default_rng(0).integers(0, 5, (200, 6)) + 1_700_000_000
    report = KDEClassifier(4, "norm").fit_report(rows)
    assert report.warnings == () and report.points.any(1).all()
