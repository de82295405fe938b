"""Which kernel sums the exponentials: the fastest that works for these points on this device."""

from __future__ import annotations

import logging
from functools import cache

import torch
from torch import Tensor

from kdeviz.errors import OptionError
from kdeviz.model.kernels.logsumexp import BlockedKernel, FusedKernel, Kernel, rounding_bound

logger = logging.getLogger(__name__)

# With fewer points the blocked kernel is done before Triton has compiled; with more dimensions a matrix
# product takes nearly all the time, and torch's own is as good.
_TRITON_POINTS, _TRITON_DIMENSIONS = 8192, 128
_TRITON_DEVICE = "cuda"
# Triton tunes itself on the first sums that it is asked for: these are large enough to tune on.
_CHECK_POINTS, _CHECK_QUERIES, _COMPARED = 2**15, 2**14, 64
# Of the running sum and the exponentials, beside the rounding of the exponents.
_CHECK_TOLERANCE = 1e-5

_TRITON = "triton"
_MADE_BY = {
    FusedKernel.name: FusedKernel,
    _TRITON: lambda points: _triton_kernel(points),
    BlockedKernel.name: BlockedKernel,
}
KERNELS = ("auto", *_MADE_BY)


def choose_kernel(points: Tensor, wanted: str = "auto") -> Kernel:
    """The kernel for these points: the fastest that works here, unless another is wanted.

    Raises:
        OptionError: the wanted kernel is unknown or cannot be used for these points.
    """
    if wanted not in KERNELS:
        raise OptionError(f"kernel={wanted!r} is not known: choose {', '.join(KERNELS)}")
    if wanted != "auto":
        obstacle = _obstacle(wanted, points)
        if obstacle:
            raise OptionError(f"kernel={wanted!r} {obstacle}: use 'auto'")
        return _MADE_BY[wanted](points)
    if not _obstacle(FusedKernel.name, points):
        return FusedKernel(points)
    n, k = points.shape
    worth_compiling = n >= _TRITON_POINTS and k <= _TRITON_DIMENSIONS
    if worth_compiling and not _obstacle(_TRITON, points):
        return _triton_kernel(points)
    return BlockedKernel(points)


def _obstacle(kernel: str, points: Tensor) -> str:
    """Why a kernel cannot be used for these points; empty if it can."""
    single, device = points.dtype == torch.float32, points.device.type
    if kernel == FusedKernel.name:
        possible = single and device == "cpu" and _fused_works()
        return "" if possible else "needs float32 points on the CPU, and an operator of torch's"
    if kernel == _TRITON:
        if not single or device != _TRITON_DEVICE:
            return "needs float32 points on CUDA"
        try:
            return _triton_fault(points.device, points.shape[1])
        except torch.OutOfMemoryError:
            return f"cannot be tried on {points.device}: its memory is full"
    return ""


def _triton_kernel(points: Tensor) -> Kernel:
    from kdeviz.model.kernels.triton_kernel import TritonKernel

    return TritonKernel(points)


@cache
def _triton_fault(device: torch.device, k: int) -> str:
    """What goes wrong when Triton sums in k dimensions on this device; empty if nothing does."""
    try:
        error = _triton_excess(device, k)
    except torch.OutOfMemoryError:
        raise  # passes, so it is not remembered
    except Exception as raised:
        fault = f"does not work on {device}: {type(raised).__name__}: {raised}".splitlines()[0]
    else:
        if error <= _CHECK_TOLERANCE:
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
    points = 3 * torch.randn(_CHECK_POINTS, k, generator=generator, device=device)
    queries = 3 * torch.randn(_CHECK_QUERIES, k, generator=generator, device=device)
    fast, exact = _triton_kernel(points), BlockedKernel(points.double())
    some, others = queries[:_COMPARED].double(), points[:_COMPARED].double()
    found = [fast.sums(queries)[:_COMPARED], fast.leave_one_out(0, _CHECK_QUERIES)[:_COMPARED]]
    expected = torch.cat([exact.sums(some), exact.leave_one_out(0, _COMPARED)])
    farthest = float(torch.linalg.vector_norm(points, dim=1).max())
    bound = rounding_bound(fast, torch.cat([some, others]), expected, len(points), farthest)
    return float(((torch.cat(found) - expected).abs() - bound).max())


@cache
def _fused_works() -> bool:
    """Whether this torch has the operator and it still means the same."""
    points = torch.linspace(-2, 2, 12).reshape(6, 2)
    try:
        fused, blocked = FusedKernel(points), BlockedKernel(points)
        same = torch.allclose(fused.sums(points), blocked.sums(points), atol=1e-5)
        return same and torch.allclose(fused.leave_one_out(1, 4), blocked.leave_one_out(1, 4), atol=1e-5)
    except Exception:
        return False
