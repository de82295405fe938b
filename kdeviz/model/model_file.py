"""The model file: tensors and JSON metadata in one safetensors file. No pickle, no code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kdeviz.atomic import write_whole
from kdeviz.errors import ModelFileError

FORMAT_VERSION = 1
_KEY = "kdeviz"


def write_model_file(path: str | Path, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
    """Write tensors with metadata that JSON can hold; the file appears whole or not at all."""
    write_whole(path, model_file_bytes(tensors, metadata))


def model_file_bytes(tensors: dict[str, Tensor], metadata: dict[str, Any]) -> bytes:
    """What `write_model_file` writes."""
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
            f"{path}: truncated, or not a safetensors file ({error}): export the model again"
        ) from None


def _metadata(path: str | Path, stored: dict[str, str]) -> dict[str, Any]:
    if _KEY not in stored:
        raise ModelFileError(f"{path}: a safetensors file, but not a kdeviz model: use KDEClassifier.save")
    try:
        metadata = json.loads(stored[_KEY])
        version = int(metadata["format_version"])
    except (ValueError, TypeError, KeyError):
        raise ModelFileError(f"{path}: the kdeviz metadata is damaged: export the model again") from None
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"{path}: format version {version}, this kdeviz reads up to {FORMAT_VERSION} "
            f"(written by kdeviz {metadata.get('kdeviz_version', '?')}): update kdeviz"
        )
    return dict(metadata)


def check_tensors(
    path: str | Path, tensors: dict[str, Tensor], shapes: dict[str, tuple[int | None, ...]]
) -> None:
    """Raise ModelFileError unless exactly these tensors are there, finite and of these shapes (None: any)."""
    if tensors.keys() != shapes.keys():
        raise ModelFileError(f"{path}: holds tensors {sorted(tensors)}, expected {sorted(shapes)}")
    for name, tensor in tensors.items():
        wanted = shapes[name]
        fits = len(wanted) == tensor.ndim and all(
            w in (None, got) for w, got in zip(wanted, tensor.shape, strict=True)
        )
        if not fits or not torch.isfinite(tensor.double()).all():
            raise ModelFileError(
                f"{path}: tensor {name} has shape {tuple(tensor.shape)} (expected {wanted}) or holds NaN: "
                "export the model again"
            )
