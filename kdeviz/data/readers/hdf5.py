"""HDF5: datasets in groups become named arrays; nothing outside the file is followed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kdeviz.data.readers.arrangement import Tree, arranged
from kdeviz.data.readers.content import Content
from kdeviz.data.readers.name_order import in_name_order
from kdeviz.data.readers.source import Source
from kdeviz.errors import DataError

if TYPE_CHECKING:
    import h5py

_TEXT_ROWS = 4096  # read at once, so that texts are counted before they are many


def read_hdf5(source: Source) -> Content:
    """Read every dataset: one array per id, one matrix, or arrays by split.

    Raises:
        DataError: the file was written by pandas, or h5py is not installed.
    """
    try:
        import h5py
    except ImportError:
        raise DataError(
            f"{source.name}: reading HDF5 takes h5py: pip install 'kdeviz[files]', "
            "or save the arrays with np.savez"
        ) from None
    where = source.data if isinstance(source.data, Path) else source.open()
    with source.reading("HDF5"), h5py.File(where, "r", locking=False) as file:
        datasets = _Datasets(source)
        tree = datasets.tree(file)
        return arranged(source, tree, datasets.notes)


@dataclass
class _Datasets:
    """Walks through groups.

    Attributes:
        source: the file, for its name and its limit.
        notes: what is left out.
        seen: addresses of groups; one group can have several names, even inside of itself.
        taken: bytes of all arrays so far.
    """

    source: Source
    notes: list[str] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    taken: int = 0

    def tree(self, group: h5py.Group) -> dict[str, Tree]:
        """The arrays of a group and of the groups in it."""
        import h5py

        self.seen.add(h5py.h5o.get_info(group.id).addr)
        if "pandas_type" in group.attrs:
            raise DataError(
                f"{self.source.name}: written by pandas (to_hdf); read it with pandas.read_hdf and "
                "save it with to_parquet"
            )
        found: dict[str, Tree] = {}
        for name in in_name_order(group):
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                self.leave_out(f"{group.name.rstrip('/')}/{name}", "it is a link to another place")
            elif isinstance(item := group[name], h5py.Dataset):
                if (values := self.values(item)) is not None:
                    found[name] = values
            elif isinstance(item, h5py.Group) and h5py.h5o.get_info(item.id).addr not in self.seen:
                found[name] = self.tree(item)
        return found

    def values(self, dataset: h5py.Dataset) -> Any | None:
        """An array, or None where there is none to read."""
        if why := _why_not(dataset):
            self.leave_out(dataset.name, why)
            return None
        if dataset.dtype.hasobject:
            return self.texts(dataset)
        # A chunk can be larger than the array: it is inflated as a whole.
        values = max(dataset.size, math.prod(dataset.chunks or (0,)))
        self.count(values * dataset.dtype.itemsize, dataset.name)
        return np.asarray(dataset[()])

    def texts(self, dataset: h5py.Dataset) -> pa.Array:
        """Texts of any length, read a few at a time."""
        rows: list[str] = []
        for start in range(0, len(dataset), _TEXT_ROWS):
            part = dataset.asstr(errors="replace")[start : start + _TEXT_ROWS].reshape(-1).tolist()
            self.count(sum(map(len, part)), dataset.name)
            rows += part
        return pa.array(rows, pa.string())

    def leave_out(self, name: str, why: str) -> None:
        """Say that something is not read."""
        self.notes.append(f"{name.lstrip('/')} is left out: {why}.")

    def count(self, size: int, name: str) -> None:
        """Add to the bytes that all arrays take together."""
        self.taken += size
        self.source.check(self.taken, name.lstrip("/"))


def _why_not(dataset: h5py.Dataset) -> str:
    """Why a dataset is not read; nothing when it is."""
    import h5py

    if dataset.is_virtual or dataset.external:
        return "its values lie in other files"
    if dataset.shape is None:
        return "it is empty"
    if not dataset.dtype.hasobject:
        return ""
    if h5py.check_string_dtype(dataset.dtype) is None:
        return f"{dataset.dtype} is not one value"
    one_per_row = dataset.ndim in (1, 2) and dataset.size == len(dataset)
    return "" if one_per_row else "it is not one text per row"
