"""A check and a fit say the same of data in any unit."""

import numpy as np
import pytest

from kdeviz.analysis.analyse import analyse
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.errors import DataError
from kdeviz.model.classifier import KDEClassifier
from kdeviz.preflight import preflight
from kdeviz.settings import Settings
from kdeviz.sweep import Grid, sweep

UNITS = [1e-300, 1e-200, 1e-150, 1e-78, 1e-20, 1e20, 1e100, 1e149, 1e151, 1e200, 1e300]
ROWS = np.random.default_rng(0).normal(size=(200, 6)) * np.arange(1, 7) ** -0.5 + 0.3


def problems(rows, k=3):
    return [finding.kind for finding in preflight(EmbeddingSet.from_array(rows), k).problems]


@pytest.mark.parametrize("unit", UNITS)
def test_any_unit_is_fitted_and_found_sound(unit):
    rows = ROWS * unit
    found = preflight(EmbeddingSet.from_array(rows), 3)
    assert found.problems == () and found.facts.rank == 6
    usual, other = KDEClassifier(3), KDEClassifier(3)
    assert usual.fit(ROWS) and other.fit(rows)
    np.testing.assert_allclose(other.log_density(rows), usual.log_density(ROWS), atol=1e-9)


@pytest.mark.parametrize("unit", UNITS)
def test_an_outlier_is_one_in_any_unit(unit):
    rows = ROWS.copy()
    rows[7] *= 40
    (finding,) = preflight(EmbeddingSet.from_array(rows * unit), 3).problems
    (usual,) = preflight(EmbeddingSet.from_array(rows), 3).problems
    assert finding.kind == "outliers" and finding.sentence == usual.sentence


@pytest.mark.parametrize("exponent", [-990, -600, -40, 40, 600, 990])
def test_powers_of_two_change_no_digit(exponent):
    usual, other = KDEClassifier(3), KDEClassifier(3)
    usual.fit(ROWS)
    other.fit(np.ldexp(ROWS, exponent))
    np.testing.assert_array_equal(other.log_density(np.ldexp(ROWS, exponent)), usual.log_density(ROWS))


def test_beyond_the_largest_unit_both_refuse():
    assert problems(ROWS * 1e305) == ["rank", "too large"]
    with pytest.raises(DataError, match=r"above 1e\+302, too large to compute with"):
        KDEClassifier(3).fit(ROWS * 1e305)


@pytest.mark.parametrize("size", [1e160, 1e300])
@pytest.mark.parametrize("unit", [1e-140, 1.0])
def test_one_row_far_beyond_the_others_is_named(size, unit):
    rows = ROWS * unit
    rows[3, 2] = size
    (finding,) = (
        each for each in preflight(EmbeddingSet.from_array(rows), 3).findings if each.kind == "too large"
    )
    assert finding.rows.tolist() == [3] and "as large as those of a typical row" in finding.sentence


def test_a_setting_that_cannot_be_computed_costs_one_row():
    rows = EmbeddingSet.from_array(ROWS * 1e300)
    found = sweep(rows, None, Grid((2, 500, 3)))
    assert [row.error is None for row in found.rows] == [True, False, True]


def column(values):
    return np.asarray(values)[:, None]


N = 400
NORMALS = np.random.default_rng(1).normal(size=(N, 5))
DIFFERENT = {
    "constant beside normals": (np.hstack([np.full((N, 1), 1.7e9), NORMALS]).astype(np.float32), 5),
    "float16 of mean 1 000": ((1000 + NORMALS).astype(np.float16), 5),
    "float16 of mean 1 000, wide": (
        (1000 + np.random.default_rng(2).normal(size=(60, 200))).astype(np.float16),
        6,
    ),
    "float32 of mean 1e6": ((1e6 + 0.1 * NORMALS).astype(np.float32), 5),
    "a column of 1e8": (
        np.hstack([column(1e8 + 1e7 * np.random.default_rng(3).normal(size=N)), NORMALS]).astype(np.float32),
        6,
    ),
    "whole numbers": (np.hstack([np.full((N, 1), 2**62), np.rint(9 * NORMALS).astype(np.int64)]), 5),
    "one row differs": (np.r_[np.full((50, 3), 7.0), [[7, 7, 7.0000000001]]], 1),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_rows_that_differ_are_not_called_equal(name):
    rows, directions = DIFFERENT[name]
    k = min(6, rows.shape[1])
    model = KDEClassifier(k)
    report = model.fit_report(rows)
    assert report.fitted and model.n_components_ == directions
    assert preflight(EmbeddingSet.from_array(rows), k).facts.rank >= directions
    scores = model.log_density(rows)
    assert scores.isfinite().all()


@pytest.mark.parametrize("value", [0.1, 1e30, 1e-30, 65504.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_that_do_not_differ_are(value, dtype):
    rows = np.full((50, 3), value, dtype)
    assert "rank" in problems(rows)
    with pytest.raises(DataError, match="all 50 rows are equal"):
        analyse(rows, None, Settings(2))
