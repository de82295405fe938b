"""A classifier in a model file: what is said of it there, and how it is read back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from kdeviz import __version__
from kdeviz.data import working_dtype
from kdeviz.model import model_file
from kdeviz.model.devices import resolve_device
from kdeviz.model.file_checks import WHOLE_NUMBERS, Described, check_tensors
from kdeviz.model.rounding import Rounding

if TYPE_CHECKING:
    from kdeviz.model.classifier import KDEClassifier

_RESULT_DTYPES = {"float32": torch.float32, "float64": torch.float64}
# Since which format a file has what an older one does without.
_SINCE = {"training_keys": 2, "held_out_scores": 3, "pca_model.deviations": 4, "training_groups": 5}


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
    tensors, metadata = model_file.read_model_file(path)
    found, settings, curve = Described.of(path, metadata)
    model = kind(**settings.to_dict())
    model.curve, model.threshold, model.data_digest = curve, found.threshold, found.data_digest
    model.threshold_rule, model.axes_rows = found.threshold_rule, found.axes_rows
    model.result_dtype = _RESULT_DTYPES[found.result_dtype]
    model.feature_names = None if found.feature_names is None else tuple(found.feature_names)
    model.pca_model.rounding = None if found.rounding is None else Rounding(*found.rounding)
    for name, since in _SINCE.items():
        if int(metadata["format_version"]) < since:
            tensors[name] = model.get_buffer(name)
    check_tensors(path, tensors, found, settings)
    target = resolve_device(device)
    dtype = working_dtype(target)
    kinds = dict.fromkeys(WHOLE_NUMBERS, torch.int64) | {"held_out_scores": model.result_dtype}
    for name, tensor in tensors.items():
        tensors[name] = tensor.to(kinds.get(name, dtype))
    model.load_state_dict(tensors)
    return model.to(target)
