"""Sparse matrices as scipy.sparse.save_npz writes them, filled up with zeros while they fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kdeviz.data.readers.arrays import ArrayContent, Values, kind_of
from kdeviz.data.readers.source import Source
from kdeviz.errors import DataError

_READ = ("csr", "csc", "coo", "bsr", "dia")


def is_sparse(arrays: Mapping[str, Values]) -> bool:
    """Whether these are the parts of one sparse matrix."""
    return {"format", "shape", "data"} <= arrays.keys()


def sparse_matrix(source: Source, arrays: Mapping[str, Values]) -> ArrayContent:
    """The matrix as an ordinary one.

    Raises:
        DataError: it does not fit, or is in a layout that is not read.
    """
    kind = arrays["format"].item()
    form = kind.decode() if isinstance(kind, bytes) else str(kind)
    if form not in _READ:
        raise DataError(
            f"{source.name}: a sparse matrix in layout {form!r}, need one of {', '.join(_READ)}; "
            "save matrix.tocsr(), or np.save(path, matrix.toarray())"
        )
    data, (rows, columns) = arrays["data"], map(int, arrays["shape"])
    source.check(
        rows * columns * data.dtype.itemsize, f"a sparse matrix of shape ({rows}, {columns}), filled up,"
    )
    matrix = _made(form, arrays, (rows, columns))
    note = f"A sparse matrix ({form}, {kind_of(data)}): what it leaves out was read as zeros."
    return ArrayContent(source, {"": np.ascontiguousarray(matrix.toarray())}, [note])


def _made(form: str, arrays: Mapping[str, Values], shape: tuple[int, int]) -> Any:
    """scipy's matrix; indices beyond it would write anywhere."""
    from scipy import sparse

    if form == "coo":
        return sparse.coo_array((arrays["data"], (arrays["row"], arrays["col"])), shape=shape)
    if form == "dia":
        return sparse.dia_array((arrays["data"], arrays["offsets"]), shape=shape)
    make = {"csr": sparse.csr_array, "csc": sparse.csc_array, "bsr": sparse.bsr_array}[form]
    matrix = make((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
    matrix.check_format(full_check=True)
    return matrix
