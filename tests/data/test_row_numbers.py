import numpy as np
import pytest

from kdeviz.data.row_numbers import row_numbers


@pytest.mark.parametrize("rows", [0, 1, 9, 10, 11, 99, 100, 101, 1234])
def test_row_numbers_are_what_numpy_writes(rows):
    assert row_numbers(rows).tolist() == np.arange(rows).astype(str).tolist()


@pytest.mark.parametrize(
    ("first", "rows"), [(0, 5), (5, 12), (9, 10), (10, 10), (99, 1001), (100, 130), (7, 1234)]
)
def test_those_from_a_row_on_are_written_alike(first, rows):
    assert row_numbers(rows, first).tolist() == np.arange(first, rows).astype(str).tolist()
