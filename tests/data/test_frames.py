"""What callers pass as rows: names of columns count, and nothing that is missing or sparse is misread."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import torch

import kdeviz
from kdeviz import DataError, KDEClassifier, Settings
from kdeviz.data.rows import Rows

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(200, 4)) * [1.0, 5.0, 25.0, 125.0]
NAMES = list("abcd")
FRAMES = [pd.DataFrame, lambda rows, columns: pl.DataFrame(rows, schema=columns)]


@pytest.mark.parametrize("frame", FRAMES)
def test_columns_in_another_order_are_matched_by_name(frame):
    train, new = frame(ROWS, columns=NAMES), frame(ROWS[:50] * 1.5, columns=NAMES)
    turned = new[NAMES[::-1]]
    expected = kdeviz.analyse(ROWS, ROWS[:50] * 1.5, Settings(3))
    found = kdeviz.analyse(train, turned, Settings(3))
    np.testing.assert_array_equal(found.scores, expected.scores)
    assert found.classifier.feature_names == tuple(NAMES)
    model = KDEClassifier(3)
    assert model.fit(train) and model.feature_names == tuple(NAMES)
    for method in (model.log_density, model.predict, model.transform):
        assert torch.equal(method(turned), method(ROWS[:50] * 1.5))
    np.testing.assert_array_equal(model.recognised(train[NAMES[::-1]]), model.recognised(ROWS))


@pytest.mark.parametrize(
    ("columns", "words"), [(["a", "b", "c", "e"], "d missing"), ([*NAMES, "e"], "e unknown")]
)
def test_other_columns_are_refused(columns, words):
    model = KDEClassifier(3)
    model.fit(pd.DataFrame(ROWS, columns=NAMES))
    with pytest.raises(DataError, match=f"not those that the model was fitted on: {words}"):
        model.log_density(pd.DataFrame(RANDOM.normal(size=(5, len(columns))), columns=columns))


def test_columns_with_numbers_for_names_have_none():
    model = KDEClassifier(3)
    model.fit(pd.DataFrame(ROWS))
    assert model.feature_names is None
    assert len(model.log_density(pd.DataFrame(ROWS[:5], columns=NAMES))) == 5


def test_masked_values_are_not_taken_for_numbers():
    rows = ROWS.copy()
    rows[3, 1] = -9999.0
    masked = np.ma.masked_equal(rows, -9999.0)
    for use in (KDEClassifier(3).fit, kdeviz.analyse):
        with pytest.raises(DataError, match="features mask some values: fill them"):
            use(masked)
    assert KDEClassifier(3).fit(np.ma.masked_equal(ROWS, -9999.0))  # nothing is


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (torch.tensor(ROWS).to_sparse(), "a sparse tensor: call to_dense"),
        (scipy.sparse.csr_matrix(ROWS), "a sparse matrix: call toarray"),
        (pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}), "the column 'b' holds others"),
    ],
)
def test_what_is_wrong_is_said(rows, words):
    for use in (KDEClassifier(1).fit, kdeviz.analyse):
        with pytest.raises(DataError, match=words):
            use(rows)


def test_columns_of_several_kinds_and_missing_values():
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, 2, None, 4], "Int64"),
            "float": pd.array([0.5, None, 1.5, 2.5], "Float64"),
            "yes": [True, False, True, True],
        }
    )
    expected = [[1, 0.5, 1], [2, np.nan, 0], [np.nan, 1.5, 1], [4, 2.5, 1]]
    np.testing.assert_array_equal(Rows(frame).values(0, 4), expected)
    with pytest.raises(DataError, match="2 of 4 rows hold NaN"):
        KDEClassifier(1).fit(frame)
