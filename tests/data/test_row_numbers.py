import numpy as np
import pytest

from kdeviz.data.row_numbers import row_numbers


@pytest.mark.parametrize("rows", [0, 1, 9, 10, 11, 99, 100, 101, 1234])
def test_row_numbers_are_what_numpy_writes(rows):
    assert row_numbers(rows).tolist() == np.arange(rows).astype(str).tolist()
