import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kdeviz.data.row_keys import KnownRows, row_keys
from kdeviz.data.rows import Rows


def normal(rows=500, dimensions=9, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, dimensions)).astype(dtype)


def found(known, features):
    return KnownRows(row_keys(Rows(known))).find(features)


@pytest.mark.parametrize("dimensions", [1, 3, 4, 5, 200])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_shuffled_rows_among_strange_ones(dtype, dimensions):
    known, strange = normal(3000, dimensions, np.float64), normal(3000, dimensions, np.float64, seed=1)
    known, strange = np.unique(known.astype(dtype), axis=0), strange.astype(dtype)
    taken = set(map(tuple, known.tolist()))
    strange = strange[[tuple(row) not in taken for row in strange.tolist()]]
    order = np.random.default_rng(2).permutation(len(known))[:1000]
    there = found(known, np.concatenate([strange, known[order]]))
    assert (there[: len(strange)] == -1).all()
    np.testing.assert_array_equal(there[len(strange) :], order)


@pytest.mark.parametrize("there", [np.float32, np.float64, "text"])
@pytest.mark.parametrize("here", [np.float32, np.float64])
def test_rows_are_known_in_another_precision(here, there):
    known = normal(dtype=here)
    if there == "text":
        other = np.array([[float(str(value)) for value in row] for row in known])
    else:
        other = known.astype(there)
    np.testing.assert_array_equal(found(known, other[::-1]), np.arange(500)[::-1])


def test_float64_rows_that_float32_cannot_tell_apart():
    known = 1e9 + normal(dtype=np.float64)
    assert (known.astype(np.float32) == known.astype(np.float32)[0]).all(1).sum() > 1
    np.testing.assert_array_equal(found(known, known), np.arange(500))
    assert (found(known, known + 1e-6) == -1).all()


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, np.float64])
def test_few_values_in_many_places_do_not_collide(dtype):
    """Numbers with few bits are where simple sums of products go wrong."""
    every = (np.arange(4096)[:, None] >> np.arange(12) & 1).astype(dtype)
    np.testing.assert_array_equal(found(every, every), np.arange(4096))
    np.testing.assert_array_equal(found(every[:2000], every), [*range(2000), *[-1] * 2096])


def test_the_first_of_equal_rows_counts_and_both_zeros_are_equal():
    known = np.array([[1.0, 0.0], [1.0, -0.0], [2.0, 0.0]])
    np.testing.assert_array_equal(found(known, known), [0, 0, 2])


def test_rows_of_tensors_and_chosen_rows():
    known = normal()
    keys = row_keys(Rows(torch.from_numpy(known)).select(np.arange(0, 500, 5)))
    np.testing.assert_array_equal(KnownRows(keys).find(known[::10]), np.arange(0, 100, 2))
    half = torch.from_numpy(known).bfloat16()
    np.testing.assert_array_equal(found(half, half.float().numpy()), np.arange(500))


def test_nothing_is_known_without_keys_or_rows():
    assert (KnownRows(np.empty((0, 2), np.int64)).find(normal()) == -1).all()
    assert found(normal(), normal()[:0]).shape == (0,)


@given(arrays(np.float64, st.tuples(st.integers(1, 20), st.integers(1, 6)), elements=st.floats(-3, 3)))
def test_equal_rows_and_no_others_are_found(known):
    slow = [next(j for j, row in enumerate(known) if (row == other).all()) for other in known]
    np.testing.assert_array_equal(found(known, known), slow)


def test_the_rows_are_not_changed():
    known = normal()
    before = known.copy()
    found(known, known)
    np.testing.assert_array_equal(known, before)
