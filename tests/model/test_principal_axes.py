"""Axes for every component count, which route they take, and what is not computed twice."""

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kdeviz.data.rows import Rows
from kdeviz.errors import Cancelled, DataError
from kdeviz.model.axes_cache import AxesCache
from kdeviz.model.pca import PCA
from kdeviz.model.principal_axes import leading, principal_axes

CPU = torch.device("cpu")


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 200),
    d=st.integers(1, 200),
    decades=st.floats(0, 12),
    counts=st.lists(st.integers(1, 220) | st.floats(0.01, 0.99), min_size=2, max_size=6),
)
def test_known_axes_give_what_a_new_fit_gives(make_rows, seed, n, d, decades, counts):
    """To the last bit, whatever was asked for before."""
    features = make_rows(n, d, seed, decades)
    rows, cache = Rows(features), AxesCache()
    for count in counts:
        known = PCA(count).use_axes(cache.of("rows")(rows, CPU, count, None), rows)
        new = PCA(count).fit(features)
        for name, tensor in new.state_dict().items():
            assert torch.equal(known.state_dict()[name], tensor)


@pytest.mark.parametrize("shape", [(5000, 200), (150, 900), (200, 200)])
def test_all_axes_whatever_is_asked_for(make_rows, shape):
    features = make_rows(*shape, decades=2)
    rows, expected = Rows(features), oracles.pca(features, 149)
    for asked in (1, 0.5, 32, 33, 149):
        axes = principal_axes(rows, CPU, asked)
        assert axes.rank == min(shape[0] - 1, shape[1])
        vectors = axes.vectors(rows, 149)
        np.testing.assert_allclose(vectors.T @ vectors, np.eye(149), atol=1e-10)
        assert oracles.subspace_distance(vectors.numpy(), expected.components) < 1e-9
        np.testing.assert_allclose(axes.variances[:149], expected.variances[:149], rtol=1e-9)


@pytest.mark.parametrize("shape", [(400, 40), (41, 45)])
def test_axes_below_the_gram_matrix_are_found_by_another_route(make_rows, shape):
    """Spreads over twelve decades: at a Gram matrix's rounding error half of them vanish."""
    features = make_rows(*shape, decades=12)
    rows = Rows(features)
    few, many = (principal_axes(rows, CPU, count) for count in (5, 35))
    assert few.suffice(5) and few.suffice(0.9) and not few.suffice(35)
    assert many.suffice(35) and many.rank >= 35 > few.rank
    expected = oracles.pca(features, 35)
    np.testing.assert_allclose(many.variances[:35], expected.variances[:35], rtol=1e-2)
    assert oracles.subspace_distance(few.vectors(rows, 5).numpy(), many.vectors(rows, 5).numpy()) < 1e-8


def test_rows_sorted_by_size_do_not_cancel():
    """The mean is far from that of the first block, and of the last."""
    random = np.random.default_rng(0)
    features = random.standard_normal((20_000, 5)) * [1, 2, 3, 4, 5] + 1e4
    features = features[np.argsort(features[:, 4])]
    found = principal_axes(Rows(features), CPU, 5)
    expected = oracles.pca(features, 5)
    np.testing.assert_allclose(found.variances, expected.variances[:5], rtol=1e-9)
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-14)


@pytest.mark.parametrize("shape", [(300, 20), (20, 300)])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_bad_rows_are_named(shape, value):
    features = np.random.default_rng(0).standard_normal(shape)
    features[17, 3] = value
    with pytest.raises(DataError, match=r"1 of \d+ rows hold NaN or infinity \(rows 17\)"):
        principal_axes(Rows(features), CPU, 2)


def test_a_row_too_large_to_be_squared_beside_the_others():
    rows = np.random.default_rng(0).standard_normal((600, 8))
    rows[1] *= 1e300
    with pytest.raises(DataError, match="too large to be squared"):
        principal_axes(Rows(rows), CPU, 2)


@pytest.mark.parametrize("shape", [(500, 8), (20, 40)])
@pytest.mark.parametrize("exponent", [-1000, -300, -151, -7, 3, 160, 900])
def test_powers_of_two_change_no_digit_of_the_axes(make_rows, shape, exponent):
    rows = make_rows(*shape)
    one, other = (principal_axes(Rows(each), CPU, 3) for each in (rows, np.ldexp(rows, exponent)))
    np.testing.assert_array_equal(
        other.vectors(Rows(np.ldexp(rows, exponent)), 3), one.vectors(Rows(rows), 3)
    )
    np.testing.assert_array_equal(other.mean, np.ldexp(one.mean.numpy(), exponent))
    assert other.rank == one.rank


# --- the cache


@pytest.mark.parametrize("shape", [(500, 150), (130, 400)])
def test_another_component_count_costs_no_pca(make_rows, decomposed, shape):
    cache, rows = AxesCache(), Rows(make_rows(*shape))
    for count in (16, 33, 2, 129, 0.5, 100, 0.999, 5000):
        axes = cache.of("rows")(rows, CPU, count, None)
        assert PCA(count).use_axes(axes, rows).n_components_ <= axes.rank
    assert decomposed == [shape[0]]


def test_other_rows_have_other_axes(make_rows, decomposed):
    cache = AxesCache()
    one, other = (cache.of(seed)(Rows(make_rows(50, 5, seed)), CPU, 2, None) for seed in (0, 1))
    assert decomposed == [50, 50]
    assert not torch.equal(one.mean, other.mean)


@pytest.mark.parametrize("shape", [(50, 5), (6, 50)])
def test_the_longest_unused_go_first(make_rows, decomposed, shape):
    rows = Rows(make_rows(*shape))
    axes = principal_axes(rows, CPU, 2)
    each = sum(tensor.untyped_storage().nbytes() for tensor in (axes.mean, axes.variances, axes.basis))
    cache = AxesCache(most_bytes=2 * each + 16)
    decomposed.clear()
    for key in "abac":
        cache.of(key)(rows, CPU, 2, None)
    assert len(decomposed) == 3
    cache.of("a")(rows, CPU, 2, None)
    assert len(decomposed) == 3
    cache.of("b")(rows, CPU, 2, None)
    assert len(decomposed) == 4


def test_nothing_is_kept_of_a_cancelled_pca(make_rows):
    def stop(done, total):
        raise Cancelled

    cache, rows = AxesCache(), Rows(make_rows(50, 5))
    with pytest.raises(Cancelled):
        cache.of("rows")(rows, CPU, 2, stop)
    assert cache.of("rows")(rows, CPU, 2, None).rank == 5


# --- what is rounding is so in each column


def ranks(rows, dtype=np.float32):
    features = np.asarray(rows, np.float64).astype(dtype)
    found = principal_axes(Rows(features), CPU, 3, folds=np.arange(len(rows)) % 5)
    return found.rank


@pytest.mark.parametrize("shape", [(400, 5), (12, 40)])
def test_a_large_column_hides_no_other(make_rows, shape):
    n, d = shape
    rows, most = make_rows(*shape), min(n - 1, d)
    constant = np.column_stack([rows, np.full(n, 1.7e9)])
    wide = np.column_stack([rows, 1e8 + 1e7 * np.random.default_rng(0).normal(size=n)])
    assert ranks(constant) == most
    assert ranks(wide) == min(n - 1, d + 1)


@pytest.mark.parametrize(
    ("mean", "deviation", "dtype"), [(1000, 1, np.float16), (1e6, 0.1, np.float32), (1e15, 0.5, np.float64)]
)
def test_rows_that_differ_are_not_called_equal(mean, deviation, dtype):
    assert ranks(mean + deviation * np.random.default_rng(0).normal(size=(300, 6)), dtype) == 6


def test_sums_of_columns_are_still_seen_through_their_rounding(make_rows):
    rows = make_rows(500, 6).astype(np.float32)
    assert ranks(np.column_stack([rows, rows[:, 0] + rows[:, 1]])) == 6


def test_a_share_that_equal_axes_carry_is_not_exceeded_by_rounding():
    variances = torch.full((5,), 0.1, dtype=torch.float64)
    assert [leading(share, variances) for share in (0.2, 0.4, 0.6, 0.8, 0.21)] == [1, 2, 3, 4, 2]
