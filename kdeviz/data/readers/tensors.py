"""Files of torch tensors: .pt without any of pickle's powers, and .safetensors."""

from __future__ import annotations

import pickletools
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz.data.readers.arrays import ArrayContent
from kdeviz.data.readers.source import Source
from kdeviz.errors import DataError

# weights_only also admits bytearray(n) and meta tensors, which reserve memory that no file size tells of.
_PLAIN = re.compile(
    r"torch \w+Storage|torch\.storage UntypedStorage|torch\._utils _rebuild_(tensor_v2|tensor_v3|parameter)"
    r"|torch u?int\d+|collections OrderedDict|_codecs encode"
)
_WIDENED = {torch.bfloat16: torch.float32}
_STORED = "save tensors with torch.save({'features': tensor, ...}, path), or use .safetensors"


def read_torch(source: Source) -> ArrayContent:
    """Read a tensor, or a dict of tensors and lists, that `torch.save` wrote."""
    with source.reading("torch"):
        with source.open() as stream:
            if not zipfile.is_zipfile(stream):
                raise DataError(
                    f"{source.name}: not a torch zip archive (an old pickle, or damaged); {_STORED}"
                )
            _check_archive(source, zipfile.ZipFile(stream))
        with source.open() as stream:
            loaded = torch.load(stream, map_location="cpu", weights_only=True)
        values = loaded if isinstance(loaded, dict) else {"": loaded}
        arrays = {str(key): _array(value, source, str(key)) for key, value in values.items()}
    return _content(source, arrays)


def read_safetensors(source: Source) -> ArrayContent:
    """Read every tensor of a .safetensors file; it cannot inflate and carries no code."""
    from safetensors import safe_open
    from safetensors.torch import load

    with source.reading("safetensors"):
        if isinstance(source.data, Path):
            with safe_open(source.data, "pt") as opened:
                tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
        else:
            tensors = load(source.data)
        arrays = {key: _array(value, source, key) for key, value in tensors.items()}
    return _content(source, arrays)


def _content(source: Source, arrays: dict[str, tuple[NDArray[Any] | None, str]]) -> ArrayContent:
    notes = [note for _, note in arrays.values() if note]
    return ArrayContent(
        source, {key: array for key, (array, _) in arrays.items() if array is not None}, notes
    )


def _check_archive(source: Source, archive: zipfile.ZipFile) -> None:
    source.check(sum(member.file_size for member in archive.infolist()), "the inflated archive")
    for name in archive.namelist():
        if not name.endswith(".pkl"):
            continue
        for opcode, argument, _ in pickletools.genops(archive.read(name)):
            unknown = opcode.name == "GLOBAL" and not _PLAIN.fullmatch(str(argument))
            if unknown or opcode.name == "STACK_GLOBAL":
                raise DataError(
                    f"{source.name}: holds more than tensors ({argument or 'a pickled object'}), which could "
                    f"run code; nothing was loaded: {_STORED}"
                )


def _array(value: object, source: Source, key: str) -> tuple[NDArray[Any] | None, str]:
    """A tensor or a list as an array, and what had to change."""
    if isinstance(value, torch.Tensor):
        # An expanded tensor stores one number and claims a million.
        source.check(value.numel() * value.element_size(), key or "the tensor")
        wide = _WIDENED.get(value.dtype, value.dtype)
        widened = f"{key or 'The tensor'} was {value.dtype}, which numpy lacks, and became {wide}."
        return value.detach().to(wide).contiguous().numpy(), widened if wide != value.dtype else ""
    if isinstance(value, list) and all(isinstance(item, str | bytes | int | float) for item in value):
        # numpy gives every text the room of the longest.
        longest = max((len(item) for item in value if isinstance(item, str | bytes)), default=2)
        source.check(4 * len(value) * longest, key)
        return np.asarray(value), ""
    return None, f"{key} is left out: neither a tensor nor a list of texts or numbers."
