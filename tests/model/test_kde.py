import numpy as np
import oracles
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import simpson
from scipy.stats import gaussian_kde

from kdeviz.errors import DataError, NotFittedError, OptionError
from kdeviz.model.kde import GaussianKDE, bandwidth_factor

RULES = ["scott", "silverman", 0.1, 3.0]


def scipy_kde(points, rule):
    estimate = gaussian_kde(points.T, rule if isinstance(rule, str) else None)
    if not isinstance(rule, str):
        estimate.set_bandwidth(estimate.factor * rule)
    return estimate


@pytest.mark.parametrize("rule", RULES)
def test_bandwidth_factor(rule):
    assert bandwidth_factor(rule, 500, 7) == pytest.approx(oracles.bandwidth_factor(rule, 500, 7), rel=1e-14)
    points = np.random.default_rng(0).normal(size=(500, 7))
    assert bandwidth_factor(rule, 500, 7) == pytest.approx(scipy_kde(points, rule).factor)


@given(
    seed=st.integers(0, 2**32 - 1),
    k=st.integers(1, 20),
    extra=st.integers(2, 200),
    rule=st.sampled_from(RULES),
)
def test_agrees_with_scipy(seed, k, extra, rule):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(2 * k + extra, k)) @ rng.normal(size=(k, k)) + rng.normal(size=k)
    queries = np.concatenate([points[:10], points[:5] * 2])
    expected = scipy_kde(points, rule).logpdf(queries.T)
    kde = GaussianKDE(rule).fit(points)
    np.testing.assert_allclose(kde.log_prob(queries), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(oracles.KDE(points, rule).log_density(queries), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("rule", ["scott", "silverman", 3.0])
def test_integrates_to_one(k, rule):
    points = np.random.default_rng(0).normal(size=(30, k)) * [1.0, 0.3, 2.0][:k]
    reach = 5 * (1 if isinstance(rule, str) else rule) * points.std(0)
    axes = [np.linspace(p.min() - r, p.max() + r, 51) for p, r in zip(points.T, reach, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    density = GaussianKDE(rule).fit(points)(grid.reshape(-1, k)).numpy().reshape(grid.shape[:-1])
    for axis in reversed(axes):
        density = simpson(density, x=axis, axis=-1)
    assert density == pytest.approx(1, abs=1e-3)


def test_order_of_points_and_signs_of_components_do_not_matter(rows64):
    expected = GaussianKDE().fit(rows64).log_prob(rows64)
    shuffled = np.random.default_rng(0).permutation(rows64)
    signs = np.where(np.arange(12) % 3, 1, -1)
    torch.testing.assert_close(GaussianKDE().fit(shuffled).log_prob(rows64), expected, rtol=1e-9, atol=1e-9)
    flipped = GaussianKDE().fit(rows64 * signs).log_prob(rows64 * signs)
    torch.testing.assert_close(flipped, expected, rtol=1e-9, atol=1e-9)


def test_units_of_components_only_shift_the_log_density(rows64):
    units = 10.0 ** np.linspace(-9, 9, 12)
    expected = GaussianKDE().fit(rows64).log_prob(rows64) - np.log(units).sum()
    actual = GaussianKDE().fit(rows64 * units).log_prob(rows64 * units)
    torch.testing.assert_close(actual, expected, rtol=1e-8, atol=1e-8)


def test_accuracy_is_relative_to_the_log_density_whatever_its_units():
    """The sum of kernels may be e^-2000 where the log density is 0, whose error is the one that counts."""
    rng = np.random.default_rng(0)
    points, queries = rng.normal(size=(500, 16)), rng.normal(size=(200, 16))
    unit = np.exp(np.median(oracles.KDE(points, 0.1).log_density(queries)) / 16)
    points, queries = (points * unit).astype(np.float32), (queries * unit).astype(np.float32)
    kde, expected = GaussianKDE(0.1).fit(points), oracles.KDE(points, 0.1)
    np.testing.assert_allclose(kde.log_prob(queries), expected.log_density(queries), **oracles.LOG_DENSITY)


@pytest.mark.parametrize("components", [(0,), (1, 0), (2, 4), (0, 1, 2, 3, 4)])
@pytest.mark.parametrize("rule", RULES)
def test_marginal_is_that_of_scipy(rule, components):
    points = np.random.default_rng(0).normal(size=(80, 5)) @ np.random.default_rng(1).normal(size=(5, 5)) + 3
    queries = points[:20][:, components] + 0.1
    marginal = GaussianKDE(rule).fit(points).marginal(components)
    expected = oracles.KDE(points, rule).marginal_log_density(queries, components)
    np.testing.assert_allclose(marginal.log_prob(queries), expected, rtol=1e-8, atol=1e-8)
    if sorted(components) == [*components]:
        scipy_marginal = scipy_kde(points, rule).marginal(list(components))
        np.testing.assert_allclose(marginal.log_prob(queries), scipy_marginal.logpdf(queries.T), rtol=1e-7)


def test_marginal_is_the_integral_over_the_other_component():
    points = np.random.default_rng(0).normal(size=(50, 2)) @ np.array([[1, 0.5], [0, 0.4]])
    kde = GaussianKDE().fit(points)
    other = np.linspace(-8, 8, 2001)
    for x in (-1.0, 0.0, 2.0):
        line = np.stack([np.full_like(other, x), other], axis=1)
        integral = simpson(kde(line), x=other)
        assert float(kde.marginal((0,))(np.array([[x]]))) == pytest.approx(integral, rel=1e-8)


@pytest.mark.parametrize("components", [(), (0, 0), (-1,), (12,), (0.5,)])
def test_impossible_components_raise(rows64, components):
    with pytest.raises(OptionError, match=r"components=.* from 0 to 11"):
        GaussianKDE().fit(rows64).marginal(components)


SINGULAR = {
    "equal points": (np.ones((20, 3)), 0),
    "a constant column": (np.c_[np.random.default_rng(0).normal(size=(20, 2)), np.ones(20)], 2),
    "a constant column far from zero": (
        np.c_[np.random.default_rng(0).normal(size=(20, 2)), np.full(20, 0.1)],
        2,
    ),
    "equal columns": (np.repeat(np.random.default_rng(0).normal(size=(20, 1)), 3, axis=1), 1),
    "points on a plane": (np.random.default_rng(0).normal(size=(20, 2)) @ [[1, 0, 1], [0, 1, 1]], 2),
    "fewer points than dimensions": (np.random.default_rng(0).normal(size=(3, 3)), 2),
    "spread below what can be squared": (np.random.default_rng(0).normal(size=(20, 3)) * 1e-160, 0),
}


@pytest.mark.parametrize("case", SINGULAR)
def test_points_without_a_density_are_refused_in_words(case):
    points, rank = SINGULAR[case]
    with pytest.raises(DataError, match=f"span only {rank} of 3 dimensions"):
        GaussianKDE().fit(points)


def test_unusable_points_are_refused_in_words(rows64):
    with pytest.raises(DataError, match="two points, got 1"):
        GaussianKDE().fit(rows64[:1])
    with pytest.raises(DataError, match="two points, got 0"):
        GaussianKDE().fit(rows64[:0])
    with pytest.raises(DataError, match="too large"):
        GaussianKDE().fit(rows64 * 1e200)
    with pytest.raises(DataError, match="1 of 1 rows"):
        GaussianKDE().fit(rows64).log_prob(np.full((1, 12), np.nan))
    with pytest.raises(DataError, match="2 dimensions, the model was fitted on 12"):
        GaussianKDE().fit(rows64).log_prob(rows64[:, :2])
    for answer in (
        lambda kde: kde.log_prob(rows64),
        lambda kde: kde.marginal((0,)),
        lambda kde: kde.scorer(torch.float64),
    ):
        with pytest.raises(NotFittedError, match="GaussianKDE"):
            answer(GaussianKDE())


@pytest.mark.parametrize("rule", ["isj", 0, -1, float("nan"), float("inf"), 1e-20, 1e200, None, True])
def test_impossible_bandwidths_raise_at_once(rule):
    with pytest.raises(OptionError, match=r"bandwidth=.*'scott', 'silverman'"):
        GaussianKDE(rule)


@pytest.mark.parametrize("size", [1e150, 1e300, 1.7e308])
def test_density_far_away_is_zero_and_never_nan(rows64, size):
    kde = GaussianKDE().fit(rows64 * 1e-100)
    queries = np.array([[size, -size] * 6, [size] + [0.0] * 11])
    assert (kde.log_prob(queries) < -1e200).all()
    assert (kde(queries) == 0).all()


def test_no_queries_give_no_densities(rows64):
    assert GaussianKDE().fit(rows64).log_prob(rows64[:0]).shape == (0,)


def test_blocks_between_looks_at_progress_shrink_with_the_points():
    rows = np.random.default_rng(0).normal(size=(4000, 1))
    few, many = (GaussianKDE().fit(rows[:n]).rows_per_block for n in (500, 4000))
    assert few > 7 * many > 0
    assert GaussianKDE().rows_per_block > 0
