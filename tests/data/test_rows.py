import hashlib

import numpy as np
import pytest
import torch

from kdeviz.data.rows import Rows, working_dtype
from kdeviz.errors import DataError

CPU = torch.device("cpu")
NUMBERS = np.arange(24.0).reshape(8, 3)


def test_working_dtype():
    assert working_dtype(CPU) == torch.float64
    assert working_dtype(torch.device("mps")) == torch.float32


@pytest.mark.parametrize(
    ("dtype", "result", "resolution"),
    [
        (np.float16, torch.float32, 2.0**-10),
        (np.float32, torch.float32, 2.0**-23),
        (np.float64, torch.float64, 2.0**-52),
        (">f4", torch.float32, 2.0**-23),
        (">f8", torch.float64, 2.0**-52),
        (np.int64, torch.float32, 0),
        (np.bool_, torch.float32, 0),
        (torch.float16, torch.float32, 2.0**-10),
        (torch.bfloat16, torch.float32, 2.0**-7),
        (torch.float64, torch.float64, 2.0**-52),
        (torch.uint8, torch.float32, 0),
    ],
)
def test_result_dtype_and_resolution(dtype, result, resolution):
    source = torch.tensor(NUMBERS).to(dtype) if isinstance(dtype, torch.dtype) else NUMBERS.astype(dtype)
    rows = Rows(source)
    assert rows.dtype == result
    assert rows.resolution == resolution
    assert rows.device == (CPU if isinstance(dtype, torch.dtype) else None)


@pytest.mark.parametrize("wrap", [np.array, torch.tensor])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_blocks_are_copies(wrap, dtype):
    source = wrap(NUMBERS)
    block = Rows(source).block(2, 5, dtype, CPU)
    assert block.dtype == dtype
    np.testing.assert_array_equal(block, NUMBERS[2:5])
    block += 1
    np.testing.assert_array_equal(source, NUMBERS)


@pytest.mark.parametrize("wrap", [np.array, torch.tensor])
def test_selected_rows(wrap):
    rows = Rows(wrap(NUMBERS)).select(np.array([7, 1, 3, 0])).select(np.array([2, 0]))
    assert len(rows) == 2
    np.testing.assert_array_equal(rows.block(0, 2, torch.float64, CPU), NUMBERS[[3, 7]])
    assert rows.digest() == Rows(NUMBERS[[3, 7]]).digest()


@pytest.mark.parametrize("shape", [(0, 4), (1, 4), (8192, 1), (8193, 1), (20_000, 2), (300, 100_000)])
def test_spans_cover_all_rows_in_blocks_of_at_most_200_mib(shape):
    rows = Rows(np.broadcast_to(np.float16(0), shape))
    calls = []
    spans = list(rows.spans(lambda done, total: calls.append((done, total))))
    assert [i for span in spans for i in range(*span)] == list(range(shape[0]))
    assert all((stop - start) * shape[1] * 8 <= 200 * 2**20 for start, stop in spans)
    assert calls == [(stop, shape[0]) for _, stop in spans]


def test_digest_knows_bytes_shape_and_dtype():
    digest = Rows(NUMBERS).digest()
    assert len(bytes.fromhex(digest)) == 16
    assert Rows(torch.tensor(NUMBERS)).digest() == digest
    assert Rows(np.asfortranarray(NUMBERS)).digest() == digest
    changed = NUMBERS.copy()
    changed[-1, -1] += 1e-9
    others = [changed, NUMBERS.astype(np.float32), NUMBERS.reshape(6, 4), NUMBERS[:-1], NUMBERS[:0]]
    assert len({digest, *(Rows(other).digest() for other in others)}) == 1 + len(others)
    assert Rows(torch.tensor(NUMBERS).bfloat16()).digest() == Rows(NUMBERS.astype(np.float32)).digest()


def test_digest_of_many_blocks_is_that_of_all_bytes():
    numbers = np.arange(20_000, dtype=np.float32)[:, None]
    expected = hashlib.blake2b(b"<f4(20000, 1)" + numbers.tobytes(), digest_size=16).hexdigest()
    assert Rows(numbers).digest() == expected


def test_few_bad_rows_are_all_named():
    bad = NUMBERS.copy()
    bad[[1, 6], [0, 2]] = np.nan, np.inf
    with pytest.raises(DataError, match=r"2 of 8 rows hold NaN or infinity \(rows 1, 6\): remove"):
        Rows(bad).check_finite()


def test_wrong_shapes_carry_the_shape():
    with pytest.raises(DataError, match=r"got \(24,\)\. For one sample"):
        Rows(NUMBERS.ravel())
    with pytest.raises(DataError, match=r"got \(2, 4, 3\)\.$"):
        Rows(NUMBERS.reshape(2, 4, 3))
    with pytest.raises(DataError, match="3 dimensions, the model was fitted on 4"):
        Rows(NUMBERS, 4)
