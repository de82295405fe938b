"""Which route is taken, and for which other component counts its axes can be used again."""

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kdeviz.data.rows import Rows
from kdeviz.errors import Cancelled, DataError
from kdeviz.model.axes_cache import AxesCache
from kdeviz.model.principal_axes import AXES_KEPT, principal_axes

CPU = torch.device("cpu")


def same(one, other):
    return all(
        torch.equal(getattr(one, name), getattr(other, name)) for name in ("mean", "vectors", "variances")
    )


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 200),
    d=st.integers(1, 200),
    decades=st.floats(0, 12),
    counts=st.lists(st.integers(1, 220) | st.floats(0.01, 0.99), min_size=2, max_size=5),
)
def test_axes_that_serve_a_count_are_the_axes_of_that_count(make_rows, seed, n, d, decades, counts):
    rows = Rows(make_rows(n, d, seed, decades))
    found = [principal_axes(rows, CPU, count) for count in counts]
    for count, own in zip(counts, found, strict=True):
        assert own.serve(count)
        for axes in found:
            if axes.serve(count):
                assert same(axes, own)


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 200),
    d=st.integers(1, 200),
    decades=st.floats(0, 12),
    counts=st.lists(st.integers(1, 220) | st.floats(0.01, 0.99), min_size=2, max_size=6),
)
def test_a_kept_result_is_bit_equal_to_a_new_one(make_rows, seed, n, d, decades, counts):
    rows, cache = Rows(make_rows(n, d, seed, decades)), AxesCache()
    for count in counts:
        assert same(cache.of("rows")(rows, CPU, count, None), principal_axes(rows, CPU, count))


@pytest.mark.parametrize(("shape", "blocks"), [((5000, 200), 3), ((150, 900), 1)])
def test_many_axes(make_rows, shape, blocks):
    features = make_rows(*shape, decades=2)
    axes = principal_axes(Rows(features), CPU, AXES_KEPT + 1)
    expected = oracles.pca(features, 100)
    assert oracles.subspace_distance(axes.vectors[:, :100].numpy(), expected.components) < 1e-9
    few = principal_axes(Rows(features), CPU, 16)
    assert few.vectors.shape == (shape[1], AXES_KEPT)
    assert oracles.subspace_distance(few.vectors.numpy(), oracles.pca(features, AXES_KEPT).components) < 1e-9
    np.testing.assert_allclose(few.variances, axes.variances, rtol=1e-12)


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


@pytest.mark.parametrize("shape", [(300, 20), (20, 300)])
def test_too_large_to_be_squared(shape):
    with pytest.raises(DataError, match="too large to be squared"):
        principal_axes(Rows(np.random.default_rng(0).standard_normal(shape) * 1e160), CPU, 2)


# --- the cache


def counted(monkeypatch):
    calls = []

    def spy(*args):
        calls.append(args[2])
        return principal_axes(*args)

    monkeypatch.setattr("kdeviz.model.axes_cache.principal_axes", spy)
    return calls


def test_another_component_count_costs_no_pca(make_rows, monkeypatch):
    calls, cache, rows = counted(monkeypatch), AxesCache(), Rows(make_rows(500, 30))
    for count in (16, 2, 30, 0.5, 16):
        cache.of("rows")(rows, CPU, count, None)
    assert calls == [16]


def test_other_rows_have_other_axes(make_rows, monkeypatch):
    calls, cache = counted(monkeypatch), AxesCache()
    one, other = (cache.of(seed)(Rows(make_rows(50, 5, seed)), CPU, 2, None) for seed in (0, 1))
    assert calls == [2, 2]
    assert not torch.equal(one.mean, other.mean)


def test_the_longest_unused_go_first(make_rows, monkeypatch):
    rows = Rows(make_rows(50, 5))
    one = principal_axes(rows, CPU, 2)
    each = one.mean.nbytes + one.vectors.nbytes + one.variances.nbytes
    calls, cache = counted(monkeypatch), AxesCache(most_bytes=2 * each)
    for key in "abac":
        cache.of(key)(rows, CPU, 2, None)
    assert len(calls) == 3
    cache.of("a")(rows, CPU, 2, None)
    assert len(calls) == 3
    cache.of("b")(rows, CPU, 2, None)
    assert len(calls) == 4


def test_nothing_is_kept_of_a_cancelled_pca(make_rows):
    def stop(done, total):
        raise Cancelled

    cache, rows = AxesCache(), Rows(make_rows(50, 5))
    with pytest.raises(Cancelled):
        cache.of("rows")(rows, CPU, 2, stop)
    assert cache.of("rows")(rows, CPU, 2, None).rank == 5
