"""Where the fitted model sees an inspected row, in float64."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.analysis import Analysis, Judge, judge_of
from kdeviz.data import Rows, working_dtype
from kdeviz.errors import OptionError
from kdeviz.model import KDEClassifier

Floats = NDArray[np.float64]

# Farther out, a square divided by the square of a narrow kernel would overflow.
_LARGEST_COORDINATE = 1e100


class Place(NamedTuple):
    """Where the model sees a row; in float64."""

    scores: Tensor
    """(k,) PCA scores, not scaled."""
    point: Tensor
    """(k,) in the model's scaled space."""
    whitened: Tensor
    """(k,) in the space of the density's points."""


class Density(NamedTuple):
    """The parts of a `GaussianKDE`; in float64."""

    points: Tensor
    """(n, k), whitened."""
    mean: Tensor
    """(k,)"""
    whitening: Tensor
    """W (k, k), W W^T = H^-1."""
    inverse: Tensor
    """W^-1."""


def double(tensor: Tensor) -> Tensor:
    """In float64: on its own device, or on the CPU where its device has no float64 (Apple's GPU)."""
    return (tensor if working_dtype(tensor.device) == torch.float64 else tensor.cpu()).double()


def density_of(classifier: KDEClassifier) -> Density:
    """The parts of the model's density."""
    kde = classifier.kde_model
    whitening = double(kde.bw_transform)
    return Density(double(kde.dataset), double(kde.mean), whitening, torch.linalg.inv(whitening))


def judged(analysis: Analysis, row: int) -> tuple[Judge, Density, Place]:
    """The model that gave an inspected row its score, that model's density, and where it sees the row.

    Raises:
        OptionError: there is no such row.
    """
    rows, judge = one_row(analysis, row), judge_of(analysis, row)
    model, density = judge.classifier, density_of(judge.classifier)
    scores = model.pca_scores(rows, 0, 1)
    point = double(model.pre_process(scores, model.max_length)[0][0])
    centred = (point - density.mean).clamp(-_LARGEST_COORDINATE, _LARGEST_COORDINATE)
    return judge, density, Place(double(scores[0]), centred + density.mean, centred @ density.whitening)


def one_row(analysis: Analysis, row: int) -> Rows:
    """One inspected row, unread.

    Raises:
        OptionError: there is no such row.
    """
    inspected = analysis.inspected
    if not 0 <= row < len(inspected):
        raise OptionError(
            f"{inspected.name}: there is no row {row}: choose one from 0 to {len(inspected) - 1}"
        )
    return Rows(inspected.features).select(np.array([row]))


def kernel_widths(density: Density) -> Tensor:
    """(k,) standard deviation of a kernel along each component."""
    widths: Tensor = torch.linalg.vector_norm(density.inverse, dim=0)
    return widths


def as_array(values: Tensor) -> Floats:
    """Float64 numbers as numpy has them."""
    return np.asarray(values.cpu().numpy())
