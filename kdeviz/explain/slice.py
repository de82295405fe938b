"""The model's density through one row."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from kdeviz.analysis import Analysis
from kdeviz.errors import OptionError
from kdeviz.explain.place import Density, Floats, Place, as_array, judged, kernel_widths
from kdeviz.model import KDEClassifier, KernelSums

_BULK = (0.005, 0.995)
_PADDING = 3.0


class Slice(NamedTuple):
    """The model's density through one row: two components vary, the others stay at the row's values."""

    components: tuple[int, int]
    x: Floats
    """(P,) first component."""
    y: Floats
    """(P,) second component."""
    log_density: Floats
    """(len(y), len(x)), nats."""
    place: tuple[float, float]
    """Where the row is."""


@torch.no_grad()
def slice_density(analysis: Analysis, row: int, components: tuple[int, int], points: int = 41) -> Slice:
    """The model's exact log density over two components, all others fixed at a row's values.

    The grid covers 99 % of the training rows in each of the two components, three kernel widths around, and
    the row itself. If the model was fitted on the row, the density is that of a model without it. Under
    "norm" rows lie on the unit sphere, and the grid leaves it: only near the row does it show what a row can
    reach.

    The two components, along x and along y, are 0-based; `points` are those of the grid along each.

    Raises:
        OptionError: there is no such row, these are not two of the components, or fewer than two points.
    """
    k = analysis.classifier.n_components_
    if len(components) != 2 or len(set(components)) != 2 or not set(components) <= set(range(k)):
        raise OptionError(f"components={components} is not possible: choose two different ones of the {k}")
    if points < 2:
        raise OptionError(f"points={points} is no grid: choose at least 2")
    judge, density, place = judged(analysis, row)
    x, y = (_grid_axis(density, place, component, points) for component in components)
    grid = place.point.repeat(len(y), len(x), 1)
    grid[..., components[0]] = x
    grid[..., components[1]] = y[:, None]
    log_density = _log_density(judge.classifier, density, grid.reshape(-1, k))
    return Slice(
        components=components,
        x=as_array(x),
        y=as_array(y),
        log_density=as_array(log_density.reshape(len(y), len(x))),
        place=(float(place.point[components[0]]), float(place.point[components[1]])),
    )


def _grid_axis(density: Density, place: Place, component: int, points: int) -> Tensor:
    along = density.points @ density.inverse[:, component] + density.mean[component]
    lowest, highest = along.new_tensor(np.quantile(as_array(along), _BULK))
    padding = _PADDING * kernel_widths(density)[component]
    here = place.point[component]
    # Around the row too, so that it never lies on the edge.
    first, last = torch.minimum(lowest, here) - padding, torch.maximum(highest, here) + padding
    return torch.linspace(0, 1, points, dtype=along.dtype, device=along.device) * (last - first) + first


def _log_density(classifier: KDEClassifier, density: Density, at: Tensor) -> Tensor:
    """(Q,) of (Q, k) places in the model's space."""
    kde = classifier.kde_model
    offset = float(kde.log_norm) - math.log(len(density.points))
    sums = KernelSums(density.points, classifier.result_dtype, kde.kernel)
    return sums.at((at - density.mean) @ density.whitening, offset) + offset
