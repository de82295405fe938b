"""Files of torch tensors: .pt without any of pickle's powers, and .safetensors."""

from __future__ import annotations

import pickletools
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from kdeviz.data.readers.arrangement import Tree, arranged, in_rows
from kdeviz.data.readers.arrays import Values, is_numeric, named_by_position, shape_of
from kdeviz.data.readers.content import Content
from kdeviz.data.readers.name_order import in_name_order
from kdeviz.data.readers.source import Source
from kdeviz.errors import DataError

# weights_only also admits bytearray(n) and meta tensors, which reserve memory that no file size tells of.
_PLAIN = re.compile(
    r"torch \w+Storage|torch\.storage UntypedStorage|torch\._utils _rebuild_(tensor_v2|tensor_v3|parameter)"
    r"|torch (u?int\d+|b?float\d\w*)|torch Size|collections OrderedDict|_codecs encode"
)
_WHAT_TO_DO = {
    r"numpy": "it holds numpy arrays: save them with np.savez(path, **arrays), or as torch.from_numpy(array)",
    r"pathlib": "it holds pathlib paths: save texts, [str(path) for path in paths]",
    r"collections defaultdict": "it holds a defaultdict: save dict(it)",
    r".*_rebuild_qtensor": "it holds a quantized tensor: save tensor.dequantize()",
    r"torch\.utils\.data": "it holds a dataset: save its tensors, torch.save(list(dataset.tensors), path)",
    r".*sparse.*": "it holds a sparse tensor: save tensor.to_dense()",
    r"torch\.nn|.*[Mm]odel": "it holds a model: run it on your samples and save the features it gives",
}
_STORED = "save tensors with torch.save({'features': tensor, ...}, path), or use .safetensors"
_SCALARS = str | bytes | int | float | None
_NUMPY = frozenset((torch.float16, torch.float32, torch.float64))
_MOST_PARTS = 16  # of a batch


def read_torch(source: Source) -> Content:
    """Read tensors, in whatever lists, tuples and dicts `torch.save` wrote them."""
    with source.reading("torch"):
        with source.open() as stream:
            if not zipfile.is_zipfile(stream):
                raise DataError(
                    f"{source.name}: not a torch zip archive (an old pickle, or damaged); {_STORED}"
                )
            _check_archive(source, zipfile.ZipFile(stream))
        with source.open() as stream:
            loaded = torch.load(stream, map_location="cpu", weights_only=True)
        return _content(source, loaded)


def read_safetensors(source: Source) -> Content:
    """Read every tensor of a .safetensors file; it cannot inflate and carries no code."""
    from safetensors.torch import load, load_file

    with source.reading("safetensors"):
        loaded = load_file(source.data) if isinstance(source.data, Path) else load(source.data)
        return _content(source, {key: loaded[key] for key in in_name_order(loaded)})


def _content(source: Source, loaded: object) -> Content:
    trees = _Trees(source)
    tree = trees.tree(loaded, "")
    found = tree if isinstance(tree, dict) else {} if tree is None else {"": tree}
    return arranged(source, found, trees.notes)


def _check_archive(source: Source, archive: zipfile.ZipFile) -> None:
    source.check(sum(member.file_size for member in archive.infolist()), "the inflated archive")
    for name in archive.namelist():
        if name.endswith(".pkl"):
            _check_pickle(source, archive.read(name))


def _check_pickle(source: Source, pickled: bytes) -> None:
    nothing = "which could run code; nothing was loaded"
    for opcode, argument, _ in pickletools.genops(pickled):
        if opcode.name == "GLOBAL" and not _PLAIN.fullmatch(str(argument)):
            remedies = (remedy for found, remedy in _WHAT_TO_DO.items() if re.match(found, str(argument)))
            raise DataError(
                f"{source.name}: holds more than tensors ({argument}), {nothing}: {next(remedies, _STORED)}"
            )
        if opcode.name == "STACK_GLOBAL":
            raise DataError(
                f"{source.name}: holds more than tensors, or tensors saved with pickle protocol 4 or 5, "
                f"{nothing}: use torch.save without pickle_protocol, or .safetensors"
            )


@dataclass
class _Trees:
    """Turns what torch.load gives into named arrays.

    Attributes:
        source: the file, for its name and its limit.
        notes: what had to change, and what is left out.
        taken: bytes of the arrays so far; an expanded tensor stores one number and claims a million.
        steps: values looked at so far; lists that share lists can stand for more than there is.
    """

    source: Source
    notes: list[str] = field(default_factory=list)
    taken: int = 0
    steps: int = 0

    def tree(self, value: object, key: str) -> Tree | None:
        """Arrays in dicts; None where there is nothing to read."""
        self.step(1)
        if isinstance(value, torch.Tensor):
            return self.array(value, key)
        if isinstance(value, dict):
            found = {str(name): self.tree(item, str(name)) for name, item in value.items()}
            return {name: item for name, item in found.items() if item is not None}
        if isinstance(value, list | tuple):
            return self.sequence(value, key)
        if isinstance(value, str | bool | int | float):
            return np.asarray(value)
        self.notes.append(f"{key} is left out: neither a tensor nor a list of texts or numbers.")
        return None

    def array(self, tensor: torch.Tensor, key: str) -> NDArray[Any]:
        """A tensor's numbers, in the least type that holds them and numpy has."""
        if tensor.layout != torch.strided:
            raise DataError(f"{self.source.name}: {key or 'the tensor'} is sparse; save tensor.to_dense()")
        wide = torch.float32 if tensor.is_floating_point() and tensor.dtype not in _NUMPY else tensor.dtype
        self.count(tensor.numel() * wide.itemsize, key or "the tensor")
        if wide != tensor.dtype:
            self.notes.append(
                f"{key or 'The tensor'} was {tensor.dtype}, which numpy lacks, and became {wide}."
            )
        return tensor.detach().to(wide).resolve_conj().resolve_neg().contiguous().numpy()

    def step(self, values: int) -> None:
        """Add to the values looked at; each takes a byte of the file at least, unless lists share lists."""
        self.steps += values
        if self.steps > self.source.size:
            raise DataError(
                f"{self.source.name}: lists within lists stand for more values than the file holds"
            )

    def count(self, size: int, what: str) -> None:
        """Add to the bytes that all arrays take together."""
        self.taken += size
        self.source.check(self.taken, what)

    def sequence(self, items: Sequence[object], key: str) -> Tree | None:
        """A list: single values, one vector per row, batches of rows, records, or several arrays."""
        self.step(len(items))
        if all(isinstance(item, _SCALARS) for item in items):
            return self.values(items, key)
        if (batches := _parts_of_batches(items)) is not None:
            self.notes.append(f"{key or 'The list'} of {len(items)} batches was read as one set.")
            return self.tree({name: self.joined(part, key) for name, part in batches.items()}, key)
        if _are_records(items):
            columns = zip(*(item for item in items if isinstance(item, list | tuple)), strict=True)
            return self.tree({str(i): list(column) for i, column in enumerate(columns)}, key)
        if (fields := _fields(items)) is not None:
            return self.tree(fields, key)
        found = {str(i): self.tree(item, f"{key}[{i}]") for i, item in enumerate(items)}
        parts = {name: part for name, part in found.items() if part is not None}
        if any(isinstance(part, dict) for part in parts.values()):
            return parts
        return self.stacked(parts, key)

    def joined(self, parts: list[Any], key: str) -> torch.Tensor | list[Any]:
        """The same part of every batch, one after the other."""
        if all(isinstance(part, torch.Tensor) for part in parts):
            if len({part.shape[1:] for part in parts}) > 1:
                return parts
            self.count(sum(part.numel() * part.element_size() for part in parts), key or "all batches")
            return torch.cat(parts)
        self.step(sum(map(len, parts)))
        return [value for part in parts for value in part]

    def stacked(self, parts: dict[str, Any], key: str) -> Tree:
        """Vectors as rows, batches one after the other; the parts themselves where neither fits."""
        arrays: list[Values] = list(parts.values())
        self.count(sum(array.nbytes for array in arrays), key or "the list of tensors")
        if (rows := in_rows(arrays)) is not None:
            return rows
        shapes = {shape_of(array)[1:] if is_numeric(array) else None for array in arrays}
        if len(shapes) == 1 and None not in shapes and shapes != {()} and arrays:
            whole = np.concatenate(arrays)
            if len(arrays) > 1:
                name = f"{key or 'The list'} of {len(arrays)} tensors"
                self.notes.append(f"{name} was read as batches of rows: {len(whole)} in all.")
            return whole
        return dict(named_by_position(parts, self.notes))

    def values(self, items: Sequence[object], key: str) -> Values | None:
        """Texts or numbers; None when they are mixed."""
        self.count(sum(len(item) if isinstance(item, str | bytes) else 8 for item in items), key)
        try:
            column = pa.array(items)
        except (pa.ArrowException, OverflowError):
            self.notes.append(f"{key} is left out: texts and numbers are mixed in it.")
            return None
        is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
        return column.to_numpy(zero_copy_only=False) if is_number and not column.null_count else column


def _fields(items: Sequence[object]) -> dict[Any, list[object]] | None:
    """Dicts with the same keys as one dict of lists."""
    records = [item for item in items if isinstance(item, dict)]
    if len(records) < len(items) or any(record.keys() != records[0].keys() for record in records):
        return None
    return {name: [record[name] for record in records] for name in records[0]}


def _are_records(items: Sequence[object]) -> bool:
    """Whether each item is a short tuple of different things, such as (features, label)."""
    first = items[0] if items else None
    if not isinstance(first, list | tuple) or not 2 <= len(first) <= 8:
        return False
    kinds = [isinstance(part, torch.Tensor) for part in first]
    same = all(isinstance(item, list | tuple) and len(item) == len(first) for item in items)
    return same and any(kinds) and not all(kinds)


def _parts_of_batches(items: Sequence[object]) -> dict[Any, list[Any]] | None:
    """Every part of the batches, such as all features; None where these are no batches of several parts.

    In a batch all parts have as many rows, and one of them is a matrix.
    """
    if not items or not _is_batch(items[0]):
        return None
    batches = [_named(item) for item in items if _is_batch(item)]
    names = batches[0].keys()
    if len(batches) < len(items) or any(batch.keys() != names for batch in batches):
        return None
    return {name: [batch[name] for batch in batches] for name in names}


def _is_batch(item: object) -> bool:
    if not isinstance(item, dict | list | tuple) or not 2 <= len(item) <= _MOST_PARTS:
        return False
    parts = list(_named(item).values())
    tensors = [part for part in parts if isinstance(part, torch.Tensor)]
    if any(tensor.layout != torch.strided or not tensor.ndim for tensor in tensors):
        return False
    if not all(isinstance(part, torch.Tensor | list | tuple) for part in parts):
        return False
    beside = len(tensors) < len(parts) or any(tensor.ndim == 1 for tensor in tensors)
    return beside and any(tensor.ndim > 1 for tensor in tensors) and len({len(part) for part in parts}) == 1


def _named(item: Any) -> Mapping[Any, Any]:
    return item if isinstance(item, dict) else dict(enumerate(item))
