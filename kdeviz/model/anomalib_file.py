"""Models that anomalib wrote: checkpoints and state dicts of its `KDEClassifier`. Nothing in them is run."""

from __future__ import annotations

import math
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kdeviz.errors import FitWarning, ModelFileError, OptionError
from kdeviz.model.classifier import KDEClassifier
from kdeviz.model.file_checks import Described, are_at_right_angles, check_tensors
from kdeviz.model.kde import bandwidth_factor
from kdeviz.model.model_file import metadata_of
from kdeviz.settings import FeatureScalingMethod
from kdeviz.wording import one_line

_NORM_BIAS = (
    "anomalib centred the scaled training rows again before it estimated this density, but does not do so "
    "with the rows that it scores: a norm model keeps that bias here. Fit again with kdeviz to be rid of it"
)
_SUFFIX = "pca_model.singular_vectors"
# With D dimensions, n points and k components.
_SHAPES = {
    "max_length": "",
    _SUFFIX: "Dk",
    "pca_model.mean": "D",
    "kde_model.bw_transform": "kk",
    "kde_model.dataset": "nk",
    "kde_model.norm": "",
}
_OURS = "kde_model.log_norm"
_STARTS = (b"PK\x03\x04", b"\x80")  # of what torch.save writes now, and wrote before
_ROUNDED = 1e-3  # what float32, and the rounding of such a file, may make of a bandwidth
_SCALING = "feature_scaling_method"
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
        OptionError: nothing says how rows were scaled, or the file says something else.
    """
    content = _content(Path(path))
    state = _state(path, content.get("state_dict", content))
    method: Any = _scaling(path, content, feature_scaling_method)
    n, k = state["kde_model.dataset"].shape
    model = KDEClassifier(k, method, max(n, 2), bandwidth=_bandwidth(state["kde_model.dataset"]))
    _fill(model, _with_axes_at_right_angles(path, state, model.settings.scaling.is_unit))
    found, settings, _ = Described.of(path, metadata_of(model))
    check_tensors(path, model.state_dict(), found, settings)  # or it could be written and not be opened
    if not model.settings.scaling.is_unit:
        warnings.warn(_NORM_BIAS, FitWarning, stacklevel=2)
    return model


def _bandwidth(points: Tensor) -> str | float:
    """What the (n, k) whitened points tell: a kernel of `factor` times their spread makes that 1 / factor."""
    n, k = points.shape
    factor = math.sqrt(k / float(points.var(0).sum()))
    ratio = factor / bandwidth_factor("scott", n, k)
    return "scott" if abs(ratio - 1) < _ROUNDED else float(f"{ratio:.4g}")


def _scaling(path: str | Path, content: dict[str, Any], given: Any) -> Any:
    """How rows were scaled: the file says it, or the caller, but not both something else."""
    beside = content.get("hyper_parameters")
    named = beside.get(_SCALING) if isinstance(beside, dict) else None
    if given is None and named is None:
        raise OptionError(
            f"{path}: a state dict does not say how rows were scaled: give 'scale' or 'norm' ({_SCALING}, "
            "--scaling; anomalib's default is 'scale')"
        )
    said = [str(getattr(one, "value", one)).lower() for one in (given, named) if one is not None]
    if len(set(said)) > 1:
        raise OptionError(
            f"{path}: says that rows were scaled by {one_line(said[1], 20)}, not by {one_line(said[0], 20)}: "
            f"leave out {_SCALING} (--scaling)"
        )
    return named if given is None else given


def _content(path: Path) -> dict[str, Any]:
    """The file; of classes, only the name of a scaling method is accepted."""
    if not path.is_file():
        raise ModelFileError(f"{path}: {'is a folder' if path.is_dir() else 'there is no such file'}")
    safe = path.suffix.lower() == ".safetensors"
    with path.open("rb") as file:
        if not safe and not file.read(4).startswith(_STARTS):
            raise ModelFileError(f"{path}: no checkpoint or state dict, which torch.save writes")
    try:
        found = _safetensors(path) if safe else _pickled_tensors(path)
    except ModelFileError:
        raise
    except Exception as error:  # whatever torch and safetensors raise for damaged files
        raise ModelFileError(f"{path}: no checkpoint that can be read ({one_line(error)})") from None
    if not isinstance(found, dict):
        raise ModelFileError(f"{path}: holds a {type(found).__name__}, not a state dict of anomalib's")
    return found


def _safetensors(path: Path) -> dict[str, Any]:
    """Tensors, and what the file says of the scaling: kdeviz says it in those that it writes."""
    from safetensors import safe_open

    with safe_open(path, framework="pt", device="cpu") as stored:
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        return {"state_dict": tensors, "hyper_parameters": stored.metadata()}


def _pickled_tensors(path: Path) -> Any:
    try:
        with torch.serialization.safe_globals([(FeatureScalingMethod, _CLASS)]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL ([\w.]+)", str(error))  # the rest is advice to trust the file
        what = f", such as {one_line(named[1], 80)}" if named else ""
        raise ModelFileError(
            f"{path}: holds more than tensors{what}, and nothing else is opened: save "
            "`model.state_dict()` in anomalib and open that"
        ) from None


def _state(path: str | Path, stored: Any) -> dict[str, Tensor]:
    """The tensors by their names in `KDEClassifier`, in float64."""
    if not isinstance(stored, dict):
        raise ModelFileError(f"{path}: its state_dict is a {type(stored).__name__}, not a dict")
    if _OURS in stored:
        raise ModelFileError(f"{path}: a model of kdeviz's own, which needs no import: use it as it is")
    found = [name for name in stored if isinstance(name, str) and name.endswith(_SUFFIX)]
    if len(found) != 1:
        raise ModelFileError(f"{path}: holds {len(found)} models of anomalib's KDEClassifier, expected one")
    prefix = found[0].removesuffix(_SUFFIX)
    state: dict[str, Any] = {name: stored.get(prefix + name) for name in _SHAPES}
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
    sizes = {"D": len(axes), "n": len(dataset), "k": dataset.shape[1]}
    for name, letters in _SHAPES.items():
        shape = tuple(sizes[letter] for letter in letters)
        if tuple(state[name].shape) != shape:
            raise ModelFileError(f"{path}: tensor {name} has shape {tuple(state[name].shape)}, not {shape}")
        if name != "kde_model.norm" and not state[name].isfinite().all():  # norm may have overflowed
            raise ModelFileError(f"{path}: tensor {name} holds NaN or infinity: anomalib's fit went wrong")
    if len(dataset) < 2 or not torch.linalg.slogdet(state["kde_model.bw_transform"])[1].isfinite():
        raise ModelFileError(f"{path}: the density has fewer than two points, or no volume")


def _with_axes_at_right_angles(
    path: str | Path, state: dict[str, Tensor], by_unit: bool
) -> dict[str, Tensor]:
    """The same density, whose axes are of length 1, as those of standardised features are not.

    With axes = Q R the rows are (x - mean) Q R, and R goes into the transform. What R does to volumes goes
    into the length that all rows are divided by. No R can pass a division of each row by its own length.
    """
    axes, k = state[_SUFFIX], state[_SUFFIX].shape[1]
    if are_at_right_angles(axes):
        return state
    if not by_unit:
        raise ModelFileError(
            f"{path}: its axes are not at right angles, of length 1, and such a norm model cannot be kept: "
            "it was fitted on standardised features, or rounded to 16 bits; use the model that it came from"
        )
    right_angled, rest = torch.linalg.qr(axes)
    growth = torch.linalg.slogdet(rest).logabsdet.div(k).exp()
    transform = rest @ state["kde_model.bw_transform"] / growth
    if not growth > 0 or not torch.linalg.slogdet(transform).logabsdet.isfinite():
        raise ModelFileError(f"{path}: its axes are not {k} different directions")
    covariance = (torch.linalg.pinv(transform).T @ state["kde_model.dataset"].T).cov().reshape(k, k)
    turn = torch.linalg.eigh(covariance).eigenvectors.flip(1)  # the widest direction is the first
    return state | {
        _SUFFIX: right_angled @ turn,
        "kde_model.bw_transform": turn.T @ transform,
        "max_length": state["max_length"] / growth,
    }


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
