"""Triton's kernels: interpreted on the CPU, compiled for a GPU that is not there, and on a real one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from kdeviz.model.kde import GaussianKDE
from kdeviz.model.kernels import choice as kernel_choice
from kdeviz.model.kernels import trials
from kdeviz.model.kernels.choice import choose_kernel
from kdeviz.model.kernels.logsumexp import BlockedKernel, rounding_bound
from kdeviz.model.kernels.sums import KernelSums

# numpy, which does the interpreter's arithmetic, warns of infinities that are meant.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:triton.runtime.interpreter")

ROOT = Path(__file__).parents[2]
WITH_GPU = torch.cuda.is_available()
if not WITH_GPU:
    os.environ["TRITON_INTERPRET"] = "1"  # Triton looks at it when it is imported


def exponents(queries, points):
    differences = queries.double().numpy()[:, None] - points.double().numpy()
    return -0.5 * (differences**2).sum(-1)


def direct(queries, points):
    return logsumexp(exponents(queries, points), axis=1)


def cloud(n, k, seed=0, scale=1.0):
    return scale * torch.randn(n, k, generator=torch.Generator().manual_seed(seed))


def assert_within_rounding(kernel, found, expected, queries, points):
    farthest = float(points.norm(dim=1).max())
    expected = torch.from_numpy(expected)
    bound = rounding_bound(kernel, queries.double(), expected, len(points), farthest) + 5e-6
    assert ((found - expected).abs() <= bound).all()


@pytest.fixture(scope="module")
def interpreted():
    """The module with blocks so small that a few dozen points are several tiles and several programs."""
    triton = pytest.importorskip("triton")
    if WITH_GPU:
        pytest.skip("tested on the GPU")
    from kdeviz.model.kernels import triton_kernel as module

    def blocks(m, n):
        return [triton.Config({"BLOCK_M": m, "BLOCK_N": n})]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module._differences, "configs", blocks(32, 16))
        patch.setattr(module._products, "configs", blocks(16, 32))
        for name, value in {"PROGRAMS": 3, "FEWEST_POINTS": 64, "MOST_POINTS": 192}.items():
            patch.setattr(module, f"_{name}", value)
        yield module


@settings(max_examples=15)
@given(
    n=st.integers(1, 300),
    m=st.integers(0, 70),
    k=st.one_of(st.integers(1, 20), st.integers(21, 100)),
    differences=st.booleans(),
    scale=st.sampled_from([0.1, 1.0, 30.0]),
    seed=st.integers(0, 99),
)
def test_any_shape(interpreted, n, m, k, differences, scale, seed):
    points, queries = cloud(n, k, seed, scale), cloud(m, k, seed + 1, scale)
    kernel = interpreted.TritonKernel(points, differences and k <= 20)
    found = kernel.sums(queries)
    assert found.shape == (m,)
    assert_within_rounding(kernel, found, direct(queries, points), queries, points)


@pytest.mark.parametrize("differences", [True, False])
def test_points_of_any_strides(interpreted, differences):
    points, queries = cloud(4, 50).T, cloud(4, 20, 1).T
    found = interpreted.TritonKernel(points, differences).sums(queries)
    np.testing.assert_allclose(found, direct(queries, points), atol=1e-5)


def test_many_equal_points(interpreted):
    points = cloud(3, 2).repeat_interleave(1000, 0)
    for differences in (True, False):
        found = interpreted.TritonKernel(points, differences).sums(points[::500])
        np.testing.assert_allclose(found, direct(points[::500], points), atol=1e-5)


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e5, 1e30])
def test_both_parts_of_a_number_fit_into_float16_and_lose_next_to_nothing(interpreted, size):
    x = cloud(1000, 8, scale=size)
    exponent = interpreted._exponent(x.abs().amax(1, keepdim=True)) - 8
    high, low = interpreted._halves(x, exponent, 16)
    assert high.dtype == low.dtype == torch.float16
    assert (high[:, 8:] == 0).all()
    assert (low[:, 8:] == 0).all()
    # 11 bits and a sign, twice; and half of float16's smallest step.
    back = (high[:, :8].double() + low[:, :8].double()) * 2.0 ** exponent.double()
    allowed = 2**-22 * x.double().abs() + 2.0 ** (exponent.double() - 25)
    assert ((x.double() - back).abs() <= allowed).all()


def test_powers_of_two_are_exact(interpreted):
    exponents = torch.arange(-126, 128, dtype=torch.int32)
    assert (interpreted._power_of_two(exponents).double() == 2.0 ** exponents.double()).all()


def test_the_programs_cover_all_points_and_are_neither_many_nor_long(interpreted, monkeypatch):
    for name, value in {"PROGRAMS": 1024, "FEWEST_POINTS": 1024, "MOST_POINTS": 2**14}.items():
        monkeypatch.setattr(interpreted, f"_{name}", value)
    for n, m, programs in ((1024, 1, 1), (40_960, 1, 40), (40_960, 10**6, 3 * 7813), (10**8, 1, 6104)):
        span = interpreted._points_per_program(n, m)
        assert span % 1024 == 0
        assert span <= 2**14
        assert -(-n // span) * -(-m // 128) == programs


@pytest.fixture
def cpu_as_gpu(interpreted, monkeypatch):
    """KernelSums may use the interpreted kernel."""
    monkeypatch.setattr(kernel_choice, "_TRITON_DEVICE", "cpu")
    for name, value in {"POINTS": 200, "QUERIES": 70}.items():
        monkeypatch.setattr(trials, f"_{name}", value)
    trials.triton_fault.cache_clear()
    yield
    trials.triton_fault.cache_clear()


def tails(k, n=777):
    """Queries from the body to about -1e5 nats; points with an outlier and many equal ones."""
    generator = torch.Generator().manual_seed(k)
    points = n ** (1 / (k + 4)) * torch.randn(n, k, generator=generator, dtype=torch.float64)
    points[0] += 1e4
    points[1 : n // 3] = points[1]
    far = torch.logspace(-1, 2.6, 60, dtype=torch.float64)[:, None]
    noise = torch.randn(60, k, generator=generator, dtype=torch.float64)
    queries = torch.cat([far * noise, points[:5] + 0.1])
    return queries.float().double(), points.float().double()


def assert_promised(sums, queries, points):
    expected = direct(queries, points)
    for offset in (0.0, -float(expected[0]), 30.0):
        found = sums.at(queries.to(points.device), offset).cpu().numpy()
        assert (np.abs(found - expected) <= 1e-4 + 1e-5 * np.abs(expected + offset)).all()


@pytest.mark.parametrize("k", [1, 3, 9, 64])
def test_the_promise_in_body_and_tails(cpu_as_gpu, k):
    queries, points = tails(k, 300)
    sums = KernelSums(points, torch.float32, "triton")
    assert sums.kernel == "triton"
    assert_promised(sums, queries, points)


@pytest.mark.parametrize("size", [1e-40, 1e-20, 1e4, 1e6, 1e15])
def test_products_of_points_and_queries_of_any_size(cpu_as_gpu, size):
    points = torch.cat([cloud(90, 9), size * cloud(10, 9, 1)]).double()
    queries = torch.cat([cloud(20, 9, 2), size * cloud(20, 9, 3)]).double()
    if size < 1e6:  # beyond, |x|^2 in float64 is no longer exact to 1e-4
        queries = torch.cat([queries, points[-5:]])
    assert_promised(KernelSums(points, torch.float32, "triton"), queries, points)


@pytest.mark.parametrize("size", [1e20, 1e38, 1e200])
def test_no_nan_where_squares_overflow(cpu_as_gpu, size):
    for k in (2, 9):
        points = torch.zeros(2, k, dtype=torch.float64)
        points[1, 0] = 1
        queries = torch.zeros(2, k, dtype=torch.float64)
        queries[0] = size
        far, near = KernelSums(points, torch.float32, "triton").at(queries).tolist()
        assert far < -1e38
        assert near == pytest.approx(np.log(1 + np.exp(-0.5)), abs=1e-4)


def test_differences_need_no_repairs_where_products_do(cpu_as_gpu, monkeypatch):
    points = cloud(300, 2, scale=30.0).double()
    repaired = []
    sums = BlockedKernel.sums
    monkeypatch.setattr(BlockedKernel, "sums", lambda self, x: repaired.append(len(x)) or sums(self, x))
    kernel = KernelSums(points, torch.float32, "triton")
    repaired.clear()
    assert_promised(kernel, points[:50] + 0.5, points)
    assert sum(repaired) == 0
    assert_promised(KernelSums(points, torch.float32, "fused attention"), points[:50] + 0.5, points)
    assert sum(repaired) > 0


def test_differences_are_repaired_where_the_coordinates_round_too_much(cpu_as_gpu):
    points = cloud(300, 2, scale=1e4).double() + 1e-4
    queries = points[:50] + 0.7
    plain = choose_kernel(points.float(), "triton").sums(queries.float())
    assert (np.abs(plain.numpy() - direct(queries, points)) > 2e-4).any()
    assert_promised(KernelSums(points, torch.float32, "triton"), queries, points)


COMPILE = """
import json, subprocess, sys, tempfile, warnings
warnings.simplefilter("ignore")
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from kdeviz.model.kernels import triton_kernel

def compiled(kernel, **options):
    config = kernel.configs[0]
    fixed = {**options, **config.kwargs}
    names = kernel.fn.arg_names
    kinds = dict.fromkeys(("m", "n", "span"), "i32") | dict.fromkeys(fixed, "constexpr")
    kinds |= dict.fromkeys(("x_high", "x_low", "y_high", "y_low"), "*fp16")
    signature = {name: kinds.get(name, "*fp32") for name in names}
    aligned = [i for i, name in enumerate(names) if name not in fixed and name != "m"]
    source = ASTSource(kernel.fn, signature, fixed, {(i,): [["tt.divisibility", 16]] for i in aligned})
    launch = {"num_warps": config.num_warps, "num_stages": config.num_stages}
    return triton.compile(source, target=GPUTarget("cuda", 90, 32), options=launch)

def facts(found):
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(found.asm["cubin"]); file.flush()
        tool = triton.knobs.nvidia.cuobjdump.path
        usage = subprocess.run([tool, "-res-usage", file.name], capture_output=True, text=True).stdout
    return {"shared": found.metadata.shared, "ptx": found.asm["ptx"], "usage": usage}

print(json.dumps([
    facts(compiled(triton_kernel._differences, K=2)),
    facts(compiled(triton_kernel._products, K=16)),
]))
"""


def test_both_compile_for_a_hopper_gpu_without_spilling(tmp_path):
    pytest.importorskip("triton")
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", COMPILE], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    differences, products = json.loads(done.stdout)
    for facts in (differences, products):
        assert "STACK:0" in facts["usage"]
        assert facts["shared"] <= 227 * 1024
        assert "ex2.approx" in facts["ptx"]
    assert products["ptx"].count("wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16") == 3


@pytest.mark.gpu
@pytest.mark.parametrize("kernel", ["triton", "blocked"])
@pytest.mark.parametrize("k", [1, 2, 3, 8, 9, 16, 33, 64, 100])
def test_the_promise_on_a_gpu(kernel, k):
    queries, points = tails(k)
    sums = KernelSums(points.cuda(), torch.float32, kernel)
    assert sums.kernel == kernel
    expected = direct(queries, points)
    for offset in (0.0, -float(expected[0]), 30.0):
        found = sums.at(queries.cuda(), offset).cpu().numpy()
        assert (np.abs(found - expected) <= 1e-4 + 1e-5 * np.abs(expected + offset)).all()


@pytest.mark.gpu
@pytest.mark.parametrize("k", [1, 2, 3, 8, 16, 33, 64, 128])
def test_an_exponent_on_a_gpu_is_within_its_rounding_bound(k):
    from kdeviz.model.kernels.triton_kernel import TritonKernel

    # A point far from the origin, and queries beside it: |x|^2 and x.y cancel.
    for seed, size in enumerate((3.0, 30.0, 300.0)):
        point = cloud(1, k, seed, size)
        queries = point + cloud(50_000, k, 9)
        found = TritonKernel(point.cuda(), k == 2).sums(queries.cuda()).cpu()
        assert_within_rounding(
            TritonKernel(point.cuda(), k == 2), found, direct(queries, point), queries, point
        )


@pytest.mark.gpu
@pytest.mark.parametrize("k", [2, 16, 33])
@pytest.mark.parametrize("n", [777, 20_001, 100_003])
def test_sums_on_a_gpu_over_many_points(n, k):
    from kdeviz.model.kernels.triton_kernel import TritonKernel

    points = cloud(n, k, scale=2.0).cuda()
    kernel, exact = TritonKernel(points), BlockedKernel(points.double())
    for m in (1, 100, 5000):
        queries = cloud(m, k, 1, 2.0).cuda()
        expected = exact.sums(queries.double()).cpu().numpy()
        assert_within_rounding(kernel, kernel.sums(queries).cpu(), expected, queries.cpu(), points.cpu())


@pytest.mark.gpu
def test_a_density_on_a_gpu_takes_triton_and_needs_no_memory_for_pairs():
    points, queries = cloud(40_000, 16), cloud(100_000, 16, 1).cuda()
    kde = GaussianKDE().cuda().fit(points.cuda())
    assert kde.scorer(torch.float32).kernel == "triton"
    kde.log_prob(queries[:100])
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    found = kde.log_prob(queries)
    assert torch.cuda.max_memory_allocated() - before < 300e6
    expected = GaussianKDE().fit(points).log_prob(queries[:200].cpu().double())
    np.testing.assert_allclose(found[:200].cpu(), expected, **oracles.LOG_DENSITY)


@pytest.mark.gpu
def test_without_triton_a_gpu_takes_the_blocked_kernel(monkeypatch):
    trials.triton_fault.cache_clear()
    monkeypatch.setitem(sys.modules, "kdeviz.model.kernels.triton_kernel", None)
    try:
        assert choose_kernel(torch.randn(9000, 3, device="cuda")).name == "blocked"
    finally:
        trials.triton_fault.cache_clear()
