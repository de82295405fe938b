"""Whether a kernel works here: each is tried once, against the blocked kernel."""

from __future__ import annotations

import logging
from functools import cache

import torch
from torch import Tensor

from kdeviz.model.kernels.logsumexp import BlockedKernel, FusedKernel, Kernel, rounding_bound

logger = logging.getLogger(__name__)

# Triton tunes itself on the first sums that it is asked for: these are large enough to tune on.
_POINTS, _QUERIES, _COMPARED = 2**15, 2**14, 64
# Of the running sum and the exponentials, beside the rounding of the exponents.
_TOLERANCE = 1e-5


@cache
def fused_works() -> bool:
    """Whether this torch has the operator and it still means the same."""
    points = torch.linspace(-2, 2, 12).reshape(6, 2)
    try:
        fused, blocked = FusedKernel(points), BlockedKernel(points)
        return torch.allclose(fused.sums(points), blocked.sums(points), atol=1e-5)
    except Exception:
        return False


def triton_kernel(points: Tensor) -> Kernel:
    """Triton's kernel for these points; the package is imported when it is first needed."""
    from kdeviz.model.kernels.triton_kernel import TritonKernel

    return TritonKernel(points)


@cache
def triton_fault(device: torch.device, k: int) -> str:
    """What goes wrong when Triton sums in k dimensions on this device; empty if nothing does."""
    try:
        error = _triton_excess(device, k)
    except torch.OutOfMemoryError:
        raise  # passes, so it is not remembered
    except Exception as raised:
        fault = f"does not work on {device}: {type(raised).__name__}: {raised}".splitlines()[0]
    else:
        if error <= _TOLERANCE:
            return ""
        fault = f"does not work on {device}: it is wrong by {error:.1g} nats more than rounding explains"
    _warn_once(fault)
    return fault


@cache
def _warn_once(fault: str) -> None:
    logger.warning("kernel 'triton' %s; 'blocked' takes its place", fault)


def _triton_excess(device: torch.device, k: int) -> float:
    """By how much Triton's sums on random points are off, more than their rounding bound; NaN if they are."""
    generator = torch.Generator(device).manual_seed(0)
    points = 3 * torch.randn(_POINTS, k, generator=generator, device=device)
    queries = 3 * torch.randn(_QUERIES, k, generator=generator, device=device)
    fast, exact = triton_kernel(points), BlockedKernel(points.double())
    some = queries[:_COMPARED].double()
    sums, expected = fast.sums(queries)[:_COMPARED], exact.sums(some)
    farthest = float(torch.linalg.vector_norm(points, dim=1).max())
    bound = rounding_bound(fast, some, expected, len(points), farthest)
    return float(((sums - expected).abs() - bound).max())
