import sys

import numpy as np
import oracles
import pytest
import torch
from scipy.special import logsumexp

from kdeviz.errors import OptionError
from kdeviz.model.kernels import choice as kernel_choice
from kdeviz.model.kernels import logsumexp as logsumexp_kernels
from kdeviz.model.kernels import trials
from kdeviz.model.kernels.choice import choose_kernel
from kdeviz.model.kernels.logsumexp import BlockedKernel, FusedKernel, rounding_bound
from kdeviz.model.kernels.sums import KernelSums

KERNELS = ["fused attention", "blocked"]


def log_kernel_sums(queries, points, dtype, offset=0.0, kernel="auto"):
    return KernelSums(points, dtype, kernel).at(queries, offset)


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


@pytest.mark.parametrize("kernel", KERNELS)
def test_float32_identity_alone_is_not_accurate_enough_and_the_repair_is(cloud, kernel):
    queries, points = cloud
    expected = direct(queries, points)
    tolerance = 1e-4 + 1e-5 * np.abs(expected)

    plain = choose_kernel(points.float(), kernel).sums(queries.float()).numpy()
    assert (np.abs(plain - expected) > 10 * tolerance).any()

    repaired = log_kernel_sums(queries, points, torch.float32, kernel=kernel).numpy()
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
    again = []
    sums = BlockedKernel.sums

    def recorded(self, x):
        again.append((x.dtype, len(x)))
        return sums(self, x)

    monkeypatch.setattr(BlockedKernel, "sums", recorded)
    log_kernel_sums(queries, points, torch.float32, kernel="fused attention")
    ((dtype, rows),) = again
    assert dtype == torch.float64
    assert 50 <= rows < 300


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
    block_sums, asked = BlockedKernel._block, []

    def small_memory(self, x, step):
        asked.append((len(x), step))
        if len(x) * step > 64 * 256:
            raise torch.OutOfMemoryError
        return block_sums(self, x, step)

    monkeypatch.setattr(BlockedKernel, "_block", small_memory)
    torch.testing.assert_close(log_kernel_sums(queries, points, torch.float64), expected)
    assert asked[:3] == [(256, 1024), (128, 512), (64, 256)]
    assert sum(rows for rows, step in asked if rows * step <= 64 * 256) == len(queries)


def test_running_out_of_memory_with_the_smallest_block_raises(cloud, monkeypatch):
    asked = []

    def no_memory(self, x, *_):
        asked.append(len(x))
        raise torch.OutOfMemoryError

    monkeypatch.setattr(BlockedKernel, "_block", no_memory)
    with pytest.raises(torch.OutOfMemoryError):
        log_kernel_sums(*cloud, torch.float64)
    assert asked == [256, 128, 64, 32]


def test_no_queries(cloud):
    assert log_kernel_sums(cloud[0][:0], cloud[1], torch.float32).shape == (0,)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("k", [1, 2, 3, 10, 16, 33, 64, 100])
def test_every_kernel_keeps_the_promise_in_body_and_tails(kernel, k):
    generator = torch.Generator().manual_seed(k)
    width = 777 ** (1 / (k + 4))
    points = width * torch.randn(777, k, generator=generator, dtype=torch.float64)
    points[0] += 1e4
    points[1:301] = points[1]
    far = torch.logspace(-1, 2.6, 200, dtype=torch.float64)[:, None]
    queries = torch.cat(
        [far * torch.randn(200, k, generator=generator, dtype=torch.float64), points[:5] + 0.1]
    )
    queries, points = queries.float().double(), points.float().double()
    expected = direct(queries, points)
    for offset in (0.0, -float(expected[0]), 30.0):
        found = log_kernel_sums(queries, points, torch.float32, offset, kernel=kernel).numpy()
        assert (np.abs(found - expected) <= 1e-4 + 1e-5 * np.abs(expected + offset)).all()


def test_the_fused_kernel_is_chosen_for_float32_and_only_there():
    points = torch.randn(9, 2, generator=torch.Generator().manual_seed(0))
    assert choose_kernel(points).name == "fused attention"
    assert choose_kernel(points, "blocked").name == "blocked"
    assert choose_kernel(points.double()).name == "blocked"
    with pytest.raises(OptionError, match="needs float32 points on the CPU"):
        choose_kernel(points.double(), "fused attention")
    with pytest.raises(
        OptionError, match="kernel='warp' is not known: choose auto, llvm, fused attention, triton, blocked"
    ):
        choose_kernel(points, "warp")


def no_operator(*_, **__):
    raise AttributeError("no such operator")


def other_signature(query, key, value):
    raise AssertionError


def other_meaning(query, key, value, **_):
    return query, torch.zeros(query.shape[:-1])


@pytest.mark.parametrize("operator", [no_operator, other_signature, other_meaning])
def test_without_the_operator_the_blocked_kernel_takes_over(monkeypatch, operator, cloud):
    trials.fused_works.cache_clear()
    monkeypatch.setattr(logsumexp_kernels, "_operator", operator)
    try:
        queries, points = cloud
        sums = KernelSums(points, torch.float32)
        assert sums.kernel == "blocked"
        np.testing.assert_allclose(sums.at(queries), direct(queries, points), **oracles.LOG_DENSITY)
    finally:
        trials.fused_works.cache_clear()


class ExactKernel(BlockedKernel):
    """Stands in for Triton's: this one is right."""

    name = "triton"

    def sums(self, queries):
        return BlockedKernel(self._points.double()).sums(queries.double()).float()


class WrongSums(ExactKernel):
    def sums(self, queries):
        return super().sums(queries) + 1e-3


class NotANumber(ExactKernel):
    def sums(self, queries):
        return torch.full((len(queries),), torch.nan)


class DoesNotCompile(ExactKernel):
    def sums(self, queries):
        raise RuntimeError("no ptxas\nand more")


@pytest.fixture
def cpu_as_gpu(monkeypatch):
    """`cpu_as_gpu(kernel)`: float32 points on the CPU may use this in place of Triton's kernel."""
    monkeypatch.setattr(trials, "fused_works", lambda: False)
    monkeypatch.setattr(trials, "llvm_fault", lambda: "is not on a GPU")
    monkeypatch.setattr(kernel_choice, "_TRITON_DEVICE", "cpu")
    for name, value in {"POINTS": 500, "QUERIES": 300}.items():
        monkeypatch.setattr(trials, f"_{name}", value)

    def clear():
        trials.triton_fault.cache_clear()
        trials._warn_once.cache_clear()

    def use(kernel):
        clear()
        monkeypatch.setattr(trials, "triton_kernel", kernel)

    yield use
    clear()


def test_triton_is_chosen_where_it_works_and_is_worth_it(cpu_as_gpu):
    cpu_as_gpu(ExactKernel)
    points = torch.zeros(8192, 128)
    assert choose_kernel(points).name == "triton"
    assert choose_kernel(points, "blocked").name == "blocked"
    assert choose_kernel(points.double()).name == "blocked"
    assert choose_kernel(points[:8191]).name == "blocked"
    assert choose_kernel(points[:8191], "triton").name == "triton"
    assert choose_kernel(torch.zeros(8192, 129)).name == "blocked"


@pytest.mark.parametrize(
    ("kernel", "fault"),
    [
        (WrongSums, r"it is wrong by 0\.0009|it is wrong by 0\.001"),
        (NotANumber, "it is wrong by nan"),
        (DoesNotCompile, "RuntimeError: no ptxas: use 'auto'$"),
    ],
)
def test_a_triton_that_does_not_work_is_told_once_and_left_alone(cpu_as_gpu, logged, cloud, kernel, fault):
    cpu_as_gpu(kernel)
    monotone = torch.linspace(-3, 3, 8192)[:, None]
    for _ in range(2):
        assert choose_kernel(monotone).name == "blocked"
    (record,) = logged
    assert "does not work on cpu" in record.getMessage()
    assert "'blocked' takes its place" in record.getMessage()
    with pytest.raises(OptionError, match=fault):
        choose_kernel(monotone, "triton")
    queries, points = cloud
    sums = KernelSums(points.repeat(3, 1), torch.float32)
    assert sums.kernel == "blocked"
    np.testing.assert_allclose(
        sums.at(queries[:50]), direct(queries[:50], points) + np.log(3), **oracles.LOG_DENSITY
    )


def test_a_full_memory_is_no_fault_of_tritons_for_good(cpu_as_gpu, monkeypatch, logged):
    cpu_as_gpu(ExactKernel)
    points = torch.zeros(8192, 3)
    with monkeypatch.context() as full:
        full.setattr(ExactKernel, "sums", no_memory)
        assert choose_kernel(points).name == "blocked"
        with pytest.raises(OptionError, match="cannot be tried on cpu: its memory is full: use 'auto'"):
            choose_kernel(points, "triton")
    assert not logged
    assert choose_kernel(points).name == "triton"


def no_memory(*_):
    raise torch.OutOfMemoryError("full")


def test_without_triton_the_reason_is_the_missing_package(cpu_as_gpu, monkeypatch, logged):
    monkeypatch.setitem(sys.modules, "triton", None)
    monkeypatch.delitem(sys.modules, "kdeviz.model.kernels.triton_kernel", raising=False)
    cpu_as_gpu(trials.triton_kernel)
    assert [choose_kernel(torch.zeros(8192, k)).name for k in (2, 3)] == ["blocked", "blocked"]
    (record,) = logged
    assert "ModuleNotFoundError" in record.getMessage() or "ImportError" in record.getMessage()


def test_triton_is_only_for_cuda():
    with pytest.raises(OptionError, match="kernel='triton' needs float32 points on CUDA: use 'auto'"):
        choose_kernel(torch.zeros(9, 2), "triton")


def test_shortened_products_are_not_trusted(monkeypatch, cloud):
    monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: "medium")
    queries, points = cloud
    sums, single = torch.zeros(len(queries)), points.float()
    for kernel in (BlockedKernel(single), FusedKernel(single)):
        bound = rounding_bound(kernel, queries, sums, len(points), 1e3)
        assert (bound > 1e-3 * queries.square().sum(1) / 2).all()
    np.testing.assert_allclose(
        log_kernel_sums(queries, points, torch.float32), direct(queries, points), **oracles.LOG_DENSITY
    )
