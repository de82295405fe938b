"""Files of named arrays: .npy and .npz here, and what .pt and .safetensors turn into."""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
from numpy.lib import format as npy
from numpy.typing import NDArray

from kdeviz.data.readers.content import Candidate, embedding_rank
from kdeviz.data.readers.roles import is_role
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.values import no_columns
from kdeviz.errors import DataError


@dataclass
class ArrayContent:
    """Arrays by key; a file with a single unnamed array has the key ""."""

    source: Source
    arrays: dict[str, NDArray[Any]]
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        numeric = {
            key: a for key, a in self.arrays.items() if a.dtype.kind in "biufc" and not (key and is_role(key))
        }
        wide = [key for key, a in numeric.items() if a.ndim == 2] or list(numeric)
        names = sorted(wide, key=lambda key: (embedding_rank(key), numeric[key].ndim != 2))
        self.candidates = [Candidate(name, (name,)) for name in names]

    @property
    def names(self) -> tuple[str, ...]:
        """Every key, in the file's order."""
        return tuple(self.arrays)

    def features(self, candidate: Candidate) -> NDArray[Any]:
        """The chosen array, in this machine's byte order.

        Raises:
            DataError: it is not two-dimensional, or complex.
        """
        array = self.arrays[candidate.name]
        where = f"{self.source.name}: {candidate.name or 'the array'}"
        if array.dtype.kind == "c":
            raise DataError(f"{where} holds complex numbers; keep real ones, for example abs(array)")
        if array.ndim != 2:
            raise DataError(f"{where} has shape {array.shape}, need (rows, dimensions); {_remedy(array)}")
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))

    def columns(self, candidate: Candidate | None, rows: int) -> pa.Table:
        """The 1-D arrays that have one entry per row."""
        found: dict[str, pa.Array] = {}
        for key, array in self.arrays.items():
            if candidate is not None and key == candidate.name:
                continue
            if array.shape == (rows,):
                with self.source.reading("array"):
                    found[key] = _column(array)
            elif Candidate(key, (key,)) not in self.candidates:
                self.notes.append(f"{key} of shape {array.shape} is left out: it is not one value per row.")
        return pa.table(found) if found else no_columns(rows)

    def why_not(self) -> str:
        """There is no array of numbers."""
        held = ", ".join(f"{key or 'an array'} of {array.dtype}" for key, array in self.arrays.items())
        return f"need an array of numbers of shape (rows, dimensions), found {held or 'nothing'}"


def read_npy(source: Source) -> ArrayContent:
    """Map a .npy file, or view the bytes of an upload; nothing is copied."""
    with source.reading(".npy"), source.open() as stream:
        shape, fortran, dtype = _npy_header(stream, f"{source.name}: the array")
        start, needed = stream.tell(), math.prod(shape) * dtype.itemsize
        source.check(needed, f"an array of shape {shape}")
        if needed > source.size - start:
            raise DataError(
                f"{source.name}: the header promises {needed:,} bytes for shape {shape}, "
                f"the file holds {source.size - start:,}; it was cut short, copy it again"
            )
        _refuse_empty(shape, source.name)
        order: Any = "F" if fortran else "C"
        array: NDArray[Any]
        if isinstance(source.data, Path):
            array = np.memmap(source.data, dtype, "r", start, shape, order)
        else:
            array = np.ndarray(shape, dtype, source.data, start, order=order)
    return ArrayContent(source, {"": array})


def read_npz(source: Source) -> ArrayContent:
    """Read every array of an .npz, after the sum of what they inflate to was checked."""
    with source.reading(".npz"), source.open() as stream, zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        source.check(sum(member.file_size for member in members), "the inflated archive")
        arrays = {
            member.filename.removesuffix(".npy"): _member(archive, member, source) for member in members
        }
    return ArrayContent(source, arrays)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, source: Source) -> NDArray[Any]:
    where = f"{source.name}: {member.filename}"
    with archive.open(member) as stream:
        shape, _, dtype = _npy_header(stream, where)
        needed, there = math.prod(shape) * dtype.itemsize, member.file_size - stream.tell()
        if needed > there:
            raise DataError(f"{where}: the header promises {needed:,} bytes, the archive holds {there:,}")
    with archive.open(member) as stream:
        array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
        stream.read()  # the checksum is only compared at the end of the member
    return array


def _npy_header(stream: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise DataError(f"{where}: .npy version {version} is not read; save a plain array of numbers")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if dtype.hasobject:
        raise DataError(
            f"{where} holds Python objects, which can run code when opened; save a plain array instead, "
            "for example np.save(path, np.stack(list(array)).astype('float32'))"
        )
    if dtype.names is not None or dtype.subdtype is not None:
        raise DataError(f"{where} is a structured array; save its numbers as one array (rows, dimensions)")
    return shape, fortran, dtype


def _refuse_empty(shape: tuple[int, ...], name: str) -> None:
    if 0 in shape:  # numpy cannot map zero bytes
        raise DataError(f"{name}: no values, shape {shape}; need at least one row and one dimension")


def _remedy(array: NDArray[Any]) -> str:
    if array.ndim > 2:
        return f"flatten each row: array.reshape({len(array)}, -1)"
    return "for one dimension pass array.reshape(-1, 1), for one row array.reshape(1, -1)"


def _column(array: NDArray[Any]) -> pa.Array:
    if array.dtype.kind == "S":
        return _text_or_bytes(pa.array(array, pa.binary()))
    return pa.array(array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("=")))


def _text_or_bytes(column: pa.Array) -> pa.Array:
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        return column
