import numpy as np
import oracles
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kdeviz.data.rows import Rows
from kdeviz.errors import DataError, NotFittedError, OptionError
from kdeviz.model.pca import PCA
from kdeviz.model.principal_axes import principal_axes

CPU = torch.device("cpu")


def assert_same_pca(model, features, k):
    expected = oracles.pca(features, k)
    vectors = model.singular_vectors.numpy()
    assert vectors.shape == (features.shape[1], k)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(k), atol=1e-10)
    assert oracles.subspace_distance(vectors, expected.components) < 1e-6
    np.testing.assert_allclose(model.mean, expected.mean, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(model.spectrum[:k], expected.variances[:k], rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "k"), [((400, 40), 40), ((400, 40), 16), ((5000, 8), 5), ((40, 400), 30), ((64, 64), 50)]
)
@pytest.mark.parametrize("offset", [0.0, 1.0, 1e4])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_subspace_on_a_spectrum_of_four_decades(make_rows, shape, k, offset, dtype):
    features = make_rows(*shape, decades=4, offset=offset).astype(dtype)
    model = PCA(k).fit(features)
    if model.n_components_ < k:  # what float32 rounds away at this offset is not a component
        assert dtype == np.float32
        assert offset == 1e4
        k = model.n_components_
    assert_same_pca(model, features, k)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 60), d=st.integers(1, 60), decades=st.floats(0, 6))
def test_any_shape(make_rows, seed, n, d, decades):
    features = make_rows(n, d, seed, decades)
    k = min(n - 1, d)
    model = PCA(k).fit(features)
    np.testing.assert_allclose(model.spectrum, oracles.pca(features, k).variances[:k], rtol=1e-6)
    scores = model.fit_transform(features)
    np.testing.assert_allclose(model.inverse_transform(scores), features, atol=1e-9)


def test_many_blocks_and_one_block_agree(make_rows):
    features = make_rows(20_000, 6, decades=4)
    assert_same_pca(PCA(6).fit(features), features, 6)


@pytest.mark.parametrize("k", [1, 4, 12])
def test_explained_variance_ratio(rows64, k):
    variances = oracles.pca(rows64, k).variances
    model = PCA(k).fit(rows64)
    np.testing.assert_allclose(model.explained_variance_ratio, variances[:k] / variances.sum(), rtol=1e-9)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99, 0.999999])
def test_share_of_variance_keeps_the_fewest_components_that_reach_it(rows64, share):
    model = PCA(share).fit(rows64)
    shares = model.explained_variance_ratio
    assert shares.sum() >= share
    assert shares[:-1].sum() < share


def test_transform_and_inverse(rows64):
    model = PCA(12).fit(rows64)
    scores = model.transform(rows64)
    assert torch.equal(scores, model(rows64))
    expected = oracles.pca(rows64, 12).scores(rows64)
    np.testing.assert_allclose(scores.abs(), np.abs(expected), atol=1e-9)
    np.testing.assert_allclose(model.inverse_transform(scores), rows64, atol=1e-12)
    np.testing.assert_allclose(model.inverse_transform(torch.zeros(1, 12))[0], rows64.mean(0), rtol=1e-6)


def test_inverse_transform_of_few_components_is_the_nearest_point(rows64):
    model = PCA(4).fit(rows64)
    expected = oracles.pca(rows64, 4)
    rebuilt = expected.scores(rows64) @ expected.components.T + expected.mean
    np.testing.assert_allclose(model.inverse_transform(model.transform(rows64)), rebuilt, atol=1e-10)
    assert model.inverse_transform(np.zeros((3, 4), np.float32)).dtype == torch.float32
    with pytest.raises(DataError, match="5 dimensions"):
        model.inverse_transform(torch.zeros(2, 5))


def test_dtype_follows_the_rows_and_the_model_is_float64(rows32, rows64):
    model = PCA(3).fit(rows32)
    assert model.singular_vectors.dtype == torch.float64
    assert model.transform(rows32).dtype == torch.float32
    assert model.transform(rows64).dtype == torch.float64
    assert model.transform(rows64[:0]).shape == (0, 3)


def test_signs_do_not_depend_on_rounding_or_order(rows64):
    vectors = PCA(12).fit(rows64).singular_vectors
    strongest = vectors.abs().argmax(0)
    assert (vectors[strongest, torch.arange(12)] > 0).all()
    shuffled = np.random.default_rng(0).permutation(rows64)
    torch.testing.assert_close(PCA(12).fit(shuffled).singular_vectors, vectors, atol=1e-8, rtol=0)


@pytest.mark.parametrize("shape", [(300, 40), (40, 300), (3000, 20)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e4])
def test_low_rank_products_are_recognised(shape, dtype, size):
    rng = np.random.default_rng(0)
    product = rng.normal(size=(shape[0], 5)).astype(dtype) @ rng.normal(size=(5, shape[1])).astype(dtype)
    assert PCA(12).fit(product * dtype(size)).n_components_ == 5


def test_axes_serve_every_smaller_number_of_components(rows64):
    rows = Rows(rows64)
    axes = principal_axes(rows, CPU, 1)
    assert axes.rank == 12
    for k in (1, 5, 12):
        known = PCA(k).use_axes(axes, rows)
        torch.testing.assert_close(
            known.singular_vectors, PCA(k).fit(rows64).singular_vectors, atol=1e-10, rtol=0
        )


def test_blocks_are_reported(make_rows):
    calls = []
    principal_axes(Rows(make_rows(10_000, 2)), CPU, 2, lambda done, total: calls.append((done, total)))
    assert calls == [(min(done, 10_000), 10_000) for done in range(2048, 12_000, 2048)]


@pytest.mark.parametrize("k", [0, -1, 1.5, 1.0, "16", None, True])
def test_impossible_numbers_of_components_raise_at_once(k):
    with pytest.raises(OptionError, match="n_pca_components"):
        PCA(k)


def test_numpy_integers_count_components(rows64):
    assert PCA(np.int64(3)).fit(rows64).n_components_ == 3


def test_unfitted_and_unusable(rows64):
    for answer in (
        lambda: PCA(2).transform(rows64),
        lambda: PCA(2).explained_variance_ratio,
        lambda: PCA(2).inverse_transform(rows64),
    ):
        with pytest.raises(NotFittedError, match="this PCA"):
            answer()
    bad = rows64.copy()
    bad[0, 0] = np.nan
    with pytest.raises(DataError, match="1 of 300 rows"):
        PCA(2).fit(bad)
    with pytest.raises(DataError, match="two rows"):
        PCA(2).fit(rows64[:1])
