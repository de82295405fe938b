"""anomalib 2.7.0: its formulas written out in float32, and the package itself where it can be had."""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace

import torch
from torch import Tensor

__all__ = ["fit", "package", "score", "whitened"]

VERSION = "2.7.0"
_COMPONENTS = "anomalib.models.components"
_PARTS = ("base", "stats", "dimensionality_reduction", "classification")
_PARENTS = ("anomalib", "anomalib.models", _COMPONENTS, *(f"{_COMPONENTS}.{part}" for part in _PARTS))


def fit(features: Tensor, k: int = 16) -> tuple[Tensor, Tensor]:
    """KDEClassifier.fit: full SVD, scores divided by the longest, whitening."""
    centred = features - features.mean(0)
    stack = centred @ torch.linalg.svd(centred)[-1].T[:, :k]
    return whitened(stack / torch.linalg.norm(stack, dim=1).max())


def whitened(points: Tensor) -> tuple[Tensor, Tensor]:
    """GaussianKDE.fit: the transform, and the points under it."""
    n, k = points.shape
    transform = torch.linalg.cholesky(torch.linalg.inv(torch.cov(points.T)) / n ** (-2 / (k + 4)))
    return transform, points @ transform


def score(queries: Tensor, transform: Tensor, dataset: Tensor) -> Tensor:
    """GaussianKDE.forward: one query at a time."""
    norm = transform.diagonal().prod() * (2 * torch.pi) ** (-len(transform) / 2)
    estimate = torch.zeros(len(queries))
    for i, query in enumerate(queries @ transform):
        kernels = torch.exp(-((dataset - query) ** 2).sum(1) / 2) * norm
        estimate[i] = kernels.mean()
    return estimate


@lru_cache(maxsize=1)
def package() -> SimpleNamespace:
    """GaussianKDE and KDEClassifier of the real package, fetched into a folder that is thrown away.

    Only its four modules are run: the packages around them import a training framework.
    """
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "install", "--no-deps", "--quiet", "--target", folder]
        done = subprocess.run(
            [*command, f"anomalib=={VERSION}"], capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode:
            raise ImportError(f"pip could not fetch it: {done.stderr.strip().splitlines()[-1]}")
        try:
            return _without_parents(Path(folder))
        finally:
            for name in [name for name in sys.modules if name.partition(".")[0] == "anomalib"]:
                del sys.modules[name]


def _without_parents(folder: Path) -> SimpleNamespace:
    for name in _PARENTS:
        parent = ModuleType(name)
        parent.__path__ = [str(folder.joinpath(*name.split(".")))]
        sys.modules[name] = parent
    base, components = sys.modules[f"{_COMPONENTS}.base"], sys.modules[_COMPONENTS]
    base.DynamicBufferMixin = import_module(f"{_COMPONENTS}.base.dynamic_buffer").DynamicBufferMixin
    components.PCA = import_module(f"{_COMPONENTS}.dimensionality_reduction.pca").PCA
    components.GaussianKDE = import_module(f"{_COMPONENTS}.stats.kde").GaussianKDE
    classifier = import_module(f"{_COMPONENTS}.classification.kde_classifier").KDEClassifier
    return SimpleNamespace(GaussianKDE=components.GaussianKDE, KDEClassifier=classifier)
