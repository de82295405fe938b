"""Models that anomalib wrote: checkpoints and state dicts of its `KDEClassifier`. Nothing in them is run."""

from __future__ import annotations

import math
import pickle
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kdeviz.errors import FitWarning, ModelFileError, OptionError
from kdeviz.model.classifier import KDEClassifier
from kdeviz.settings import FeatureScalingMethod
from kdeviz.wording import one_line

_NORM_BIAS = (
    "anomalib centred the scaled training rows again before it estimated this density, but does not do so "
    "with the rows that it scores: a norm model keeps that bias here. Fit again with kdeviz to be rid of it"
)
_SUFFIX = "pca_model.singular_vectors"
_NAMES = (
    "max_length",
    _SUFFIX,
    "pca_model.mean",
    "kde_model.bw_transform",
    "kde_model.dataset",
    "kde_model.norm",
)
_CLASS = "anomalib.models.components.classification.kde_classifier.FeatureScalingMethod"


def read_anomalib(
    path: str | Path, feature_scaling_method: FeatureScalingMethod | str | None = None
) -> KDEClassifier:
    """Read a checkpoint (.ckpt) or a state dict (.pt, .safetensors) of anomalib's classifier; on the CPU.

    Scores are anomalib's, without its underflow. There are no held-out scores. Warns (FitWarning) that a norm
    model keeps anomalib's bias.

    Args:
        path: the file; of what it holds, tensors and the name of the scaling are read, and nothing is run.
        feature_scaling_method: where the file does not say, as state dicts do not.

    Raises:
        ModelFileError: there is no such model in it.
        OptionError: nothing says how rows were scaled.
    """
    content = _content(Path(path))
    stored = content.get("state_dict", content)
    named = _hyper_parameters(content).get("feature_scaling_method")
    if feature_scaling_method is None and named is None:
        raise OptionError(
            f"{path}: a state dict does not say how rows were scaled: give feature_scaling_method, 'scale' "
            "or 'norm' (anomalib's default is 'scale')"
        )
    state = _state(path, stored)
    n, k = state["kde_model.dataset"].shape
    method: Any = named if feature_scaling_method is None else feature_scaling_method
    model = KDEClassifier(k, method, max(n, 2))
    _fill(model, state)
    if not model.settings.scaling.is_unit:
        warnings.warn(_NORM_BIAS, FitWarning, stacklevel=2)
    return model


def _content(path: Path) -> dict[str, Any]:
    """The file; of classes, only the name of a scaling method is accepted."""
    if not path.is_file():
        raise ModelFileError(f"{path}: there is no such file")
    try:
        if path.suffix.lower() == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        with torch.serialization.safe_globals([(FeatureScalingMethod, _CLASS)]):
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelFileError(
            f"{path}: holds more than tensors, and nothing else is opened ({one_line(error)}): save "
            "`model.state_dict()` in anomalib and open that"
        ) from None
    except Exception as error:  # whatever torch and safetensors raise for damaged files
        raise ModelFileError(f"{path}: no checkpoint that can be read ({one_line(error)})") from None
    if not isinstance(found, dict):
        raise ModelFileError(f"{path}: holds a {type(found).__name__}, not a state dict of anomalib's")
    return found


def _hyper_parameters(content: dict[str, Any]) -> dict[str, Any]:
    found = content.get("hyper_parameters")
    return found if isinstance(found, dict) else {}


def _state(path: str | Path, stored: Any) -> dict[str, Tensor]:
    """The tensors by their names in `KDEClassifier`, in float64."""
    found = [name for name in stored if isinstance(name, str) and name.endswith(_SUFFIX)]
    if len(found) != 1:
        raise ModelFileError(f"{path}: holds {len(found)} models of anomalib's KDEClassifier, expected one")
    prefix = found[0].removesuffix(_SUFFIX)
    state = {name: stored.get(prefix + name) for name in _NAMES}
    for name, tensor in state.items():
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            raise ModelFileError(f"{path}: tensor {prefix}{name} is missing, or holds no numbers")
    wide = {name: tensor.double() for name, tensor in state.items()}
    _check(path, wide)
    return wide


def _check(path: str | Path, state: dict[str, Tensor]) -> None:
    dataset, axes = state["kde_model.dataset"], state[_SUFFIX]
    if dataset.ndim != 2 or axes.ndim != 2:
        raise ModelFileError(f"{path}: was saved before it was fitted")
    n, k = dataset.shape
    shapes: dict[str, tuple[int, ...]] = {
        "max_length": (),
        _SUFFIX: (len(axes), k),
        "pca_model.mean": (len(axes),),
        "kde_model.bw_transform": (k, k),
        "kde_model.dataset": (n, k),
        "kde_model.norm": (),
    }
    for name, shape in shapes.items():
        if tuple(state[name].shape) != shape:
            raise ModelFileError(f"{path}: tensor {name} has shape {tuple(state[name].shape)}, not {shape}")
        if name != "kde_model.norm" and not state[name].isfinite().all():  # norm may have overflowed
            raise ModelFileError(f"{path}: tensor {name} holds NaN or infinity: anomalib's fit went wrong")
    if n < 2 or not torch.linalg.slogdet(state["kde_model.bw_transform"])[1].isfinite():
        raise ModelFileError(f"{path}: the density has fewer than two points, or no volume")


def _fill(model: KDEClassifier, state: dict[str, Tensor]) -> None:
    """The same numbers around a centre, as kdeviz keeps them."""
    dataset, transform = state["kde_model.dataset"], state["kde_model.bw_transform"]
    n, k = dataset.shape
    centre = dataset.mean(0)
    scaled = torch.linalg.solve(transform.T, (dataset - centre).T).T
    unit = state["max_length"] if model.settings.scaling.is_unit else 1.0
    model.max_length = state["max_length"]
    model.pca_model.mean, model.pca_model.singular_vectors = state["pca_model.mean"], state[_SUFFIX]
    # What the other components carried is not in the file.
    model.pca_model.spectrum = (scaled * unit).square().sum(0) / (n - 1)
    model.kde_model.dataset = dataset - centre
    model.kde_model.mean = torch.linalg.solve(transform.T, centre)
    model.kde_model.bw_transform = transform
    log_determinant = torch.linalg.slogdet(transform).logabsdet
    model.kde_model.log_norm = log_determinant - k / 2 * math.log(2 * math.pi)
    model.training_rows = torch.arange(n)
