"""The model file: tensors and JSON metadata in one safetensors file. No pickle, no code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from kdeviz.errors import ModelFileError
from kdeviz.wording import one_line, shown

FORMAT_VERSION = 5
"""2: with the keys of the training rows and the names of the features, which a reader may do without.
3: with the held-out scores of the training rows.
4: with the standard deviations that features are divided by, where they are standardised.
5: with the groups of near copies among the training rows, where there are."""
_KEY = "kdeviz"


def model_file_bytes(tensors: dict[str, Tensor], metadata: dict[str, Any]) -> bytes:
    """The content of a file with these tensors, and metadata that JSON can hold."""
    from safetensors.torch import save

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps({"format_version": FORMAT_VERSION, **metadata}, sort_keys=True)
    content: bytes = save(plain, {_KEY: text})
    return content


def read_model_file(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors (on the CPU) and metadata of a model file.

    Raises:
        ModelFileError: missing, truncated, not a kdeviz model, or written by a newer kdeviz.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise ModelFileError(f"{path}: there is no such file")
    try:
        with safe_open(path, framework="pt", device="cpu") as stored:
            metadata = _metadata(path, stored.metadata() or {})
            return {name: stored.get_tensor(name) for name in stored.keys()}, metadata  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelFileError(
            f"{path}: truncated, or not a safetensors file ({one_line(error)}): export the model again"
        ) from None


def _metadata(path: str | Path, stored: dict[str, str]) -> dict[str, Any]:
    if _KEY not in stored:
        raise ModelFileError(f"{path}: a safetensors file, but not a kdeviz model: use KDEClassifier.save")
    try:
        metadata = json.loads(stored[_KEY])
        version = metadata["format_version"]
        if type(version) is not int:  # True is an instance
            raise TypeError(f"format_version {shown(version)}")
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ModelFileError(f"{path}: the kdeviz metadata is damaged: export the model again") from None
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"{path}: format version {shown(version)}, this kdeviz reads up to {FORMAT_VERSION} "
            f"(written by kdeviz {one_line(metadata.get('kdeviz_version', '?'), 20)}): update kdeviz"
        )
    return dict(metadata)
