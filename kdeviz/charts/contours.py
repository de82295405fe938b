"""The model's own density on the map, as lines behind the samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.charts.map_axes import AnyAxes, MapAxes, axes_key, axes_of, placed
from kdeviz.charts.parts import level_line
from kdeviz.charts.theme import Part, Theme, faint
from kdeviz.decision import Decision

CONTOUR_SHARES = (0.5, 0.9, 0.99)
_GRID = 48
_CONTOUR_SAMPLE = 1500


class ContoursNumbers(NamedTuple):
    """The fitted model's exact density along the two axes of a map."""

    x: NDArray[Any]
    y: NDArray[Any]
    log_density: NDArray[Any]
    """(len(y), len(x)), nats."""
    levels: tuple[float, ...]
    """Log densities whose contour encloses `shares` of the training samples."""
    shares: tuple[float, ...]
    corners: NDArray[Any]
    """(2, 2): lower left and upper right of the widest region."""


def contours_numbers(decision: Decision, axes: AnyAxes = (0, 1)) -> ContoursNumbers | None:
    """The exact density of the model along the two axes of a map; None where they are no plane of its space.

    Its levels are the log densities above which at least `CONTOUR_SHARES` of the training samples lie: the
    smallest regions that hold that share of what is normal. The grid spans the widest of these regions, so
    that a far outlier does not leave it without a line.

    Raises:
        OptionError: this model has no such axes.
    """
    analysis = decision.analysis
    return _contours(analysis, *axes_key(analysis, decision.threshold, axes_of(axes)))


@cached
def _contours(analysis: Analysis, axes: MapAxes, threshold: float) -> ContoursNumbers | None:
    plane = axes.plane(analysis, threshold)
    if plane is None:
        return None
    along = analysis.classifier.kde_model.along(torch.from_numpy(plane.directions))
    train = placed(analysis, threshold, axes).training
    centre = (plane.centre @ plane.directions).astype(train.dtype)
    train = train[:: max(1, len(train) // _CONTOUR_SAMPLE)]
    at_train = along.log_prob(train + centre).cpu().numpy()
    levels = np.quantile(at_train, [1 - share for share in CONTOUR_SHARES], method="lower")
    within = train[at_train >= levels[-1]]
    x, y = _axes(within, along.bw_transform)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    at_grid = along.log_prob(grid.astype(np.float32) + centre.astype(np.float32)).cpu().numpy()
    # With narrow kernels the region is islands round the samples, which may all lie between grid points.
    held = np.concatenate([within, grid[at_grid >= levels[-1]]])
    return ContoursNumbers(
        x=x,
        y=y,
        log_density=at_grid.reshape(len(y), len(x)),
        levels=tuple(float(level) for level in levels),
        shares=CONTOUR_SHARES,
        corners=np.stack([held.min(0), held.max(0)]),
    )


def _axes(points: NDArray[Any], bw_transform: torch.Tensor) -> NDArray[np.float64]:
    """(2, G) where the grid lies: over the points, and three kernel widths around them."""
    inverse = torch.linalg.inv(bw_transform)
    room = 3 * np.array((inverse.T @ inverse).diagonal().sqrt().tolist())
    return np.linspace(points.min(0).astype(float) - room, points.max(0).astype(float) + room, _GRID).T


def contour_lines(numbers: ContoursNumbers, theme: Theme) -> Iterator[Part]:
    """One line per level, the widest the faintest."""
    for level, share in zip(numbers.levels, numbers.shares, strict=True):
        look = {"color": faint(theme.normal, _opacity(share)), "width": 1.5, "smoothing": 0.6}
        line = level_line(numbers.x, numbers.y, numbers.log_density, level, look)
        yield {**line, "showlegend": False}


def _opacity(share: float) -> float:
    """0.9 for the line round half of the samples, fading towards 0.45 round all of them."""
    return round(min(1.0, 1.35 - 0.9 * share), 2)
