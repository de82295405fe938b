"""kdeviz: fit, see, tune and ship a PCA + Gaussian-KDE anomaly classifier for embeddings."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from kdeviz.analysis import Analysis, analyse, estimate
    from kdeviz.calibration import ProbabilityCurve, ThresholdRule
    from kdeviz.classifier import KDEClassifier
    from kdeviz.data import EmbeddingSet, load_embeddings
    from kdeviz.errors import (
        Cancelled,
        DataError,
        FitWarning,
        KdevizError,
        ModelFileError,
        NotFittedError,
        OptionError,
    )
    from kdeviz.kde import GaussianKDE
    from kdeviz.pca import PCA
    from kdeviz.samples import load_sample
    from kdeviz.settings import FeatureScalingMethod, Settings

__all__ = [
    "PCA",
    "Analysis",
    "Cancelled",
    "DataError",
    "EmbeddingSet",
    "FeatureScalingMethod",
    "FitWarning",
    "GaussianKDE",
    "KDEClassifier",
    "KdevizError",
    "ModelFileError",
    "NotFittedError",
    "OptionError",
    "ProbabilityCurve",
    "Settings",
    "ThresholdRule",
    "analyse",
    "estimate",
    "load_embeddings",
    "load_sample",
]

_HOMES = {
    "analysis": ("Analysis", "analyse", "estimate"),
    "calibration": ("ProbabilityCurve", "ThresholdRule"),
    "classifier": ("KDEClassifier",),
    "data": ("EmbeddingSet", "load_embeddings"),
    "errors": (
        "Cancelled",
        "DataError",
        "FitWarning",
        "KdevizError",
        "ModelFileError",
        "NotFittedError",
        "OptionError",
    ),
    "kde": ("GaussianKDE",),
    "pca": ("PCA",),
    "samples": ("load_sample",),
    "settings": ("FeatureScalingMethod", "Settings"),
}


def __getattr__(name: str) -> Any:
    # A name is imported when it is first asked for (PEP 562): `kdeviz --help` need not wait for torch.
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"kdeviz.{module}"), name)
    raise AttributeError(f"module 'kdeviz' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
