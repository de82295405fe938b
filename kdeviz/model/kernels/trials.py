"""Whether a kernel works here: each is tried once, against the blocked kernel."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache, partial

import torch
from torch import Tensor

from kdeviz.model.kernels.logsumexp import BlockedKernel, FusedKernel, Kernel, rounding_bound

logger = logging.getLogger(__name__)

# Triton tunes itself on the first sums that it is asked for: these are large enough to tune on.
_POINTS, _QUERIES, _COMPARED = 2**15, 2**14, 64
# Several blocks and a part of one; LLVM makes the same code for all dimensions.
_LLVM_POINTS, _LLVM_QUERIES, _LLVM_DIMENSIONS = 2500, 64, 5
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


def llvm_kernel(points: Tensor) -> Kernel:
    """LLVM's kernel for these points; the package is imported when it is first needed."""
    from kdeviz.model.kernels.llvm_kernel import LLVMKernel

    return LLVMKernel(points)


@cache
def llvm_fault() -> str:
    """What goes wrong when LLVM's code sums on this CPU; empty if nothing does."""
    shape = _LLVM_POINTS, _LLVM_QUERIES, _LLVM_DIMENSIONS
    excess = partial(_excess, llvm_kernel, torch.device("cpu"), *shape)
    try:
        return _fault("llvm", "fused attention", "the CPU", excess, (ImportError, NotImplementedError))
    except ImportError:
        return "needs the package llvmlite"
    except NotImplementedError as reason:
        return f"does not work here: {reason}"


def triton_kernel(points: Tensor) -> Kernel:
    """Triton's kernel for these points; the package is imported when it is first needed."""
    from kdeviz.model.kernels.triton_kernel import TritonKernel

    return TritonKernel(points)


@cache
def triton_fault(device: torch.device, k: int) -> str:
    """What goes wrong when Triton sums in k dimensions on this device; empty if nothing does.

    Raises:
        torch.OutOfMemoryError: the trial does not fit; that passes, so it is not remembered.
    """
    excess = partial(_excess, triton_kernel, device, _POINTS, _QUERIES, k)
    return _fault("triton", "blocked", device, excess, (torch.OutOfMemoryError,))


def _fault(
    kernel: str,
    instead: str,
    device: object,
    excess: Callable[[], float],
    no_faults: tuple[type[Exception], ...],
) -> str:
    """What goes wrong in a trial, told once in the log; errors that are `no_faults` are raised."""
    try:
        error = excess()
    except no_faults:
        raise
    except Exception as raised:
        found = f"{type(raised).__name__}: {raised}"
    else:
        if error <= _TOLERANCE:
            return ""
        found = f"it is wrong by {error:.1g} nats more than rounding explains"
    fault = f"does not work on {device}: {found}".splitlines()[0]
    _warn_once(kernel, fault, instead)
    return fault


@cache
def _warn_once(kernel: str, fault: str, instead: str) -> None:
    logger.warning("kernel %r %s; %r takes its place", kernel, fault, instead)


def _excess(kernel: Callable[[Tensor], Kernel], device: torch.device, n: int, m: int, k: int) -> float:
    """By how much sums on random points are off, more than their rounding bound; NaN if they are."""
    generator = torch.Generator(device).manual_seed(0)
    points = 3 * torch.randn(n, k, generator=generator, device=device)
    queries = 3 * torch.randn(m, k, generator=generator, device=device)
    fast, exact = kernel(points), BlockedKernel(points.double())
    some = queries[:_COMPARED].double()
    sums, expected = fast.sums(queries)[:_COMPARED], exact.sums(some)
    farthest = float(torch.linalg.vector_norm(points, dim=1).max())
    bound = rounding_bound(fast, some, expected, len(points), farthest)
    return float(((sums - expected).abs() - bound).max())
