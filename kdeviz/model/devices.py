"""Which device computes."""

from __future__ import annotations

import platform

import torch

from kdeviz.errors import OptionError


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The device to use: "auto" picks CUDA, then Apple's GPU, then the CPU.

    Raises:
        OptionError: the name is unknown, or this machine has no such device.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise OptionError(
            f"device={str(device)!r} cannot be used here ({reason}): choose 'auto' or 'cpu'"
        ) from None
    return chosen


def device_name(device: torch.device) -> str:
    """A name a person recognises, such as "NVIDIA H100 (cuda:0)" or "CPU, 8 threads"."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} ({device})"
    if device.type == "mps":
        return f"Apple {platform.machine()} GPU (mps)"
    return f"CPU, {torch.get_num_threads()} threads"


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether a device's memory ran out."""
    # Apple's GPU has no error class of its own for this.
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error)
