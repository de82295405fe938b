"""A classifier in a model file: what is said of it there, and how it is read back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from kdeviz import __version__
from kdeviz.data import working_dtype
from kdeviz.errors import ModelFileError
from kdeviz.model import model_file
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.model.devices import resolve_device

if TYPE_CHECKING:
    from kdeviz.model.classifier import KDEClassifier

_RESULT_DTYPES = {"float32": torch.float32, "float64": torch.float64}
_WHOLE_NUMBERS = ("training_rows", "training_keys")


def metadata_of(model: KDEClassifier) -> dict[str, Any]:
    """What a model file says of a fitted model beside its tensors, ready for JSON."""
    model._require_fitted()
    return {
        "settings": model.settings.to_dict(),
        "curve": asdict(model.curve),
        "threshold": model.threshold,
        "data_digest": model.data_digest,
        "dimensions": len(model.pca_model.mean),
        "feature_names": model.feature_names,
        "training_points": len(model.training_rows),
        "components": model.n_components_,
        "result_dtype": str(model.result_dtype).removeprefix("torch."),
        "kdeviz_version": __version__,
        "torch_version": torch.__version__,
    }


def read(kind: type[KDEClassifier], path: str | Path, device: str | torch.device) -> KDEClassifier:
    """See `KDEClassifier.load`."""
    tensors, metadata = model_file.read_model_file(path)
    try:
        model = _unfitted(kind, metadata)
        n, dimensions, k = (int(metadata[key]) for key in ("training_points", "dimensions", "components"))
        model.feature_names = model_file.feature_names(metadata.get("feature_names"), dimensions)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path}: the kdeviz metadata is damaged ({error!r}): export it again") from None
    if int(metadata["format_version"]) < 2:
        tensors["training_keys"] = model.training_keys
    model_file.check_tensors(path, tensors, model_file.model_shapes(tensors, n, dimensions, k))
    target = resolve_device(device)
    dtype = working_dtype(target)
    for name, tensor in tensors.items():
        tensors[name] = tensor.to(torch.int64 if name in _WHOLE_NUMBERS else dtype)
    model.load_state_dict(tensors)
    return model.to(target)


def _unfitted(kind: type[KDEClassifier], metadata: dict[str, Any]) -> KDEClassifier:
    """A model that has all but its tensors."""
    model = kind(**metadata["settings"])
    model.curve = ProbabilityCurve(**metadata["curve"])
    threshold = metadata["threshold"]
    model.threshold = None if threshold is None else float(threshold)
    model.result_dtype = _RESULT_DTYPES[metadata["result_dtype"]]
    model.data_digest = metadata["data_digest"]
    return model
