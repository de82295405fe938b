"""A feature in larger units than all others is found, and rarely another."""

import dataclasses

import numpy as np
import pytest

from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.samples import load_sample
from kdeviz.preflight import group_finding, preflight
from kdeviz.settings import Settings


def units_of(rows, names=None, standardise=False):
    data = dataclasses.replace(EmbeddingSet.from_array(np.asarray(rows)), feature_names=names)
    return next(found for found in preflight(data, 2, standardise).findings if found.kind == "units")


def normal(n=300, d=6, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def test_the_breast_cancer_set_is_found_to_be_of_many_units():
    data = pytest.importorskip("sklearn.datasets").load_breast_cancer()
    found = units_of(data.data, tuple(map(str, data.feature_names)))
    assert found.severity == "warning" and "worst area" in found.sentence and "mean area" in found.sentence
    assert set(found.columns) == {3, 23}
    assert found.offer.applied(Settings()) == Settings(standardise=True)
    assert found.offer.options == "--standardise"
    assert units_of(data.data, standardise=True).severity == "ok"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_names_the_feature_or_its_number(dtype):
    rows = (normal() * [1, 1, 1, 1, 500, 1]).astype(dtype)
    assert "Feature 4 alone carries > 99.9 %" in units_of(rows).sentence
    names = ("a", "b", "c", "d", "**income**", "f")
    assert "“**income**” alone" in units_of(rows, names).sentence
    np.testing.assert_array_equal(units_of(rows).columns, [4])
    assert units_of(rows, names).which == ""  # it would be named twice


def test_many_features_are_named_beside_the_sentence():
    rows = normal(d=12) * np.where(np.arange(12) < 5, 1000, 1)
    found = units_of(rows)
    assert "with 4 others" in found.sentence
    assert found.which == "dimensions 0, 1, 2, 3, 4"


@pytest.mark.parametrize("scale", [1e-300, 1e-100, 1e140])
def test_the_unit_of_all_together_does_not_count(scale):
    rows = normal() * [1, 1, 1, 1, 500, 1] * scale
    assert units_of(rows).severity == "warning"
    assert units_of(normal() * scale).severity == "ok"


@pytest.mark.parametrize("large", [(0, 1), (1, 4, 7)])
def test_some_features_in_larger_units_are_found_like_one(large):
    rows = normal(d=9)
    rows[:, large] *= 1000
    found = units_of(rows)
    np.testing.assert_array_equal(found.columns, large)
    assert "> 99.9 %" in found.sentence and found.offer.options == "--standardise"


def quiet():
    random = np.random.default_rng(0)
    yield "Gaussian", normal(500, 20)
    yield "two alike", normal(500, 2)
    yield "one", normal(500, 1)
    yield "spectrum", normal(1000, 64) * np.arange(1, 65) ** -0.5
    yield "components", normal(1000, 40) * np.arange(1, 41) ** -1.0
    yield "heavy tails", random.standard_t(1.1, (2000, 12))
    yield "one far row", np.vstack([normal(), 1e6 * np.eye(6)[:1]])
    yield (
        "two groups far apart",
        normal(400) + 500 * np.sign(np.arange(400) % 2 - 0.5)[:, None] * np.eye(6)[0],
    )
    texts = random.normal(size=(500, 384))
    yield "unit vectors", texts / np.linalg.norm(texts, axis=1, keepdims=True)
    yield "rare ones", (random.random((800, 30)) < 0.02).astype(float)
    yield "digits", load_sample().features
    yield "a constant", np.hstack([normal(), np.full((300, 1), 1e9)])


@pytest.mark.parametrize(("name", "rows"), [pytest.param(*each, id=each[0]) for each in quiet()])
def test_features_of_like_units_give_no_warning(name, rows):
    assert units_of(rows).severity == "ok"


def test_groups_far_apart_are_found_in_the_file():
    rows = normal(400) + 500 * np.sign(np.arange(400) % 2 - 0.5)[:, None] * np.eye(6)[0]
    data = EmbeddingSet.from_array(rows)
    found = group_finding(data, Settings(6))
    assert found.severity == "warning" and "2 groups" in found.sentence
    assert group_finding(data, found.offer.applied(Settings(6))).severity == "ok"
    assert group_finding(EmbeddingSet.from_array(normal(400)), Settings(6)).severity == "ok"


@pytest.mark.parametrize(
    "rows", [normal(3, 5), np.zeros((50, 4)), normal(40, 60)], ids=["few", "equal", "wide"]
)
def test_a_file_that_cannot_be_fitted_has_no_groups(rows):
    assert group_finding(EmbeddingSet.from_array(rows), Settings()).severity == "ok"
