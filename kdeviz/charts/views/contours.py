"""The model's own density over two components."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.charts.views.map import check_drawable

CONTOUR_SHARES = (0.5, 0.9, 0.99)
_GRID = 48
_CONTOUR_SAMPLE = 1500


class Contours(NamedTuple):
    """The fitted model's exact marginal density over two components."""

    x: NDArray[Any]
    y: NDArray[Any]
    log_density: NDArray[Any]
    """(len(y), len(x)), nats."""
    levels: tuple[float, ...]
    """Log densities whose contour encloses `shares` of the training samples."""
    shares: tuple[float, ...]
    corners: NDArray[Any]
    """(2, 2): lower left and upper right of the widest region."""


@cached
def contours(analysis: Analysis, components: tuple[int, int]) -> Contours:
    """The exact marginal of the fitted density over two components.

    Its levels are the log densities above which at least `CONTOUR_SHARES` of the training samples lie: the
    smallest regions that hold that share of what is normal. The grid spans the widest of these regions, so
    that a far outlier does not leave it without a line.

    Raises:
        OptionError: these are not two of the model's components.
    """
    check_drawable(analysis, components, (2,))
    marginal = analysis.classifier.kde_model.marginal(components)
    train = analysis.train_coordinates[:, components]
    train = train[:: max(1, len(train) // _CONTOUR_SAMPLE)]
    at_train = marginal.log_prob(train).cpu().numpy()
    levels = np.quantile(at_train, [1 - share for share in CONTOUR_SHARES], method="lower")
    within = train[at_train >= levels[-1]]
    inverse = torch.linalg.inv(marginal.bw_transform)
    kernel_widths = (inverse.T @ inverse).diagonal().sqrt().tolist()
    x, y = (_padded_range(within[:, i], 3 * kernel_widths[i]) for i in (0, 1))
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    log_density = marginal.log_prob(grid.astype(np.float32)).cpu().numpy().reshape(len(y), len(x))
    # With narrow kernels the region is islands round the samples, which may all lie between grid points.
    held = np.concatenate([within, grid[log_density.ravel() >= levels[-1]]])
    return Contours(
        x=x,
        y=y,
        log_density=log_density,
        levels=tuple(float(level) for level in levels),
        shares=CONTOUR_SHARES,
        corners=np.stack([held.min(0), held.max(0)]),
    )


def _padded_range(values: NDArray[Any], pad: float) -> NDArray[Any]:
    return np.linspace(float(values.min()) - pad, float(values.max()) + pad, _GRID)
