"""Sparse matrices as scipy.sparse.save_npz writes them, filled up with zeros while they fit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kdeviz.data.readers.arrays import ArrayContent, Values, kind_of
from kdeviz.data.readers.source import Source
from kdeviz.errors import DataError

_READ = ("csr", "csc", "coo")


def is_sparse(arrays: Mapping[str, Values]) -> bool:
    """Whether these are the parts of one sparse matrix."""
    return {"format", "shape", "data"} <= arrays.keys()


def sparse_matrix(source: Source, arrays: Mapping[str, Values]) -> ArrayContent:
    """The matrix as an ordinary one.

    Raises:
        DataError: it does not fit, or is in a layout that is not read.
    """
    from scipy import sparse

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
    if form == "coo":
        matrix = sparse.coo_array((data, (arrays["row"], arrays["col"])), shape=(rows, columns))
    else:
        make = sparse.csr_array if form == "csr" else sparse.csc_array
        matrix = make((data, arrays["indices"], arrays["indptr"]), shape=(rows, columns))
        matrix.check_format(full_check=True)  # indices beyond the matrix would write anywhere
    note = f"A sparse matrix ({form}, {kind_of(data)}): what it leaves out was read as zeros."
    return ArrayContent(source, {"": np.ascontiguousarray(matrix.toarray())}, [note])
