import numpy as np
import oracles
import pytest
import torch
from scipy.special import logsumexp

from kdeviz import kernel_sums
from kdeviz.kernel_sums import log_kernel_sums


def direct(queries, points):
    differences = queries.double().numpy()[:, None] - points.double().numpy()
    return logsumexp(-0.5 * (differences**2).sum(-1), axis=1)


@pytest.fixture
def cloud():
    """Points of unit variance, a few of them 300 away; queries near all of them, and far off."""
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(3000, 8, generator=generator, dtype=torch.float64)
    points[:50] += 300
    noise = torch.randn(600, 8, generator=generator, dtype=torch.float64)
    queries = points[:600] + 0.3 * noise
    queries[500:] *= torch.logspace(0, 2.5, 100)[:, None]
    return queries, points


def test_direct_sums_in_float64(cloud):
    np.testing.assert_allclose(log_kernel_sums(*cloud, torch.float64), direct(*cloud), rtol=1e-9, atol=1e-9)


def test_float32_identity_alone_is_not_accurate_enough_and_the_repair_is(cloud):
    queries, points = cloud
    expected = direct(queries, points)
    tolerance = 1e-4 + 1e-5 * np.abs(expected)

    plain = kernel_sums._in_blocks(queries.float(), points.float(), None).numpy()
    assert (np.abs(plain - expected) > 10 * tolerance).any()

    repaired = log_kernel_sums(queries, points, torch.float32).numpy()
    assert (np.abs(repaired - expected) < tolerance).all()


def test_accuracy_is_that_of_the_sum_with_its_offset():
    """Sums near -1000 may be off by 0.01, but not when the caller's offset brings the result back to 0."""
    generator = torch.Generator().manual_seed(0)
    points = 30 * torch.randn(2000, 8, generator=generator, dtype=torch.float64)
    queries = 30 * torch.randn(500, 8, generator=generator, dtype=torch.float64)
    expected = direct(queries, points)
    for offset in (0.0, 200.0, 1000.0):
        error = np.abs(log_kernel_sums(queries, points, torch.float32, offset).numpy() - expected)
        assert (error < 1e-4 + 1e-5 * np.abs(expected + offset)).all()


def test_only_doubtful_rows_are_done_again(cloud, monkeypatch):
    queries, points = cloud
    done = []
    in_blocks = kernel_sums._in_blocks

    def recorded(x, y, own):
        done.append((x.dtype, len(x)))
        return in_blocks(x, y, own)

    monkeypatch.setattr(kernel_sums, "_in_blocks", recorded)
    log_kernel_sums(queries, points, torch.float32)
    (first, everything), (second, again) = done
    assert (first, second) == (torch.float32, torch.float64)
    assert everything == 600
    assert 50 <= again < 300


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_own_kernel_is_left_out(cloud, dtype):
    _, points = cloud
    exponents = -0.5 * torch.cdist(points[:100], points, compute_mode="donot_use_mm_for_euclid_dist") ** 2
    exponents[torch.arange(40, 100), torch.arange(40, 100)] = -torch.inf
    expected = exponents[40:].logsumexp(1)
    sums = log_kernel_sums(points[40:100], points, dtype, own=40)
    np.testing.assert_allclose(sums, expected, **oracles.LOG_DENSITY)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1e20, 1e30, 1e38, 1e200])
def test_no_nan_where_squares_overflow(dtype, size):
    points = torch.tensor([[0.0, 0], [1, 0], [size / 10, -size / 10]], dtype=torch.float64)
    queries = torch.tensor([[size, size], [-size, 0], [0, 0]], dtype=torch.float64)
    if size > 1e150:
        points = points[:2]
    sums = log_kernel_sums(queries, points, dtype)
    assert not sums.isnan().any()
    assert (sums[:2] < -1e38).all()
    assert sums[2] == pytest.approx(np.log(1 + np.exp(-0.5)), abs=1e-4)


def test_running_out_of_memory_halves_the_blocks(cloud, monkeypatch):
    queries, points = cloud
    expected = log_kernel_sums(queries, points, torch.float64)
    block_sums, asked = kernel_sums._block_sums, []

    def small_memory(x, y, half_squares, own, step):
        asked.append((len(x), step))
        if len(x) * step > 64 * 256:
            raise torch.OutOfMemoryError
        return block_sums(x, y, half_squares, own, step)

    monkeypatch.setattr(kernel_sums, "_block_sums", small_memory)
    torch.testing.assert_close(log_kernel_sums(queries, points, torch.float64), expected)
    assert asked[:3] == [(256, 1024), (128, 512), (64, 256)]
    assert sum(rows for rows, step in asked if rows * step <= 64 * 256) == len(queries)


def test_running_out_of_memory_with_the_smallest_block_raises(cloud, monkeypatch):
    asked = []

    def no_memory(x, *_):
        asked.append(len(x))
        raise torch.OutOfMemoryError

    monkeypatch.setattr(kernel_sums, "_block_sums", no_memory)
    with pytest.raises(torch.OutOfMemoryError):
        log_kernel_sums(*cloud, torch.float64)
    assert asked == [256, 128, 64, 32]


def test_no_queries(cloud):
    assert log_kernel_sums(cloud[0][:0], cloud[1], torch.float32).shape == (0,)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_lone_point_without_its_own_kernel_has_no_density(cloud, dtype):
    alone = cloud[1][:1]
    assert log_kernel_sums(alone, alone, dtype, own=0).tolist() == [-torch.inf]
