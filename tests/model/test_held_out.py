"""Held-out scores are those of slow, separate models of all rows but a fold."""

import sys

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kdeviz.data import Rows, row_keys
from kdeviz.errors import DataError
from kdeviz.model.classifier import KDEClassifier
from kdeviz.model.eigenvectors import eigenvectors, leading_eigenvectors
from kdeviz.model.folds import copies, fold_numbers
from kdeviz.model.held_out import fold_model, hold_out

METHODS = ["scale", "norm"]


def folds_of(rows):
    return fold_numbers(row_keys(Rows(rows)))


def held_out(rows, k, method="scale", with_folds=True, on_block=None, **options):
    model = KDEClassifier(k, method, **options)
    report = model.fit_report(rows, with_folds=with_folds)
    chosen = Rows(rows).select(model.training_rows.numpy())
    return model, hold_out(model, chosen, model.folds, report.axes, on_block)


def spread(n, d, power=-0.5, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d)) * np.arange(1, d + 1) ** power


# --- folds


@pytest.mark.parametrize(("n", "folds"), [(2, 2), (59, 59), (60, 10), (4999, 10), (5000, 5), (7001, 5)])
def test_every_row_is_in_one_of_so_many_equal_folds(n, folds):
    counts = np.bincount(folds_of(spread(n, 3)))
    assert len(counts) == folds
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("n", [20, 300])
def test_equal_rows_are_in_one_fold(n):
    rows = np.concatenate([spread(n, 3), spread(n, 3)[: n // 2], spread(1, 3, seed=1).repeat(40, 0)])
    folds, group = folds_of(rows), copies(row_keys(Rows(rows)))
    for one, other in ((rows[: n // 2], rows[n : n + n // 2]),):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(folds[: n // 2], folds[n : n + n // 2])
    assert len(set(folds[-40:])) == len(set(group[-40:])) == 1
    assert len(set(group)) == n + 1


def test_folds_depend_on_what_rows_are_and_not_on_where_or_in_which_precision_they_stand():
    rows = spread(300, 4).astype(np.float32)
    order = np.random.default_rng(0).permutation(300)
    np.testing.assert_array_equal(folds_of(rows[order]), folds_of(rows)[order])
    np.testing.assert_array_equal(folds_of(rows.astype(np.float64)), folds_of(rows))


def test_rows_that_only_float64_tells_apart_are_not_copies():
    rows = 1e9 + spread(100, 3)
    assert len(set(copies(row_keys(Rows(rows))))) == 100


# --- scores


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("with_folds", [True, False], ids=["one pass", "every fold by itself"])
@pytest.mark.parametrize(
    ("n", "d", "k"), [(200, 12, 5), (40, 6, 3), (80, 200, 16), (330, 300, 6), (90, 89, 4)]
)
def test_scores_are_those_of_a_model_without_the_fold(n, d, k, method, with_folds):
    rows = spread(n, d)
    rows[3] = rows[7]
    model, found = held_out(rows, k, method, with_folds)
    expected = oracles.held_out(rows, model.folds, k, method)
    np.testing.assert_allclose(found.scores, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bandwidth", ["scott", 0.1])
def test_float32_scores_are_as_accurate_as_promised(rows32, method, bandwidth):
    rows = np.concatenate([rows32, rows32[:50], rows32[:1] * 30])
    model, found = held_out(rows, 5, method, bandwidth=bandwidth)
    assert found.scores.dtype == torch.float32
    expected = oracles.held_out(rows, model.folds, 5, method, bandwidth)
    np.testing.assert_allclose(found.scores, expected, **oracles.LOG_DENSITY)


def test_a_steep_spectrum_takes_the_slow_way_and_is_right():
    rows = spread(200, 12, power=-8.0)
    model, found = held_out(rows, 8)
    assert all(each is not None for each in found.axes)
    expected = oracles.held_out(rows, model.folds, 8)
    np.testing.assert_allclose(found.scores, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("kept", "n", "d"), [(0.8, 200, 12), (20, 500, 12)])
def test_folds_keep_as_many_components_as_the_whole_model(kept, n, d):
    model, found = held_out(spread(n, d), kept)
    assert {len(each.variances) for each in found.axes} == {model.n_components_}
    expected = oracles.held_out(spread(n, d), model.folds, model.n_components_)
    np.testing.assert_allclose(found.scores, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("rows", "k"),
    [
        (spread(17, 30), 16),
        (np.vstack([spread(80, 3) * [1, 1, 0], [[0, 0, 1.0]]]), 3),
        (np.repeat(spread(4, 5), 3, axis=0), 3),
        (np.vstack([np.zeros((1, 3)), np.ones((5, 3))]), 1),
    ],
    ids=["as many rows as components", "a column of one row", "copies of few", "two rows"],
)
@pytest.mark.parametrize("with_folds", [True, False])
def test_where_a_fold_cannot_carry_the_components_it_is_said(rows, k, with_folds):
    with pytest.raises(DataError, match=f"without some of its {len(rows)} rows the model would keep fewer"):
        held_out(rows, k, with_folds=with_folds)


def test_only_the_rows_below_the_cap_are_held_out(rows64):
    model, found = held_out(rows64, 4, max_training_points=100)
    chosen = rows64[model.training_rows.numpy()]
    expected = oracles.held_out(chosen, model.folds, 4)
    np.testing.assert_allclose(found.scores, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("n", "d"), [(300, 12), (90, 200)])
def test_the_model_of_a_fold_gives_its_rows_the_same_scores(n, d, method):
    rows = spread(n, d)
    model, found = held_out(rows, 5, method)
    for fold in (0, 4):
        axes = found.axes[fold]
        other = fold_model(model, Rows(rows).select(np.flatnonzero(model.folds != fold)), axes)
        mine = model.folds == fold
        np.testing.assert_allclose(other.log_density(rows[mine]), found.scores[mine], rtol=1e-7, atol=1e-7)


def test_progress_is_told_and_can_end_the_work(rows64):
    told = []
    held_out(rows64, 3, on_block=lambda *progress: told.append(progress))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (300, 300)
    assert len(told) == 10

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        held_out(rows64, 3, on_block=stop)


# --- the first few eigenvectors


@settings(max_examples=10)
@given(st.integers(0, 2**31), st.sampled_from([-2.0, -0.5, -0.05]), st.sampled_from([1, 5, 16]))
def test_leading_eigenvectors_do_not_depend_on_the_guess(seed, power, k):
    rng = np.random.default_rng(seed)
    rows = torch.from_numpy(spread(400, 300, power, seed))
    gram = rows.T @ rows
    values, vectors = eigenvectors(gram.clone())
    near = vectors.flip(1)[:, : k + 8] + 0.1 * torch.from_numpy(rng.normal(size=(300, k + 8)))
    for start in (near, torch.from_numpy(rng.normal(size=(300, k + 8)))):
        found, axes = leading_eigenvectors(gram.clone(), k, start)
        np.testing.assert_allclose(found, values.flip(0)[:k], rtol=1e-9)
        assert oracles.subspace_distance(axes.numpy(), vectors.flip(1)[:, :k].numpy()) < 1e-6


def test_where_rounds_do_not_come_to_rest_all_eigenvectors_are_found():
    gram = torch.eye(300, dtype=torch.float64)
    values, vectors = leading_eigenvectors(gram.clone(), 3, torch.from_numpy(spread(300, 11)))
    np.testing.assert_allclose(values, np.ones(3))
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=1e-12)


@pytest.mark.parametrize(("power", "all_found"), [(0.0, True), (-1.0, False)])
def test_a_search_that_will_not_come_to_rest_is_given_up_after_two_rounds(power, all_found, monkeypatch):
    module, done = sys.modules[leading_eigenvectors.__module__], []

    def counted(name):
        original = getattr(module, name)
        return lambda *given: done.append((name, len(given[0]))) or original(*given)

    for name in ("_round", "eigenvectors"):
        monkeypatch.setattr(module, name, counted(name))
    rows = torch.from_numpy(spread(2000, 600, power))
    start = torch.linalg.qr(rows[:600, :12]).Q
    leading_eigenvectors(rows.T @ rows, 4, start)
    assert (("eigenvectors", 600) in done) == all_found
    if all_found:
        assert done.count(("_round", 600)) == 2


@pytest.mark.parametrize("limit", [0, 10**6])
def test_eigenvectors_are_the_same_by_either_library(limit, monkeypatch):
    for name in ("_SMALL", "_LARGE"):
        monkeypatch.setattr(sys.modules[eigenvectors.__module__], name, limit)
    gram = np.cov(spread(200, 40), rowvar=False)
    values, vectors = eigenvectors(torch.from_numpy(np.triu(gram)))
    np.testing.assert_allclose(values, np.linalg.eigvalsh(gram), rtol=1e-9)
    np.testing.assert_allclose(vectors * values @ vectors.T, gram, atol=1e-12 * gram.max())
