"""LLVM's kernel: against float64, for every width of vector, and where it cannot be had."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from kdeviz import KDEClassifier
from kdeviz.data import Rows
from kdeviz.errors import OptionError
from kdeviz.model.held_out import hold_out
from kdeviz.model.kernels import trials
from kdeviz.model.kernels.choice import choose_kernel
from kdeviz.model.kernels.logsumexp import BlockedKernel, rounding_bound
from kdeviz.model.kernels.sums import KernelSums

llvm = pytest.importorskip("llvmlite.binding")
if (fault := trials.llvm_fault()) and fault.startswith("does not work here"):
    pytest.skip(f"the kernel {fault}", allow_module_level=True)

from kdeviz.model.kernels import llvm_code, llvm_kernel, llvm_vectors  # noqa: E402
from kdeviz.model.kernels.llvm_kernel import LLVMKernel  # noqa: E402


def test_it_passes_its_own_trial():
    assert not trials.llvm_fault()


def direct(queries, points):
    differences = queries.double().numpy()[:, None] - points.double().numpy()
    return logsumexp(-0.5 * (differences**2).sum(-1), axis=1)


def cloud(n, k, seed=0, scale=1.0):
    return scale * torch.randn(n, k, generator=torch.Generator().manual_seed(seed))


def assert_within_rounding(found, queries, points):
    expected = torch.from_numpy(direct(queries, points))
    farthest = float(points.norm(dim=1).max())
    bound = rounding_bound(LLVMKernel(points), queries.double(), expected, len(points), farthest)
    assert ((found - expected).abs() <= bound + 1e-6 + 6e-8 * expected.abs()).all()


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 2500),
    m=st.integers(0, 60),
    k=st.one_of(st.integers(1, 20), st.integers(21, 200)),
    scale=st.sampled_from([0.01, 1.0, 30.0, 1000.0]),
    seed=st.integers(0, 99),
)
def test_any_shape(n, m, k, scale, seed):
    points, queries = cloud(n, k, seed, scale), cloud(m, k, seed + 1, scale)
    found = LLVMKernel(points).sums(queries)
    assert found.dtype == torch.float32
    assert found.shape == (m,)
    assert_within_rounding(found, queries, points)


@pytest.mark.parametrize("k", [1, 2, 16, 64, 128])
@pytest.mark.parametrize("shape", ["same", "falling"])
def test_rounding_stays_in_its_bound_where_products_nearly_cancel(k, shape):
    """Coordinates that are all the same, or fall like 1 / i, lose the most digits."""
    factors = torch.ones(k) if shape == "same" else 1 / torch.arange(1, k + 1)
    for seed in range(8):
        points = 100 * cloud(40, 1, seed) * factors
        queries = points.repeat(15, 1) + cloud(600, k, seed + 1, 0.3 / k**0.5)
        assert_within_rounding(LLVMKernel(points).sums(queries), queries, points)


@pytest.mark.parametrize("k", [1, 2, 3, 7, 10, 16, 33, 64, 100, 128])
def test_the_promise_in_body_and_tails(k):
    """An outlier, many equal points, and queries from the body to below -1e5 nats."""
    generator = torch.Generator().manual_seed(k)
    points = 777 ** (1 / (k + 4)) * torch.randn(777, k, generator=generator, dtype=torch.float64)
    points[0] += 1e4
    points[1:301] = points[1]
    far = torch.logspace(-1, 2.8, 200, dtype=torch.float64)[:, None]
    noise = torch.randn(200, k, generator=generator, dtype=torch.float64)
    queries = torch.cat([far * noise, points[:5] + 0.1]).float().double()
    points = points.float().double()
    expected = direct(queries, points)
    assert expected.min() < -3000
    sums = KernelSums(points, torch.float32, "llvm")
    for offset in (0.0, -float(expected[0]), 30.0):
        found = sums.at(queries, offset).numpy()
        assert (np.abs(found - expected) <= 1e-4 + 1e-5 * np.abs(expected + offset)).all()


@pytest.mark.parametrize("order", [1, -1])
def test_scores_that_rise_or_fall_from_block_to_block(order):
    """The scale is raised again and again, or never; either way nothing is lost of the sum."""
    points = order * torch.linspace(-40, 40, 20_000)[:, None]
    queries = torch.tensor([[-41.0], [41.0], [0.0], [300.0]])
    found = LLVMKernel(points).sums(queries).numpy()
    np.testing.assert_allclose(found, direct(queries, points), rtol=1e-6, atol=2e-4)


@pytest.mark.parametrize("size", [1e3, 1e4, 1e6, 1e9, 1e15, 1e18])
def test_however_far_a_query_is_its_sum_is_right_to_a_millionth(size):
    points, queries = cloud(3000, 4), size * cloud(50, 4, 1)
    found = LLVMKernel(points).sums(queries).double().numpy()
    np.testing.assert_allclose(found, direct(queries, points), rtol=1e-6)


@pytest.mark.parametrize("size", [1e20, 1e30, 1e38, 1e200])
def test_what_overflows_is_done_again(size):
    points = cloud(3000, 2).double()
    queries = torch.tensor([[size, size], [-size, 0], [0, 0]], dtype=torch.float64)
    found = KernelSums(points, torch.float32, "llvm").at(queries)
    assert not found.isnan().any()
    assert (found[:2] < -1e38).all()
    assert float(found[2]) == pytest.approx(direct(queries[2:], points)[0], abs=1e-4)


def test_points_so_large_that_scores_would_overflow_are_left_to_others():
    points = cloud(5000, 2)
    points[7] = 1e17
    assert choose_kernel(points).name == "fused attention"
    with pytest.raises(OptionError, match=r"kernel='llvm' needs float32 points on the CPU, below 1e\+17"):
        choose_kernel(points, "llvm")


def test_equal_points_and_points_of_any_strides():
    points = cloud(3, 2).repeat_interleave(1500, 0)
    queries = cloud(2, 20, 1).T
    np.testing.assert_allclose(LLVMKernel(points).sums(queries), direct(queries, points), atol=1e-5)
    points = cloud(2, 900).T
    np.testing.assert_allclose(LLVMKernel(points).sums(queries), direct(queries, points), atol=1e-5)


def test_the_sum_of_a_row_depends_on_no_other_row_and_on_no_number_of_threads(monkeypatch):
    monkeypatch.setattr(llvm_kernel, "_PAIRS_PER_TASK", 1)
    points, queries = cloud(5000, 16), cloud(1000, 16, 1)
    kernel, found = LLVMKernel(points), []
    for threads in (1, 2, 5):
        monkeypatch.setattr(torch, "get_num_threads", lambda n=threads: n)
        found.append(kernel.sums(queries))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])
    assert torch.equal(found[0][137:140], kernel.sums(queries[137:140]))
    assert torch.equal(found[0][[999]], kernel.sums(queries[[999]]))


def test_as_many_threads_work_as_torch_has(monkeypatch):
    submitted = []

    class Pool(ThreadPoolExecutor):
        def submit(self, *work):
            submitted.append(work)
            return super().submit(*work)

    points, queries = cloud(5000, 3), cloud(4000, 3, 1)
    monkeypatch.setattr(llvm_kernel, "_PAIRS_PER_TASK", 1)
    pool = Pool(2)
    monkeypatch.setattr(llvm_kernel, "_pool", lambda: pool)
    for threads in (1, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda n=threads: n)
        submitted.clear()
        LLVMKernel(points).sums(queries)
        assert len(submitted) == threads - 1
    LLVMKernel(points).sums(queries[:20])
    assert len(submitted) == 2  # one task is not worth a second thread
    pool.shutdown()


AFTER_A_FORK = """
import os, torch
from kdeviz.model.kernels import llvm_kernel
kernel = llvm_kernel.LLVMKernel(torch.randn(5000, 4))
llvm_kernel._PAIRS_PER_TASK = 1
torch.set_num_threads(1)
torch.get_num_threads = lambda: 3
queries = torch.randn(2000, 4)
expected = kernel.sums(queries)
child = os.fork()
if child == 0:
    os._exit(0 if torch.equal(kernel.sums(queries), expected) else 1)
print(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_makes_threads_of_its_own():
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", AFTER_A_FORK]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "0"


AFTER_THE_END = """
import threading, time, torch
from kdeviz.model.kernels import llvm_kernel
kernel, queries = llvm_kernel.LLVMKernel(torch.randn(5000, 4)), torch.randn(2000, 4)
llvm_kernel._PAIRS_PER_TASK = 1
torch.get_num_threads = lambda: 3
expected = kernel.sums(queries)

def work():
    threading.main_thread().join()
    time.sleep(0.2)
    print(torch.equal(kernel.sums(queries), expected))

threading.Thread(target=work).start()
"""


def test_a_thread_that_outlives_the_main_one_gets_its_sums():
    command = [sys.executable, "-c", AFTER_THE_END]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "True"


@pytest.mark.parametrize("lanes", [4, 8, 16])
def test_vectors_of_every_width(lanes, monkeypatch):
    """LLVM splits vectors that are too wide for the CPU."""
    monkeypatch.setattr(llvm_code, "widest", lambda: lanes)
    monkeypatch.setattr(llvm_code, "_made", [])
    points, queries = cloud(1500, 5), cloud(25, 5, 1)
    kernel = LLVMKernel(points)
    assert kernel._code.tile == 2 * lanes
    assert_within_rounding(kernel.sums(queries), queries, points)


@pytest.mark.parametrize(
    ("lanes", "triple", "cpu", "instruction"),
    [
        (16, "x86_64-unknown-linux-gnu", "skylake-avx512", r"vfmadd231ps\s.*%zmm"),
        (8, "x86_64-unknown-linux-gnu", "haswell", r"vfmadd231ps\s.*%ymm"),
        (4, "aarch64-unknown-linux-gnu", "neoverse-n1", r"fmla\s+v\d+\.4s"),
    ],
)
def test_products_and_powers_are_fused_multiply_adds_on_the_widest_vectors(lanes, triple, cpu, instruction):
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    target = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, opt=3)
    module = llvm_code._Sums(lanes).module
    module.triple = triple
    assembly = target.emit_assembly(llvm.parse_assembly(str(module)))
    # 12 products; per exponential 6 multiply-adds, of 2 vectors.
    assert len(re.findall(instruction, assembly)) >= 12
    assert "fmaf" not in assembly
    assert "exp" not in assembly


def test_the_exponential_by_itself():
    """Against float64, from 2^0 down to the smallest power that it tells from others."""
    points = torch.zeros(1, 1)
    queries = torch.linspace(0, 12.8, 20_001)[:, None]
    exact = -0.5 * queries.double().square()[:, 0]
    assert float((LLVMKernel(points).sums(queries).double() - exact).abs().max()) < 2e-5
    body = queries[:, 0] < 1
    assert float((LLVMKernel(points).sums(queries).double() - exact)[body].abs().max()) < 3e-7


def test_it_is_chosen_from_4096_points_on_for_float32_on_the_cpu():
    points = cloud(4096, 3)
    assert choose_kernel(points).name == "llvm"
    assert choose_kernel(points[:4095]).name == "fused attention"
    assert choose_kernel(points[:9], "llvm").name == "llvm"
    assert choose_kernel(points, "fused attention").name == "fused attention"
    assert choose_kernel(points.double()).name == "blocked"
    with pytest.raises(OptionError, match="needs float32 points on the CPU"):
        choose_kernel(points.double(), "llvm")


def test_scores_and_held_out_scores_are_those_of_float64():
    features = cloud(600, 8) * torch.linspace(1, 3, 8)
    found = {}
    for kernel, rows in (("llvm", features), ("blocked", features.double())):
        classifier = KDEClassifier(5)
        axes = classifier.fit_report(rows, with_folds=True).axes
        classifier.kernel = kernel
        assert classifier.kernel == kernel
        scores = classifier.compute_kde_scores(rows[:50], as_log_likelihood=True)
        found[kernel] = scores, hold_out(classifier, Rows(rows), classifier.folds, axes).scores
    for ours, theirs in zip(found["llvm"], found["blocked"], strict=True):
        np.testing.assert_allclose(ours, theirs, **oracles.LOG_DENSITY)


@pytest.fixture
def tried_again():
    """The trial's answer is forgotten, before and after."""

    def clear():
        trials.llvm_fault.cache_clear()
        trials._warn_once.cache_clear()

    clear()
    yield
    clear()


def test_without_llvmlite_the_fused_kernel_takes_over_silently(tried_again, monkeypatch, logged):
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    for name in ("llvm_kernel", "llvm_code", "llvm_vectors"):
        monkeypatch.delitem(sys.modules, f"kdeviz.model.kernels.{name}")
    points = cloud(5000, 3)
    assert choose_kernel(points).name == "fused attention"
    with pytest.raises(OptionError, match="kernel='llvm' needs the package llvmlite: use 'auto'"):
        choose_kernel(points, "llvm")
    assert not logged


def test_without_fused_multiply_adds_too(tried_again, monkeypatch, logged):
    monkeypatch.setattr(llvm_vectors.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(llvm, "get_host_cpu_features", lambda: {"sse4.2": True, "avx2": True, "fma": False})
    monkeypatch.setattr(llvm_code, "_made", [])
    assert choose_kernel(cloud(5000, 3)).name == "fused attention"
    with pytest.raises(OptionError, match="does not work here: this CPU has no fused multiply-add"):
        choose_kernel(cloud(5, 3), "llvm")
    assert not logged


@pytest.mark.parametrize(
    ("machine", "features", "lanes"),
    [
        ("x86_64", {"avx512f": True, "avx2": True, "fma": True}, 16),
        ("AMD64", {"avx2": True, "fma": True}, 8),
        ("arm64", {}, 4),
        ("aarch64", {"neon": True}, 4),
    ],
)
def test_the_widest_vector(machine, features, lanes, monkeypatch):
    monkeypatch.setattr(llvm_vectors.platform, "machine", lambda: machine)
    monkeypatch.setattr(llvm, "get_host_cpu_features", lambda: features)
    assert llvm_vectors.widest() == lanes


class Wrong(LLVMKernel):
    def sums(self, queries):
        return super().sums(queries) + 1e-3


class DoesNotCompile(BlockedKernel):
    def __init__(self, points):
        raise RuntimeError("LLVM cannot\nand more")


@pytest.mark.parametrize(
    ("kernel", "fault"),
    [(Wrong, "it is wrong by 0.001"), (DoesNotCompile, "RuntimeError: LLVM cannot")],
)
def test_a_kernel_that_does_not_work_is_told_once_and_left_alone(
    tried_again, monkeypatch, logged, kernel, fault
):
    monkeypatch.setattr(trials, "llvm_kernel", kernel)
    assert [choose_kernel(cloud(5000, 3)).name for _ in range(2)] == ["fused attention"] * 2
    (record,) = logged
    assert fault in record.getMessage()
    assert "'fused attention' takes its place" in record.getMessage()
    with pytest.raises(OptionError, match="kernel='llvm' does not work on the CPU"):
        choose_kernel(cloud(5, 3), "llvm")


SMALL_WORK = """
import sys, torch
from kdeviz import KDEClassifier
classifier = KDEClassifier(n_pca_components=3)
classifier.fit(torch.randn(4095, 5))
classifier.predict(torch.randn(50, 5))
print(sorted(name for name in sys.modules if name.startswith("llvmlite")))
"""


def test_small_work_does_not_load_llvm():
    done = subprocess.run([sys.executable, "-c", SMALL_WORK], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
