"""What numpy saves: .npy with one array, .npz with several, or with the parts of a sparse matrix of scipy."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.lib import format as npy
from numpy.typing import NDArray

from kdeviz.data.readers.arrangement import arranged
from kdeviz.data.readers.arrays import ArrayContent, Values, kind_of, structured
from kdeviz.data.readers.content import Content, NoRowsError
from kdeviz.data.readers.pickled_texts import texts_in
from kdeviz.data.readers.source import Source
from kdeviz.errors import DataError

_MAGIC = npy.magic(1, 0)[:-2]
_PICKLE = b"\x80"
_OBJECTS = "holds Python objects, which can run code when opened; "
_SPARSE = ("csr", "csc", "coo", "bsr", "dia")


class _Header(NamedTuple):
    """What a .npy says before its values."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        """How many the values take."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_npy(source: Source) -> Content:
    """Map a .npy file, or view the bytes of an upload; nothing is copied."""
    with source.reading(".npy"):
        array = _mapped(source, *_checked(source))
        return structured(source, array) if array.dtype.names else ArrayContent(source, {"": array})


def mapped_parts(source: Source, most_bytes: int) -> Iterator[tuple[NDArray[Any], float]]:
    """Rows of a .npy file that take about so much, each mapped anew; the share of all that ends with them."""
    with source.reading(".npy"):
        header, start = _checked(source)
        rows = header.shape[0] if header.shape else 1
        step = max(most_bytes * rows // max(header.bytes, 1), 1)
        for first in range(0, rows, step):
            # What was looked at stays in memory as long as its mapping.
            array = _mapped(source, header, start)
            yield array[first : first + step] if header.shape else array, min((first + step) / rows, 1.0)


def _checked(source: Source) -> tuple[_Header, int]:
    """What a .npy file says of its array, and where that begins."""
    where = f"{source.name}: the array"
    with source.open() as stream:
        _refuse_other_kinds(stream.read(len(_MAGIC)), source.name)
        stream.seek(0)
        header = _header(stream, where)
        if header.dtype.hasobject:
            raise DataError(f"{where} {_OBJECTS}{_remedy(header)}")
        start, needed = stream.tell(), header.bytes
        source.check(needed, f"an array of shape {header.shape}")
        if needed > source.size - start:
            raise DataError(
                f"{source.name}: the header promises {needed:,} bytes for shape {header.shape}, "
                f"the file holds {source.size - start:,}; it was cut short, copy it again"
            )
        if 0 in header.shape:  # numpy cannot map zero bytes
            raise NoRowsError(
                f"{source.name}: no values, shape {header.shape}; need at least one row and one dimension"
            )
        stream.seek(start + needed)
        _refuse_trailing(stream, header, source)
    return header, start


def read_npz(source: Source) -> Content:
    """Read every array of an .npz, after the sum of what they inflate to was checked."""
    objects: list[str] = []
    with source.reading(".npz"), source.open() as stream, zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        source.check(sum(member.file_size for member in members), "the inflated archive")
        arrays: dict[str, Values] = {}
        for member in members:
            key = member.filename.removesuffix(".npy")
            if (values := _member(archive, member, source)) is not None:
                arrays[key] = values
            else:
                objects.append(key)
        if {"format", "shape", "data"} <= arrays.keys():
            return _sparse_matrix(source, arrays)
        only = next(iter(arrays.values())) if len(arrays) == 1 else None
        if isinstance(only, np.ndarray) and only.dtype.names:
            return structured(source, only)
        if objects and not arrays:
            raise DataError(f"{source.name}: {objects[0]} {_OBJECTS}save it as numbers or texts")
        notes = [f"{key} is left out: it {_OBJECTS}save its texts." for key in objects]
        return arranged(source, arrays, notes)


def _mapped(source: Source, header: _Header, start: int) -> NDArray[Any]:
    order: Any = "F" if header.fortran else "C"
    if isinstance(source.data, Path):
        return np.memmap(source.data, header.dtype, "r", start, header.shape, order)
    return np.ndarray(header.shape, header.dtype, source.data, start, order=order)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, source: Source) -> Values | None:
    """One array; None for objects that are no texts."""
    where = f"{source.name}: {member.filename}"
    with archive.open(member) as stream:
        header = _header(stream, where)
        if header.dtype.hasobject:
            texts = texts_in(stream.read(), header.shape)
            return None if texts is None else _texts(texts, source, where)
        there = member.file_size - stream.tell()
        if header.bytes > there:
            raise DataError(
                f"{where}: the header promises {header.bytes:,} bytes, the archive holds {there:,}"
            )
    with archive.open(member) as stream:
        array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
        _refuse_trailing(stream, header, source)  # reading on also compares the checksum
    return array


def _texts(values: list[Any], source: Source, where: str) -> pa.Array:
    # One long text may stand in every row.
    source.check(sum(len(value) for value in values if isinstance(value, str)), where)
    if any(isinstance(value, str) for value in values):
        values = [value if value is None else str(value) for value in values]
    return pa.array(values)


def _header(stream: IO[bytes], where: str) -> _Header:
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise DataError(f"{where}: .npy version {version} is not read; save a plain array of numbers")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    header = _Header(*read(stream))
    if header.dtype.kind == "V" and header.dtype.names is None:
        raise DataError(
            f"{where} holds raw bytes ({header.dtype.str}): numpy forgets types such as bfloat16 and float8; "
            "save array.astype('float32')"
        )
    return header


def _refuse_other_kinds(begin: bytes, name: str) -> None:
    if begin == _MAGIC:
        return
    if begin.startswith(_PICKLE):
        found = "this is a pickle, which can run code when opened; use np.save(path, array)"
    else:
        found = (
            "the beginning of a .npy file is missing; a raw memmap does not tell its shape: "
            "np.save(path, np.memmap(file, dtype, 'r', shape=(rows, dimensions)))"
        )
    raise DataError(f"{name}: not a readable .npy file: {found}")


def _refuse_trailing(stream: IO[bytes], header: _Header, source: Source) -> None:
    """Refuse what comes after the array: a second np.save into the same open file, or anything else."""
    shapes, rest = [header.shape], stream.read(len(_MAGIC))
    while rest == _MAGIC:
        stream.seek(-len(_MAGIC), 1)
        found = _header(stream, f"{source.name}: array {len(shapes) + 1}")
        shapes.append(found.shape)
        stream.seek(found.bytes, 1)
        rest = stream.read(len(_MAGIC))
    if len(shapes) > 1:
        raise DataError(
            f"{source.name}: more than one array in the file, {len(shapes)} one after the other, of shapes "
            f"{', '.join(map(str, shapes[:5]))}{' ...' if len(shapes) > 5 else ''}; save them as one: "
            "np.save(path, np.concatenate(arrays))"
        )
    if rest:
        raise DataError(
            f"{source.name}: bytes are left after an array of shape {header.shape}; it is damaged, "
            "save it again"
        )


def _remedy(header: _Header) -> str:
    if header.shape == ():
        return (
            "this is a single one, perhaps a dict or a sparse matrix: np.savez(path, **arrays) saves arrays"
        )
    return "save a plain array instead, for example np.save(path, np.stack(list(array)).astype('float32'))"


def _sparse_matrix(source: Source, arrays: Mapping[str, Values]) -> ArrayContent:
    """What scipy.sparse.save_npz wrote as an ordinary matrix, filled up with zeros while that fits."""
    kind = arrays["format"].item()
    form = kind.decode() if isinstance(kind, bytes) else str(kind)
    if form not in _SPARSE:
        raise DataError(
            f"{source.name}: a sparse matrix in layout {form!r}, need one of {', '.join(_SPARSE)}; "
            "save matrix.tocsr(), or np.save(path, matrix.toarray())"
        )
    data, (rows, columns) = arrays["data"], map(int, arrays["shape"])
    needed = rows * columns * data.dtype.itemsize
    source.check(needed, f"a sparse matrix of shape ({rows}, {columns}), filled up,")
    matrix = _made(form, arrays, (rows, columns))
    note = f"A sparse matrix ({form}, {kind_of(data)}): what it leaves out was read as zeros."
    return ArrayContent(source, {"": np.ascontiguousarray(matrix.toarray())}, [note])


def _made(form: str, arrays: Mapping[str, Values], shape: tuple[int, int]) -> Any:
    """scipy's matrix; indices beyond it would write anywhere."""
    from scipy import sparse

    make = getattr(sparse, f"{form}_array")
    if form == "coo":
        return make((arrays["data"], (arrays["row"], arrays["col"])), shape=shape)
    if form == "dia":
        return make((arrays["data"], arrays["offsets"]), shape=shape)
    matrix = make((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
    matrix.check_format(full_check=True)
    return matrix
