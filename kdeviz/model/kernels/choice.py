"""Which kernel sums the exponentials: the fastest that works for these points on this device."""

from __future__ import annotations

import torch
from torch import Tensor

from kdeviz.errors import OptionError
from kdeviz.model.kernels import trials
from kdeviz.model.kernels.logsumexp import BlockedKernel, FusedKernel, Kernel

# With fewer points the fused kernel is done before LLVM has compiled (measured: 0.1 s, once per process).
# Scores of larger points could overflow.
MANY_POINTS, _LARGEST = 4096, 1e17
# With fewer points the blocked kernel is done before Triton has compiled; with more dimensions a matrix
# product takes nearly all the time, and torch's own is as good.
_TRITON_POINTS, _TRITON_DIMENSIONS = 8192, 128
_TRITON_DEVICE = "cuda"

_LLVM, _TRITON = "llvm", "triton"
_MADE_BY = {
    _LLVM: lambda points: trials.llvm_kernel(points),
    FusedKernel.name: FusedKernel,
    _TRITON: lambda points: trials.triton_kernel(points),
    BlockedKernel.name: BlockedKernel,
}
KERNELS = ("auto", *_MADE_BY)
IN_WORDS = {
    _LLVM: "machine code made for this processor",
    FusedKernel.name: "an operator of torch",
    _TRITON: "a program made for this graphics card",
    BlockedKernel.name: "torch, block by block",
}
"""What each is, for people."""


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
    n, k = points.shape
    if n >= MANY_POINTS and not _obstacle(_LLVM, points):
        return trials.llvm_kernel(points)
    if not _obstacle(FusedKernel.name, points):
        return FusedKernel(points)
    worth_compiling = n >= _TRITON_POINTS and k <= _TRITON_DIMENSIONS
    if worth_compiling and not _obstacle(_TRITON, points):
        return trials.triton_kernel(points)
    return BlockedKernel(points)


def _obstacle(kernel: str, points: Tensor) -> str:
    """Why a kernel cannot be used for these points; empty if it can."""
    single, device = points.dtype == torch.float32, points.device.type
    if kernel == FusedKernel.name:
        possible = single and device == "cpu" and trials.fused_works()
        return "" if possible else "needs float32 points on the CPU, and an operator of torch's"
    if kernel == _LLVM:
        if not single or device != "cpu" or not points.abs().amax() < _LARGEST:
            return f"needs float32 points on the CPU, below {_LARGEST:.0e}"
        return trials.llvm_fault()
    if kernel == _TRITON:
        if not single or device != _TRITON_DEVICE:
            return "needs float32 points on CUDA"
        try:
            return trials.triton_fault(points.device, points.shape[1])
        except torch.OutOfMemoryError:
            return f"cannot be tried on {points.device}: its memory is full"
    return ""
