import dataclasses
import gc
import weakref
from fractions import Fraction

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import LOG_DENSITY
from scipy.special import logsumexp, softmax

from kdeviz.analysis.analyse import analyse
from kdeviz.analysis.scoring import judge_of
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.errors import OptionError
from kdeviz.explain.residual import residuals
from kdeviz.explain.row import explain
from kdeviz.explain.slice import slice_density
from kdeviz.settings import Settings

METHODS = ["scale", "norm"]
EXACT = {"rtol": 1e-7, "atol": 1e-9}


def rows(n, d=8, seed=0, dtype=np.float64, stretch=1.0):
    """Skewed rows of unequal spread: neither Gaussian nor centred, so that under "norm" H is not diagonal."""
    random = np.random.default_rng(seed)
    mixed = random.gamma(2.0, size=(n, d)) @ np.linalg.qr(np.vander(np.arange(1, d + 1) / d))[0]
    return (stretch * mixed * np.linspace(3, 0.5, d) + 5).astype(dtype)


def analysed(train, score=None, k=3, method="scale", **options):
    settings = Settings(n_pca_components=k, feature_scaling_method=method, **options)
    return analyse(train, score, settings, "cpu")


class Oracle:
    """The model in numpy, with kdeviz's sign of each axis."""

    def __init__(self, train, k, method, rule="scott", unit=None):
        pca = oracles.pca(train, k)
        strongest = np.abs(pca.components).argmax(0)
        signs = np.sign(pca.components[strongest, np.arange(k)])
        self.mean, self.axes, self.method = pca.mean, pca.components * signs, method
        stack = (np.asarray(train, np.float64) - self.mean) @ self.axes
        own = np.linalg.norm(stack, axis=1).max()
        self.longest = own if unit is None else unit  # a fold tells lengths in the unit of all rows
        self.points = oracles.scaled(stack, method, self.longest)
        self.covariance = oracles.KDE(self.points, rule).covariance

    def see(self, features):
        stack = (np.atleast_2d(features).astype(np.float64) - self.mean) @ self.axes
        return oracles.scaled(stack, self.method, self.longest)

    def log_density_at(self, places):
        exponents = oracles.kernel_exponents(places, self.points, self.covariance)
        return logsumexp(exponents, axis=1) - np.log(len(self.points)) + oracles.log_norm(self.covariance)

    def log_density(self, features):
        return self.log_density_at(self.see(features))

    def exponents(self, features):
        return oracles.kernel_exponents(self.see(features), self.points, self.covariance)[0]

    def torch_see(self, features):
        stack = (features - torch.from_numpy(self.mean)) @ torch.from_numpy(self.axes)
        return stack / (self.longest if self.method == "scale" else torch.linalg.vector_norm(stack))

    def torch_log_density(self, features):
        away = self.torch_see(features) - torch.from_numpy(self.points)
        solved = torch.linalg.solve(torch.from_numpy(self.covariance), away.T).T
        return torch.logsumexp(-(away * solved).sum(1) / 2, 0)


def judging(analysis, row):
    """Numbers of the training rows that explain a row: of its own, those outside its fold."""
    point, folds = analysis.points[row], analysis.classifier.folds
    return analysis.fitted_on if point < 0 else analysis.fitted_on[folds != folds[point]]


def close(found, expected, **tolerance):
    np.testing.assert_allclose(found, expected, **(tolerance or EXACT))


# --- all parts, over all kinds of models


@st.composite
def problems(draw):
    d = draw(st.integers(2, 9))
    method = draw(st.sampled_from(METHODS))
    return {
        "n": draw(st.integers(4 * d, 70)),
        "d": d,
        "k": draw(st.integers(1, d if method == "scale" else max(1, d - 1))),
        "method": method,
        "dtype": draw(st.sampled_from([np.float64, np.float32, np.float16, np.int32])),
        "seed": draw(st.integers(0, 99)),
        "fitted": draw(st.booleans()),
        "rule": draw(st.sampled_from(["scott", "silverman", 0.6])),
    }


@given(problems())
def test_everything_against_brute_force(p):
    train = rows(p["n"], p["d"], p["seed"], p["dtype"], stretch=20)
    score = None if p["fitted"] else rows(4, p["d"], p["seed"] + 1, p["dtype"], stretch=30)
    analysis = analysed(train, score, p["k"], p["method"], bandwidth=p["rule"])
    row = p["seed"] % (len(train) if p["fitted"] else 4)
    x = (train if p["fitted"] else score)[row].astype(np.float64)
    k = analysis.classifier.n_components_
    names = judging(analysis, row)
    oracle = Oracle(train[names], k, p["method"], p["rule"], float(analysis.classifier.max_length))
    found = explain(analysis, row, neighbours=5, features=3)

    exponents = oracle.exponents(x)
    shares = dict(zip(names, softmax(exponents), strict=True))
    near = found.neighbours
    assert near.total == len(names) and len(near.rows) == 5
    close(near.shares, [shares[i] for i in near.rows])
    close(near.distances, np.sort(np.sqrt(-2 * exponents))[:5])
    close(near.shares.sum() + near.others, 1)

    place, inverse = oracle.see(x)[0], np.linalg.inv(oracle.covariance)
    away = place - softmax(exponents) @ oracle.points
    parts = found.components
    close(parts.value, place)
    close(parts.z, (place - oracle.points.mean(0)) / oracle.points.std(0, ddof=1))
    close(parts.contribution, away * (inverse @ away))
    close(parts.squared_distance, away @ inverse @ away)
    close(parts.contribution.sum(), parts.squared_distance)

    way = found.direction
    close(way.shift, -away)
    close(way.gradient, -inverse @ away, rtol=1e-6, atol=1e-7)
    features = torch.tensor(x, requires_grad=True)
    oracle.torch_log_density(features).backward()
    scale = np.abs(features.grad.numpy()).max()
    close(way.feature_gradient, features.grad.numpy(), rtol=1e-6, atol=1e-7 * scale + 1e-9)
    jacobian = torch.autograd.functional.jacobian(oracle.torch_see, torch.tensor(x)).numpy()
    change = np.linalg.pinv(jacobian, rcond=1e-9) @ -away
    close(way.feature_shift, change, rtol=1e-6, atol=1e-6)
    fitted_on = analysis.fitted_on if p["fitted"] else np.arange(len(train))
    spread = train[fitted_on].astype(np.float64).std(0, ddof=1)
    compared = np.divide(change, spread, out=np.zeros_like(change), where=spread > 0)
    close(np.abs(way.change_in_spreads), np.sort(np.abs(compared))[::-1][:3], rtol=1e-6, atol=1e-6)
    close(way.change_in_spreads, compared[way.features], rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(way.change, way.feature_shift[way.features])
    np.testing.assert_array_equal(way.present, x[way.features])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fitted", [True, False])
def test_gradient_by_finite_differences(method, fitted):
    train = rows(60)
    analysis = analysed(train, None if fitted else rows(3, seed=1), method=method)
    x = analysis.inspected.features[2]
    unit = float(analysis.classifier.max_length)
    oracle = Oracle(train[judging(analysis, 2)], 3, method, unit=unit)
    step = 1e-5 * np.eye(len(x))
    slopes = (oracle.log_density(x + step) - oracle.log_density(x - step)) / 2e-5
    assert np.abs(slopes).max() > 0.05
    way = explain(analysis, 2).direction
    close(way.feature_gradient, slopes, atol=1e-6 * np.abs(slopes).max())
    place = oracle.see(x)[0]
    step = 1e-6 * np.eye(3)
    slopes = (oracle.log_density_at(place + step) - oracle.log_density_at(place - step)) / 2e-6
    close(way.gradient, slopes, rtol=1e-5)


# --- neighbours


@pytest.mark.parametrize("method", METHODS)
def test_a_subset_of_the_rows(method):
    """Numbers of rows are those of the training set; only rows in the model are held out."""
    train = rows(80)
    analysis = analysed(train, method=method, max_training_points=30, seed=4)
    used = analysis.fitted_on
    assert len(used) == 30
    for row in (int(used[7]), int(np.setdiff1d(np.arange(80), used)[5])):
        names = judging(analysis, row)
        assert len(names) == 30 - (row in used)
        oracle = Oracle(train[names], 3, method)
        near = explain(analysis, row, neighbours=30).neighbours
        assert near.total == len(oracle.points) == len(near.rows)
        np.testing.assert_array_equal(near.rows, names[np.argsort(-oracle.exponents(train[row]))])
        assert near.others == 0


def test_more_neighbours_and_features_than_there_are():
    analysis = analysed(rows(20), k=2)
    found = explain(analysis, 3, neighbours=21, features=9)
    assert sorted(found.neighbours.rows) == [i for i in range(20) if i != 3]
    assert found.neighbours.others == 0
    close(found.neighbours.shares.sum(), 1)
    assert sorted(found.direction.features) == list(range(8))
    assert len(explain(analysed(rows(20), rows(1, seed=1), k=2), 0, neighbours=21).neighbours.rows) == 20


def test_three_rows_and_one_component():
    analysis = analysed(np.array([[0.0, 1.0], [2.0, 2.0], [3.0, 1.0]]), k=1)
    found = explain(analysis, 1, neighbours=1)
    assert found.neighbours.total == 2
    oracle = Oracle(analysis.train.features[[0, 2]], 1, "scale")
    close(found.neighbours.distances, np.sqrt(-2 * oracle.exponents([2.0, 2.0])).min())


@pytest.mark.parametrize("method", METHODS)
def test_a_scored_row_that_is_a_training_row_is_explained_as_that(method):
    train = rows(40)
    scored, own = analysed(train, train[[5]], method=method), analysed(train, method=method)
    near, expected = explain(scored, 0).neighbours, explain(own, 5).neighbours
    np.testing.assert_array_equal(near.rows, expected.rows)
    assert near.total == 39 and 5 not in near.rows


def test_duplicates_of_a_fitted_row_are_held_out_with_it():
    train = np.concatenate([rows(30), np.repeat(rows(30)[[4]], 3, 0)])
    near = explain(analysed(train), 31, neighbours=40).neighbours
    assert set(near.rows) == set(range(30)) - {4}
    assert near.distances[0] > 0.01


def test_rows_that_cannot_be_held_out_are_explained_by_the_whole_model():
    near = explain(analysed(rows(4), k=3), 2).neighbours
    assert near.rows[0] == 2 and near.total == 4


def test_equally_near_rows_come_in_the_order_of_the_model():
    corners = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0], [3.0, 0.0], [-3.0, 0.0]])
    near = explain(analysed(corners, np.zeros((1, 2)), k=2), 0).neighbours
    close(near.shares[:4], near.shares[0], rtol=1e-12)
    assert set(near.rows[:4]) == {0, 1, 2, 3} and (np.diff(near.distances) >= 0).all()


# --- deep tails


@pytest.mark.parametrize("method", METHODS)
def test_where_every_kernel_underflows(method):
    """Log density about -1e5: no exp survives, the shares do."""
    train = rows(60)
    narrow = {"bandwidth": 0.002} if method == "norm" else {}
    score = train.mean(0) + (500 if method == "scale" else 1) * (train[:1] - train.mean(0))
    score = score + (0 if method == "scale" else 1) * np.array([[3.0, -2, 1, 2, 0, 0, 0, 0]])
    analysis = analysed(train, score, method=method, **narrow)
    assert analysis.scores[0] < -1e4
    oracle = Oracle(train, 3, method, rule=narrow.get("bandwidth", "scott"))
    assert np.exp(oracle.exponents(score)).max() == 0
    found = explain(analysis, 0)
    close(found.neighbours.shares, np.sort(softmax(oracle.exponents(score)))[::-1][:8], rtol=1e-5, atol=1e-12)
    features = torch.tensor(score[0], requires_grad=True)
    oracle.torch_log_density(features).backward()
    scale = np.abs(features.grad.numpy()).max()
    close(found.direction.feature_gradient, features.grad.numpy(), atol=1e-6 * scale)


@pytest.mark.parametrize("far", [1e3, 1e7, 1e12])
def test_shares_keep_their_digits_far_out(far):
    """Against exact fractions: the plain squares differ by less than their own rounding from 1e8 on."""
    train = rows(25)
    direction = np.array([1.0, -0.4, 0.3])
    model = analysed(train)
    axes = model.classifier.pca_model.singular_vectors.numpy()
    analysis = analysed(train, (train.mean(0) + far * axes @ direction)[None])
    kde = analysis.classifier.kde_model
    place = (analysis.coordinates[0] - kde.mean.numpy()) @ kde.bw_transform.numpy()
    squares = [
        sum((Fraction(float(a)) - Fraction(float(b))) ** 2 for a, b in zip(place, point, strict=True))
        for point in kde.dataset.numpy()
    ]
    exact = softmax([float((min(squares) - square) / 2) for square in squares])
    near = explain(analysis, 0, neighbours=25).neighbours
    close(near.shares, exact[near.rows], rtol=1e-13 * far + 1e-9, atol=1e-15)
    assert (np.diff(near.distances) >= 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_numbers_stay_finite_however_far(method):
    with np.errstate(over="raise"):
        score = np.full((1, 8), 1e290)
        found = explain(analysed(rows(40), score, method=method), 0)
    for part in (found.neighbours, found.components, found.direction, found.residual):
        for value in part:
            assert np.isfinite(value).all()
    assert found.residual.unusual


# --- the way back


@pytest.mark.parametrize("fitted", [True, False])
def test_the_change_of_features_leads_to_the_mean_shift(fitted):
    train = rows(60)
    analysis = analysed(train, None if fitted else rows(3, seed=1, stretch=2))
    x, way = analysis.inspected.features[1], explain(analysis, 1).direction
    moved = judge_of(analysis, 1).classifier.transform((x + way.feature_shift)[None]).numpy()[0]
    close(moved, explain(analysis, 1).components.value + way.shift)
    oracle = Oracle(train[judging(analysis, 1)], 3, "scale")
    assert oracle.log_density(x + way.feature_shift) > oracle.log_density(x)


def test_under_norm_the_change_is_felt_in_full():
    """No part of it only makes the row shorter, which the model would not see."""
    analysis = analysed(rows(60), rows(3, seed=1, stretch=2), method="norm")
    x, found = analysis.inspected.features[1], explain(analysis, 1)
    way, place = found.direction, found.components.value
    step = 1e-5
    moved = analysis.classifier.transform((x + step * way.feature_shift)[None]).numpy()[0]
    felt = way.shift - place * (place @ way.shift)
    close((moved - place) / step, felt, atol=1e-4)
    seen = analysis.classifier.pca_model.singular_vectors.numpy().T @ way.feature_shift
    assert abs(seen @ place) < 1e-9 * np.linalg.norm(seen)


def test_one_component_under_norm_has_no_way():
    """Directions are +1 and -1: a small change of the row changes nothing."""
    found = explain(analysed(rows(40), k=1, method="norm"), 0)
    assert found.components.value in (1.0, -1.0)
    assert not found.direction.feature_gradient.any() and not found.direction.feature_shift.any()


@pytest.mark.parametrize("method", METHODS)
def test_a_row_at_the_training_mean(method):
    train = np.concatenate([rows(20), 10 - rows(20)])
    analysis = analysed(train, np.full((1, 8), 5.0), method=method)
    analysis.classifier.pca_model.mean.fill_(5)  # to the last digit
    found = explain(analysis, 0)
    assert np.isfinite(found.direction.gradient).all()
    assert not found.components.value.any()
    if method == "norm":
        assert not found.direction.feature_shift.any() and not found.direction.feature_gradient.any()


def test_contributions_may_be_negative_only_under_norm():
    train = np.random.default_rng(0).lognormal(sigma=1.2, size=(80, 3)) * [3, 2, 1]
    lowest = {}
    for method in METHODS:
        analysis = analysed(train, method=method)
        lowest[method] = min(explain(analysis, i).components.contribution.min() for i in range(80))
    assert lowest["scale"] > -1e-9
    assert lowest["norm"] < -0.001


# --- what PCA throws away


def thrown_away(train, x, k):
    centre = train.astype(np.float64).mean(0)
    right = np.linalg.svd(train.astype(np.float64) - centre, full_matrices=False)[2][k:]
    outside = x.astype(np.float64) - centre
    # Wider than the training rows are many, the span of their axes is not all there is.
    kept = np.linalg.svd(train.astype(np.float64) - centre, full_matrices=False)[2][:k]
    rest = outside - (outside @ kept.T) @ kept
    if len(train) > train.shape[1]:
        close(np.linalg.norm(rest, axis=1), np.linalg.norm(outside @ right.T, axis=1), atol=1e-9)
    return np.linalg.norm(rest, axis=1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "d"), [(60, 8), (20, 50)])
def test_residuals_against_numpy(monkeypatch, n, d, dtype):
    monkeypatch.setattr("kdeviz.data.rows._STREAMED_ROWS", 7)
    train, score = rows(n, d, dtype=dtype), rows(30, d, seed=1, dtype=dtype, stretch=2)
    in_training, new = thrown_away(train, train, 3), thrown_away(train, score, 3)
    close(residuals(analysed(train)), in_training, rtol=1e-9, atol=1e-9)
    analysis = analysed(train, score)
    close(residuals(analysis), new, rtol=1e-9)
    found = explain(analysis, 4).residual
    close(found.norm, new[4])
    close(found.limit, np.sort(in_training)[int(np.ceil(0.99 * (n - 1)))])
    assert found.larger_than == (in_training < new[4]).mean()
    assert found.unusual == (new[4] > found.limit)


def test_the_rows_own_residual_is_left_out():
    train = rows(60)
    analysis = analysed(train)
    own = residuals(analysis)
    shares = [explain(analysis, i).residual.larger_than for i in np.argsort(own)]
    close(shares, np.arange(60) / 59)
    assert explain(analysis, int(own.argmax())).residual.norm == own.max()


def test_a_subset_has_its_own_residuals():
    train = rows(80)
    analysis = analysed(train, max_training_points=30)
    used = analysis.fitted_on
    in_training = thrown_away(train[used], train, 3)
    close(residuals(analysis), in_training, atol=1e-9)
    other = int(np.setdiff1d(np.arange(80), used)[3])
    expected = (in_training[used] < in_training[other]).mean()
    assert explain(analysis, other).residual.larger_than == expected
    scored = analysed(train, train[[other]], max_training_points=30)
    assert explain(scored, 0).residual.larger_than == expected
    close(explain(scored, 0).residual.limit, in_training[used].max())


def test_a_row_outside_the_kept_components_is_unusual():
    train = rows(300)
    thrown = np.linalg.svd(train - train.mean(0))[2][5]
    inside, outside = train[:1] + 1e-6, train[:1] + 30 * thrown
    analysis = analysed(train, np.concatenate([inside, outside]))
    close(analysis.scores[0], analysis.scores[1], atol=1e-3)  # the density does not see it
    quiet, loud = (explain(analysis, i).residual for i in (0, 1))
    assert not quiet.unusual
    assert loud.unusual and loud.larger_than == 1.0


def test_at_most_one_training_row_in_a_hundred_is_unusual():
    for n in (40, 250):
        analysis = analysed(rows(n))
        flagged = sum(explain(analysis, i).residual.unusual for i in range(n))
        assert flagged == (residuals(analysis) > explain(analysis, 0).residual.limit).sum() == (n - 1) // 100


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_is_not_unusual_when_nothing_is_thrown_away(dtype):
    for analysis in (
        analysed(rows(60, 5, dtype=dtype), rows(50, 5, seed=1, stretch=50, dtype=dtype), k=5),
        analysed((rows(60, 5) @ rows(5, 20, seed=2)).astype(dtype), k=5),
        analysed(
            (rows(60, 5) @ rows(5, 20, seed=2)).astype(dtype),
            (rows(50, 5, seed=1, stretch=9) @ rows(5, 20, seed=2)).astype(dtype),
            k=5,
        ),
    ):
        assert analysis.classifier.n_components_ == 5
        assert not any(explain(analysis, i).residual.unusual for i in range(len(analysis.inspected)))


def test_a_feature_that_never_varied_in_training():
    """All variance is kept, and still the density cannot see this change."""
    train = np.column_stack([rows(60, 3), np.zeros(60)])
    analysis = analysed(train, train[:1] + np.array([0, 0, 0, 0.5]), k=3)
    found = explain(analysis, 0).residual
    close(found.norm, 0.5)
    assert found.unusual and found.larger_than == 1.0


def test_residuals_are_kept_with_their_model():
    analysis = analysed(rows(30), rows(10, seed=1))
    found = residuals(analysis)
    assert residuals(analysis) is found and not found.flags.writeable
    labelled = dataclasses.replace(analysis.inspected, labels=np.zeros(10, np.int8))
    assert residuals(dataclasses.replace(analysis, inspected=labelled)) is found
    other = dataclasses.replace(analysis, inspected=EmbeddingSet.from_array(rows(10, seed=2)))
    close(residuals(other), thrown_away(rows(30), rows(10, seed=2), 3))


def test_nothing_is_kept_when_the_analysis_is_gone():
    analysis = analysed(rows(30))
    explain(analysis, 0)
    gone = weakref.ref(analysis.classifier), weakref.ref(analysis.train.features)
    del analysis
    gc.collect()
    assert [reference() for reference in gone] == [None, None]


# --- slices


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fitted", [True, False])
def test_slice_against_the_oracle(method, fitted, dtype):
    train = rows(60, dtype=dtype)
    analysis = analysed(train, None if fitted else rows(3, seed=1, dtype=dtype), k=4, method=method)
    x = analysis.inspected.features[2]
    unit = float(analysis.classifier.max_length)
    oracle = Oracle(train[judging(analysis, 2)], 4, method, unit=unit)
    found = slice_density(analysis, 2, (3, 1), points=9)
    place = oracle.see(x)[0]
    close(found.place, place[[3, 1]])
    assert found.components == (3, 1)
    assert found.log_density.shape == (9, 9) and len(found.x) == len(found.y) == 9
    expected = np.empty((9, 9))
    for i in range(9):
        for j in range(9):
            at = place.copy()
            at[[3, 1]] = found.x[j], found.y[i]
            expected[i, j] = oracle.log_density_at(at[None])[0]
    close(found.log_density, expected, **LOG_DENSITY)
    if fitted:
        with_own = Oracle(train, 4, method).log_density_at(np.tile(place, (2, 1)))[0]
        assert abs(with_own - analysis.scores[2]) > 0.1  # it would show


def test_slice_is_the_models_density_of_rows_that_could_be():
    analysis = analysed(rows(60), rows(3, seed=1))
    model, found = analysis.classifier, slice_density(analysis, 1, (0, 2), points=11)
    places = np.repeat(analysis.coordinates[[1]], 121, 0)
    places[:, 0], places[:, 2] = np.tile(found.x, 11), np.repeat(found.y, 11)
    features = model.pca_model.inverse_transform(places * float(model.max_length))
    close(found.log_density.ravel(), model.log_density(features).numpy(), **LOG_DENSITY)


@pytest.mark.parametrize("fitted", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_a_slice_through_all_components_integrates_to_one(method, fitted):
    train = np.random.default_rng(3).normal(size=(300, 5)) * [5, 4, 1, 1, 1]
    analysis = analysed(train, None if fitted else train[:2] + 1, k=2, method=method)
    found = slice_density(analysis, 1, (0, 1), points=81)
    mass = np.trapezoid(np.trapezoid(np.exp(found.log_density), found.x), found.y)
    close(mass, 1, atol=5e-3)


def test_slices_stacked_up_are_the_marginal():
    train = rows(80)
    model = analysed(train).classifier
    third = model.transform(train).numpy()[:, 2]
    heights = np.linspace(third.min() - 1, third.max() + 1, 200)
    places = np.column_stack([np.full(200, 0.05), np.full(200, -0.1), heights])
    analysis = analysed(train, model.pca_model.inverse_transform(places * float(model.max_length)).numpy())
    slices = [slice_density(analysis, i, (0, 1), points=7) for i in range(200)]
    stacked = np.trapezoid(np.exp([s.log_density for s in slices]), heights, axis=0)
    grid = np.stack(np.meshgrid(slices[0].x, slices[0].y), -1).reshape(-1, 2)
    close(slices[0].x, slices[-1].x, rtol=1e-9)
    marginal = model.kde_model.marginal((0, 1)).log_prob(grid).numpy()
    close(np.log(stacked).ravel(), marginal, atol=1e-3)
    oracle = Oracle(train, 3, "scale")
    kde = oracles.KDE(oracle.points)
    close(marginal, kde.marginal_log_density(grid, (0, 1)), **LOG_DENSITY)


@pytest.mark.parametrize("far", [1, 300])
def test_the_grid_holds_the_bulk_and_the_row(far):
    train = rows(400)
    train[7] *= 100  # one far row does not decide what is seen
    score = train.mean(0) + far * (train[:1] - train.mean(0))
    analysis = analysed(train, score, k=4)
    found = slice_density(analysis, 0, (0, 2))
    assert len(found.x) == len(found.y) == 41
    for axis, place, component in zip((found.x, found.y), found.place, (0, 2), strict=True):
        assert axis[0] < place < axis[-1] and (np.diff(axis) > 0).all()
        along = analysis.train_coordinates[:, component]
        assert ((along > axis[0]) & (along < axis[-1])).mean() > 0.98
        if far == 1:
            assert not axis[0] < along[7] < axis[-1] or abs(along[7]) < 0.5


def test_slice_far_out():
    analysis = analysed(rows(60), rows(1, seed=1) * 3000)
    assert analysis.scores[0] < -1e5
    found = slice_density(analysis, 0, (1, 2), points=5)
    oracle = Oracle(rows(60), 3, "scale")
    places = np.repeat(oracle.see(analysis.inspected.features[0]), 25, 0)
    places[:, 1], places[:, 2] = np.tile(found.x, 5), np.repeat(found.y, 5)
    close(found.log_density.ravel(), oracle.log_density_at(places), **LOG_DENSITY)


# --- around it


@pytest.mark.parametrize("row", [-1, 10, 10**9])
@pytest.mark.parametrize(
    "what", [explain, lambda a, row: slice_density(a, row, (0, 1))], ids=["row", "slice"]
)
def test_no_such_row(what, row):
    with pytest.raises(OptionError, match=rf"there is no row {row}: choose one from 0 to 9"):
        what(analysed(rows(30), rows(10, seed=1)), row)


@pytest.mark.parametrize("options", [{"neighbours": 0}, {"features": 0}, {"neighbours": -3}])
def test_nothing_to_name(options):
    with pytest.raises(OptionError, match="choose at least 1"):
        explain(analysed(rows(30)), 0, **options)


@pytest.mark.parametrize("components", [(0, 0), (0, 3), (-1, 0), (0,), (0, 1, 2), (5, 6)])
def test_no_such_components(components):
    with pytest.raises(OptionError, match="choose two different ones"):
        slice_density(analysed(rows(30)), 0, components)


def test_no_grid():
    with pytest.raises(OptionError, match="at least 2"):
        slice_density(analysed(rows(30)), 0, (0, 1), points=1)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_changed(tmp_path, method):
    np.save(tmp_path / "rows.npy", rows(60).astype(np.float32))
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    analysis = analysed(mapped, method=method)
    before = {name: tensor.clone() for name, tensor in analysis.classifier.state_dict().items()}
    found = explain(analysis, 3)
    for part in (found.neighbours, found.components, found.direction):
        for value in part:
            if isinstance(value, np.ndarray):
                value[:] = 0  # none of them is the model's own memory
    slice_density(analysis, 3, (0, 1)).x[:] = 0
    for name, tensor in analysis.classifier.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert explain(analysis, 3).neighbours.shares.any()


@pytest.mark.gpu
@pytest.mark.parametrize("method", METHODS)
def test_a_gpu_says_the_same(method):
    settings = Settings(n_pca_components=3, feature_scaling_method=method)
    train, score = rows(300), rows(5, seed=1, stretch=2)
    for scored, row in ((score, 4), (None, 17)):
        here, there = (analyse(train, scored, settings, device) for device in ("cpu", "cuda"))
        for part, other in zip(explain(here, row), explain(there, row), strict=True):
            for value, same in zip(part, other, strict=True):
                close(same, value)
        close(residuals(there), residuals(here))
        found, same = (slice_density(a, row, (0, 2)) for a in (here, there))
        close(same.log_density, found.log_density, **LOG_DENSITY)
