"""Rows: any (N, D) input (tensor, array, memory map), read in blocks and never changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.data.frames import numbers_of
from kdeviz.data.threads import about_to_compute
from kdeviz.errors import DataError

Features = Tensor | NDArray[Any]
"""(N, D) numbers."""
OnBlock = Callable[[int, int], None]
"""Called with (rows done, rows in all) after each block; what it raises ends the computation."""

_BLOCK_BYTES = 32 * 2**20
_FEWEST_ROWS = 16
_STREAMED_ROWS = 2048
_NAMED_ROWS = 5
_SHORT_FLOATS = (np.float16, np.float32)


def working_dtype(device: torch.device) -> torch.dtype:
    """float64, in which models are fitted and kept; float32 where a device has no float64 (Apple's GPU)."""
    return torch.float32 if device.type == "mps" else torch.float64


class Rows:
    """A checked view of an (N, D) input.

    Args:
        features: a torch tensor or whatever numpy can view as an array, of floats, integers or booleans;
            any stride, any device, requiring grad or not; or a data frame of them. It is only read.
        dimensions: D if it is known already.

    Raises:
        DataError: not two-dimensional, not numbers, masked or sparse, or not `dimensions` wide.
    """

    def __init__(self, features: Features, dimensions: int | None = None) -> None:
        source = numbers_of(features)
        if source.ndim != 2:
            hint = " For one sample pass x[None, :]." if source.ndim == 1 else ""
            raise DataError(f"features need shape (rows, dimensions), got {tuple(source.shape)}.{hint}")
        if not _is_real(source):
            raise DataError(f"features need to be real numbers, got {source.dtype}: convert them first")
        if dimensions is not None and source.shape[1] != dimensions:
            raise DataError(
                f"features have {source.shape[1]} dimensions, the model was fitted on {dimensions}: "
                "score rows from the same feature extractor"
            )
        if source.shape[1] == 0:
            raise DataError(f"features have no dimensions: shape {tuple(source.shape)}")
        self._source = source
        self._index: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self._source) if self._index is None else len(self._index)

    @property
    def dimensions(self) -> int:
        """D."""
        return int(self._source.shape[1])

    @property
    def device(self) -> torch.device | None:
        """Where the rows are, or None for an array."""
        return self._source.device if isinstance(self._source, Tensor) else None

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of results: float64 for float64 rows, float32 for everything else."""
        kind = self._source.dtype
        if isinstance(kind, torch.dtype):
            return torch.float64 if kind == torch.float64 else torch.float32
        return torch.float64 if kind.kind == "f" and kind.itemsize >= 8 else torch.float32

    def result_dtype(self, device: torch.device) -> torch.dtype:
        """`dtype`, or what the device has instead."""
        return torch.float32 if working_dtype(device) == torch.float32 else self.dtype

    @property
    def resolution(self) -> float:
        """Relative rounding step of the stored numbers; 0 for integers, which are exact."""
        if isinstance(self._source, Tensor):
            return torch.finfo(self._source.dtype).eps if self._source.is_floating_point() else 0.0
        kind = self._source.dtype
        return float(np.finfo(kind).eps) if kind.kind == "f" else 0.0

    def select(self, index: NDArray[np.int64]) -> Rows:
        """The rows with these numbers, still unread."""
        chosen = Rows(self._source)
        chosen._index = index if self._index is None else self._index[index]
        return chosen

    def block(self, start: int, stop: int, dtype: torch.dtype, device: torch.device) -> Tensor:
        """Rows start to stop as a new tensor."""
        about_to_compute()
        part = self._part(start, stop)
        copied = part if isinstance(part, Tensor) else _tensor(part, dtype, device)
        return copied.to(device=device, dtype=dtype, copy=copied is part)

    def values(self, start: int, stop: int) -> NDArray[Any]:
        """Rows start to stop as an array of their own type; float32 for bfloat16, which numpy lacks."""
        part = self._part(start, stop)
        if isinstance(part, Tensor):
            part = (part.float() if part.dtype == torch.bfloat16 else part).cpu().numpy()
        return part

    def stream(
        self, dtype: torch.dtype, device: torch.device, on_block: OnBlock | None = None
    ) -> Iterator[tuple[slice, Tensor]]:
        """Consecutive blocks and where they are, small enough for a cache; each overwrites the one before."""
        about_to_compute()
        buffer: Tensor | None = None
        for start, stop in self.spans(on_block, _STREAMED_ROWS):
            if buffer is None:
                buffer = torch.empty(stop - start, self.dimensions, dtype=dtype, device=device)
            target = buffer[: stop - start]
            part = self._part(start, stop)
            if isinstance(part, Tensor):
                target.copy_(part)
            elif device.type == "cpu":
                np.copyto(target.numpy(), part, casting="same_kind")
            else:
                target.copy_(_tensor(part, dtype, device))
            yield slice(start, stop), target

    def spans(self, on_block: OnBlock | None = None, most: int = 8192) -> Iterator[tuple[int, int]]:
        """Consecutive (start, stop) of at most that many rows, whose float64 blocks stay near 32 MiB."""
        step = min(max(_BLOCK_BYTES // (8 * self.dimensions), _FEWEST_ROWS), most)
        for start in range(0, len(self), step):
            stop = min(start + step, len(self))
            yield start, stop
            if on_block is not None:
                on_block(stop, len(self))

    def check_finite(self, first_row: int = 0) -> None:
        """Raise DataError naming the first rows with NaN or infinity, and how many there are.

        Args:
            first_row: the number of the first row, where these are a part of more.
        """
        if isinstance(self._source, Tensor):
            about_to_compute()
        bad: list[int] = []
        for start, stop in self.spans():
            part = self._part(start, stop)
            if _surely_finite(part):
                continue
            finite = torch.isfinite(part).cpu().numpy() if isinstance(part, Tensor) else np.isfinite(part)
            bad.extend(int(i) + start + first_row for i in np.flatnonzero(~finite.all(1)))
        if bad:
            named = ", ".join(map(str, bad[:_NAMED_ROWS])) + (", …" if len(bad) > _NAMED_ROWS else "")
            raise DataError(
                f"{len(bad)} of {len(self)} rows hold NaN or infinity (rows {named}): "
                "remove these rows or repair the feature extractor"
            )

    def digest(self) -> str:
        """32 hexadecimal digits over dtype, shape and every byte (blake2b)."""
        digest = begun_digest(self.values(0, 0).dtype, len(self), self.dimensions)
        for start, stop in self.spans():
            digest.update(np.ascontiguousarray(self.values(start, stop)).data)
        return digest.hexdigest()

    def _part(self, start: int, stop: int) -> Tensor | NDArray[Any]:
        if self._index is None:
            return self._source[start:stop]
        index = self._index[start:stop]
        if isinstance(self._source, Tensor):
            return self._source[torch.from_numpy(index).to(self._source.device)]
        return self._source[index]


def begun_digest(dtype: np.dtype[Any], rows: int, dimensions: int) -> hashlib.blake2b:
    """That of `Rows.digest`, to be updated with the bytes of so many rows of this type, in their order."""
    return hashlib.blake2b(f"{dtype.str}{(rows, dimensions)}".encode(), digest_size=16)


def _tensor(part: NDArray[Any], dtype: torch.dtype, device: torch.device) -> Tensor:
    """A copy on the device: short floats travel as they are, and are widened there."""
    widest = np.float64 if dtype == torch.float64 else np.float32
    travels = device.type != "cpu" and part.dtype in _SHORT_FLOATS and part.dtype.isnative
    return torch.from_numpy(np.array(part, dtype=part.dtype if travels else widest)).to(device)


def _surely_finite(part: Tensor | NDArray[Any]) -> bool:
    """By its sum, which NaN and infinity never leave finite; a sum that overflows proves nothing."""
    if not isinstance(part, Tensor):
        if part.dtype.kind != "f":
            return True
        with np.errstate(over="ignore", invalid="ignore"):
            return bool(np.isfinite(part.sum()))
    return bool(torch.isfinite(part.sum()))


def _is_real(source: Tensor | NDArray[Any]) -> bool:
    if isinstance(source, Tensor):
        return not source.is_complex() and source.layout == torch.strided
    return source.dtype.kind in "fiub"
