"""What PCA throws away of a row."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, NamedTuple
from weakref import WeakKeyDictionary, ref

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.analysis import Analysis
from kdeviz.data import Rows
from kdeviz.explain.place import Floats, as_array, double, one_row
from kdeviz.model import KDEClassifier

UNUSUAL_RESIDUAL = 0.99
"""A row whose residual is above this quantile of those in training is unusual outside the kept components."""

# Sums of larger entries could overflow.
_LARGEST_ENTRY = 1e300


class Residual(NamedTuple):
    """What PCA throws away of a row, and the density therefore cannot see.

    Residuals of training rows are in-sample: the axes were chosen to make them small. With few rows for the
    number of features, new rows exceed them more often than the share says.
    """

    norm: float
    """Length of what is left of the row, in the units of the features; in their standard deviations, where
    the model standardises them."""
    limit: float
    """`UNUSUAL_RESIDUAL` quantile of the residuals of the training rows."""
    larger_than: float
    """Share of the (other) training rows with a smaller residual."""
    unusual: bool
    """Above `limit`, and more than rounding can cause."""
    something: bool
    """Whether the components leave out more of this row, or of training rows, than rounding can cause."""


def residual_of(analysis: Analysis, row: int) -> Residual:
    """What the PCA of all training rows throws away of an inspected row."""
    own = int(analysis.points[row]) if analysis.inspects_training and analysis.points[row] >= 0 else None
    classifier, in_training = analysis.classifier, _training_residuals(analysis)
    chosen = one_row(analysis, row)
    if not len(in_training):
        return Residual(float(_norms(classifier, chosen)[0]), math.nan, math.nan, False, False)
    norm = float(_norms(classifier, chosen)[0] if own is None else in_training[own])
    limit = float(np.quantile(in_training, UNUSUAL_RESIDUAL, method="higher"))
    rounding = _rounding(classifier, chosen)
    return Residual(
        norm=norm,
        limit=limit,
        larger_than=float((in_training < norm).sum()) / (len(in_training) - (own is not None)),
        unusual=norm > max(limit, rounding),
        something=max(norm, limit) > rounding,
    )


def _rounding(classifier: KDEClassifier, row: Rows) -> float:
    """The residual that a row may have though nothing of it is thrown away.

    Each stored number is off by half a step; the axes are good to about the root of the working precision.
    """
    mean = double(classifier.pca_model.mean)
    values = row.block(0, 1, torch.float64, mean.device)[0]
    weights = double(classifier.pca_model.weights)
    length, from_mean = _lengths(torch.stack([values, values - mean]) * weights)
    axes = torch.finfo(classifier.pca_model.mean.dtype).eps ** 0.5
    return float(row.resolution * length + axes * from_mean)


def cached_by_model(
    about: Literal["train", "inspected"],
) -> Callable[[Callable[[Analysis], Floats]], Callable[[Analysis], Floats]]:
    """Cache the latest result per fitted model, read-only; analyses that differ in labels only share it.

    `about` says which rows' features the result depends on.
    """

    def decorate(find: Callable[[Analysis], Floats]) -> Callable[[Analysis], Floats]:
        results: WeakKeyDictionary[KDEClassifier, tuple[ref[NDArray[Any]], Floats]] = WeakKeyDictionary()

        @wraps(find)
        def looked_up(analysis: Analysis) -> Floats:
            features = getattr(analysis, about).features
            known = results.get(analysis.classifier)
            if known is not None and known[0]() is features:
                return known[1]
            found = find(analysis)
            found.flags.writeable = False
            results[analysis.classifier] = ref(features), found
            return found

        return looked_up

    return decorate


@cached_by_model("inspected")
def residuals(analysis: Analysis) -> Floats:
    """(M,) lengths of what PCA throws away of the inspected rows; see `Residual.norm`.

    Computed in blocks, once per analysis; read-only.
    """
    return _norms(analysis.classifier, Rows(analysis.inspected.features))


@cached_by_model("train")
def _training_residuals(analysis: Analysis) -> Floats:
    """(n,) of the rows the model was fitted on, in the order of its points."""
    if analysis.inspects_training:
        return residuals(analysis)[analysis.fitted_on]
    return _norms(analysis.classifier, Rows(analysis.train.features).select(analysis.fitted_on))


@torch.no_grad()
def _norms(classifier: KDEClassifier, rows: Rows) -> Floats:
    pca = classifier.pca_model
    mean, axes, weights = double(pca.mean), double(pca.singular_vectors), double(pca.weights)
    norms = mean.new_empty(len(rows))
    for place, block in rows.stream(torch.float64, mean.device):
        block.sub_(mean)
        if pca.standardise:
            block.mul_(weights)
        block.clamp_(-_LARGEST_ENTRY, _LARGEST_ENTRY)
        block -= (block @ axes) @ axes.T
        norms[place] = _lengths(block)
    return as_array(norms)


def _lengths(block: Tensor) -> Tensor:
    """Of the rows; divided by the largest entry first, no square overflows."""
    largest = block.abs().amax(1, keepdim=True)
    lengths: Tensor = torch.linalg.vector_norm(block / torch.where(largest > 0, largest, 1), dim=1)
    return lengths * largest[:, 0]
