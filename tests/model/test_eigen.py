import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdeviz.model.eigen import Tridiagonal


def symmetric(size, seed=0, decades=3):
    """A matrix with known eigenvalues, largest first."""
    values = np.logspace(0, -decades, size)
    vectors = np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))[0]
    return (vectors * values) @ vectors.T, values, vectors


@given(size=st.integers(1, 60), seed=st.integers(0, 2**32 - 1), data=st.data())
def test_values_and_vectors(size, seed, data):
    matrix, values, _ = symmetric(size, seed)
    count = data.draw(st.integers(1, size))
    reduced = Tridiagonal(matrix.copy())
    np.testing.assert_allclose(reduced.values(), values, rtol=0, atol=1e-14 * size)
    vectors = reduced.vectors(count)
    assert vectors.shape == (size, count)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(count), atol=1e-13)
    np.testing.assert_allclose(matrix @ vectors, vectors * values[:count], atol=1e-14 * size)


@pytest.mark.parametrize("count", [1, 16, 300])
def test_larger_than_a_block(count):
    matrix, values, expected = symmetric(300)
    reduced = Tridiagonal(matrix.copy())
    np.testing.assert_allclose(reduced.values(), values, rtol=0, atol=1e-13)
    agreement = np.abs((reduced.vectors(count) * expected[:, :count]).sum(0))
    np.testing.assert_allclose(agreement, 1, atol=1e-9)


def test_only_the_upper_triangle_is_read():
    matrix, values, _ = symmetric(40)
    np.testing.assert_allclose(Tridiagonal(np.triu(matrix)).values(), values, rtol=0, atol=1e-13)


def test_equal_eigenvalues():
    reduced = Tridiagonal(np.eye(50))
    np.testing.assert_array_equal(reduced.values(), np.ones(50))
    vectors = reduced.vectors(7)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(7), atol=1e-14)
