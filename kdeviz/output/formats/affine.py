"""A fitted model as the few arrays from which an export computes: standardise, project, scale, whiten."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.model import KDEClassifier
from kdeviz.scaling import SCALINGS

NORM = "norm"


class Affine(NamedTuple):
    """The model in float64: with s = (x - mean) axes, for norm s / |s|, a row is (s - centre) transform."""

    mean: NDArray[np.float64]
    """(D,) subtracted from the features."""
    axes: NDArray[np.float64]
    """(D, k); a scaling by one length is in it."""
    by_length: bool
    """Whether each projected row is divided by its own length; one of length 0 stays."""
    centre: NDArray[np.float64]
    """(k,)"""
    transform: NDArray[np.float64]
    """(k, k)"""
    points: NDArray[np.float64]
    """(n, k) whitened training points."""
    offset: float
    """Added to the log of the sum of exp(-|z - point|^2 / 2), in nats."""

    @classmethod
    def of(cls, model: KDEClassifier) -> Affine:
        """The arrays of a fitted model."""
        pca, kde = model.pca_model, model.kde_model
        unit = float(model.max_length) if model.settings.scaling.is_unit else 1.0
        return cls(
            _array(pca.mean),
            _array(pca.weights[:, None] * pca.singular_vectors) / unit,
            not model.settings.scaling.is_unit,
            _array(kde.mean),
            _array(kde.bw_transform),
            _array(kde.dataset),
            float(kde.log_norm) - math.log(len(kde.dataset)),
        )

    @property
    def straight(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(D, k) and (k,) of z = (x - mean) A - b, where no row is divided by its length."""
        return self.axes @ self.transform, self.centre @ self.transform


def unknown_scaling(model: KDEClassifier) -> str:
    """Why a model of this scaling cannot be written as arrays; empty if it can."""
    scaling = model.settings.scaling
    if scaling.is_unit or scaling.name == NORM:
        return ""
    known = " and ".join(name for name in SCALINGS if name == NORM or SCALINGS[name].is_unit)
    return f"it knows the scalings {known}, not {scaling.name}: write kdeviz's own file instead"


def _array(values: Any) -> NDArray[np.float64]:
    return np.asarray(values.detach().cpu().numpy(), np.float64)
