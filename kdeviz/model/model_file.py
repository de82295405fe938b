"""The model file: tensors and JSON metadata in one safetensors file. No pickle, no code."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from kdeviz import __version__
from kdeviz.data import working_dtype
from kdeviz.errors import ModelFileError
from kdeviz.model.devices import resolve_device
from kdeviz.model.file_checks import WHOLE_NUMBERS, Described, check_tensors
from kdeviz.model.rounding import Rounding
from kdeviz.wording import one_line, shown

if TYPE_CHECKING:
    from kdeviz.model.classifier import KDEClassifier

FORMAT_VERSION = 5
_SINCE = {
    "training_keys": 2,  # and the names of the features
    "held_out_scores": 3,
    "pca_model.deviations": 4,  # where features are standardised
    "training_groups": 5,  # where there are near copies
}
"""From which version on a file holds what a reader of older ones does without."""
_KEY = "kdeviz"
_RESULT_DTYPES = {"float32": torch.float32, "float64": torch.float64}


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


def metadata_of(model: KDEClassifier) -> dict[str, Any]:
    """What a model file says of a fitted model beside its tensors, ready for JSON."""
    model._require_fitted()
    return {
        "settings": model.settings.to_dict(),
        "curve": asdict(model.curve),
        "threshold": model.threshold,
        "threshold_rule": model.threshold_rule,
        "axes_rows": model.axes_rows,
        "data_digest": model.data_digest,
        "dimensions": len(model.pca_model.mean),
        "feature_names": model.feature_names,
        "training_points": len(model.training_rows),
        "components": model.n_components_,
        "rounding": model.pca_model.rounding,
        "result_dtype": str(model.result_dtype).removeprefix("torch."),
        "kdeviz_version": __version__,
        "torch_version": torch.__version__,
    }


def read(kind: type[KDEClassifier], path: str | Path, device: str | torch.device) -> KDEClassifier:
    """See `KDEClassifier.load`."""
    tensors, metadata = read_model_file(path)
    found, settings, curve = Described.of(path, metadata)
    model = kind(**settings.to_dict())
    model.curve, model.threshold, model.data_digest = curve, found.threshold, found.data_digest
    model.threshold_rule, model.axes_rows = found.threshold_rule, found.axes_rows
    model.result_dtype = _RESULT_DTYPES[found.result_dtype]
    model.feature_names = None if found.feature_names is None else tuple(found.feature_names)
    model.pca_model.rounding = None if found.rounding is None else Rounding(*found.rounding)
    for name, since in _SINCE.items():
        if metadata["format_version"] < since:
            tensors[name] = model.get_buffer(name)
    check_tensors(path, tensors, found, settings)
    target = resolve_device(device)
    dtype = working_dtype(target)
    kinds = dict.fromkeys(WHOLE_NUMBERS, torch.int64) | {"held_out_scores": model.result_dtype}
    for name, tensor in tensors.items():
        tensors[name] = tensor.to(kinds.get(name, dtype))
    model.load_state_dict(tensors)
    return model.to(target)
