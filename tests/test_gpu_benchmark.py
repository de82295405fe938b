import numpy as np
import pytest
import torch

from benchmarks import gpu
from kdeviz.model.kernels.logsumexp import BlockedKernel


def clouds(k):
    generator = torch.Generator().manual_seed(k)
    return torch.randn(70, k, generator=generator), torch.randn(9, k, generator=generator)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize(("k", "width"), [(1, 16), (2, 3), (15, 16), (16, 32)])
def test_the_log_sum_exp_of_attention_is_the_kernel_sum(k, width):
    points, queries = clouds(k)
    found = gpu.attention_sums(points, gpu.flex_log_sum_exp, width)(queries)
    np.testing.assert_allclose(found, BlockedKernel(points.double()).sums(queries.double()), atol=1e-5)


@pytest.mark.parametrize("name", gpu.SUMS)
@pytest.mark.parametrize("k", [2, 16])
def test_contestants_say_why_they_cannot_run_here(name, k):
    with pytest.raises((ValueError, ImportError)):
        gpu.SUMS[name](clouds(k)[0].to("meta"))


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch 2.11's own compiler
@pytest.mark.parametrize("name", gpu.SUMS)
@pytest.mark.parametrize("k", [2, 8, 16])
def test_contestants_give_the_sum_on_a_gpu(name, k):
    if name == "KeOps":
        pytest.importorskip("pykeops")
    points, queries = clouds(k)
    found = gpu.SUMS[name](points.cuda())(queries.cuda()).cpu()
    # Attention operators may shorten products to tf32; the benchmark prints each one's error.
    np.testing.assert_allclose(found, BlockedKernel(points.double()).sums(queries.double()), atol=0.05)
