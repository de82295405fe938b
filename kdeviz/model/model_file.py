"""The model file: tensors and JSON metadata in one safetensors file. No pickle, no code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kdeviz.errors import ModelFileError

FORMAT_VERSION = 2
"""2: with the keys of the training rows and the names of the features, which a reader may do without."""
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


def feature_names(stored: Any, dimensions: int) -> tuple[str, ...] | None:
    """Names of features from a model file; ValueError unless they are one text for each dimension."""
    if stored is None:
        return None
    if not isinstance(stored, list) or not all(isinstance(name, str) for name in stored):
        raise ValueError(f"feature_names: {type(stored).__name__}")
    if len(stored) != dimensions:
        raise ValueError(f"{len(stored)} feature_names for {dimensions} dimensions")
    return tuple(stored)


def model_shapes(
    tensors: dict[str, Tensor], n: int, dimensions: int, k: int
) -> dict[str, tuple[int | None, ...]]:
    """What shapes the tensors of a model with n points of k components need to have; see `check_tensors`."""
    keys = tensors.get("training_keys")
    possible = [(0, 2), (n, 3)]  # of a model that an older kdeviz fitted; of rows finer than float32
    return {
        "training_keys": tuple(keys.shape) if keys is not None and keys.shape in possible else (n, 2),
        "max_length": (),
        "training_rows": (n,),
        "pca_model.mean": (dimensions,),
        "pca_model.singular_vectors": (dimensions, k),
        "pca_model.spectrum": (None,),
        "kde_model.dataset": (n, k),
        "kde_model.mean": (k,),
        "kde_model.bw_transform": (k, k),
        "kde_model.log_norm": (),
    }
