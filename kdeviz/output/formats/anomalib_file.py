"""The state of anomalib's `KDEClassifier`, as in its Dfkde models."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.decision import Decision
from kdeviz.output.formats.affine import NORM, Affine
from kdeviz.output.formats.anomalib_runtime import INSTALL, reference_module
from kdeviz.output.formats.model_format import ModelFormat, Scored

SAFETENSORS = ".safetensors"
# exp of more overflows float32, and of less vanishes.
_LARGEST_LOG, _SMALLEST_LOG = 88.7, -87.0
_LOWEST = -85.0


class Anomalib(ModelFormat):
    """`state_dict`, as .pt or .safetensors."""

    name = "anomalib"
    title = "anomalib state dict"
    suffix = ".pt"
    words = (
        "The seven tensors of anomalib's `KDEClassifier`, as `.pt`, or as `.safetensors` where the file is "
        "named so. For a Dfkde model put `model.classifier.` before their names. They carry neither the "
        "threshold nor the curve: both are in the model card, and anomalib's curve is fixed. anomalib gives "
        "minus infinity below a log density of about -100."
    )
    takes_float32 = True
    of_arrays = True
    needs = ("anomalib",)
    install = INSTALL

    def loading(self, decision: Decision, file: str) -> str:
        """See `ModelFormat`."""
        model = decision.analysis.classifier
        read = (
            f"from safetensors.torch import load_file\nstate = load_file({file!r})"
            if file.lower().endswith(SAFETENSORS)
            else f"import torch\nstate = torch.load({file!r}, weights_only=True)"
        )
        return f"""\
from anomalib.models.components.classification import FeatureScalingMethod, KDEClassifier
{read}
method = FeatureScalingMethod.{model.settings.feature_scaling_method.name}
model = KDEClassifier({model.n_components_}, method)
model.load_state_dict(state)
# It changes the tensor that it is given: pass a copy.
log_density = model.compute_kde_scores(rows.clone(), as_log_likelihood=True)
flagged = ~(log_density >= {decision.threshold!r})  # a row with NaN does not pass"""

    def refusal(self, decision: Decision) -> str:
        """See `ModelFormat`."""
        log_norm = float(decision.analysis.classifier.kde_model.log_norm)
        if log_norm > _LARGEST_LOG or log_norm < _SMALLEST_LOG:
            return (
                f"its float32 `norm` would be {'infinite' if log_norm > 0 else 'zero'} (log norm "
                f"{log_norm:.4g}, possible are {_SMALLEST_LOG:g} to {_LARGEST_LOG:g}): keep fewer "
                "components, or use another format"
            )
        return super().refusal(decision)

    def write(self, decision: Decision, path: Path) -> None:
        """See `ModelFormat`."""
        state = state_of(decision)
        if path.suffix.lower() == SAFETENSORS:
            from safetensors.torch import save_file

            save_file(state, path, {"feature_scaling_method": _method(decision)})
        else:
            torch.save(state, path)

    def check(self, decision: Decision, path: Path, rows: NDArray[np.float32]) -> Scored:
        """See `ModelFormat`; by anomalib's own classes."""
        state = _read(path)
        reference = reference_module()
        k = state["pca_model.singular_vectors"].shape[1]
        model = reference.KDEClassifier(k, reference.FeatureScalingMethod(_method(decision)))
        model.load_state_dict(state, strict=True)
        features = torch.from_numpy(rows.copy())  # it changes what it is given
        found: NDArray[Any] = model.compute_kde_scores(features, as_log_likelihood=True).numpy()
        # Also where the kernels of the nearest points vanish before they are multiplied by a large norm.
        lowest = _LOWEST + max(float(state["kde_model.norm"].log()), 0.0)
        return Scored("anomalib", version("anomalib"), found, holds=(lowest, _LARGEST_LOG))


def state_of(decision: Decision) -> dict[str, Tensor]:
    """The seven tensors, computed in float64 and stored in float32 as anomalib does.

    anomalib whitens without a centre: `dataset` is moved instead.
    """
    model, affine = decision.analysis.classifier, Affine.of(decision.analysis.classifier)
    unit = float(model.max_length) if not affine.by_length else 1.0
    stored = {
        "max_length": np.asarray(float(model.max_length)),
        "pca_model.singular_vectors": affine.axes * unit,
        "pca_model.mean": affine.mean,
        "kde_model.bw_transform": affine.transform,
        "kde_model.dataset": affine.points + affine.centre @ affine.transform,
        "kde_model.norm": np.exp(float(model.kde_model.log_norm)),
    }
    state = {name: torch.tensor(values, dtype=torch.float32).contiguous() for name, values in stored.items()}
    state["pca_model.num_components"] = torch.tensor([model.n_components_])
    return state


def _method(decision: Decision) -> str:
    return NORM if Affine.of(decision.analysis.classifier).by_length else "scale"


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix.lower() == SAFETENSORS:
        from safetensors.torch import load_file

        return dict(load_file(path))
    return dict(torch.load(path, weights_only=True))
