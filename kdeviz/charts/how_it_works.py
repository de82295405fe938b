"""The model on one screen: points, a bump on each, their sum, the threshold. `ui` draws and moves it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.decision import Decision

_GRID, _SUMS = 240, 24
_MOST_POINTS, _MOST_BUMPS, _MOST_INSPECTED = 400, 40, 400
_MOST_NODES, _NODES_PER_WIDTH = 1000, 8
_WIDTHS_BEYOND = 4.0
_LARGEST_LOG = 700.0
"""Of a number that a float holds."""


class HowItWorksNumbers(NamedTuple):
    """One component of the model, with the exact density along it.

    The bumps of a few points are drawn, and the sums are those of all n.
    """

    component: int
    """0-based: the one in which the flagged samples lie farthest out; the first where none is flagged."""
    components: int
    n: int
    """Points of the model."""
    points: NDArray[np.float64]
    """(P,) of them, ascending, where the model sees them; evenly chosen."""
    bumps: NDArray[np.float64]
    """(B,) of them."""
    width: float
    """Standard deviation of each bump, in the units of the component."""
    spread: float
    """That of the points."""
    grid: NDArray[np.float64]
    """(G,)"""
    sums: NDArray[np.float64]
    """(S, G) density from the leftmost 1/S of the points, 2/S, and so on; the last is the whole."""
    level: float
    """Density at or above which the same share of points lies as above the threshold; of a model with one
    component, the threshold itself."""
    share: float
    """The share below it: held-out training rows below the threshold."""
    inspected: NDArray[np.float64]
    """(Q,) inspected samples, inside the grid; all flagged ones are among them, up to a limit."""
    flagged: NDArray[np.bool_]
    """(Q,) by the threshold on all components."""
    below: NDArray[np.bool_]
    """(Q,) where the density along this component, as drawn on the grid, is below the level."""
    n_flagged: int
    """Flagged samples in all."""
    n_below: int
    """Of them, those below the level along this component; the others are unusual only in all together."""
    threshold: float
    """On log density in all components, nats."""


def how_it_works_numbers(decision: Decision) -> HowItWorksNumbers:
    """The model along the component in which the flagged samples stand out most."""
    analysis, flagged = decision.analysis, decision.flagged
    points, coordinates = _points(analysis), analysis.coordinates
    component = _most_telling(coordinates[flagged], points)
    along, width, shown = _along(analysis, component), _width(analysis, component), _shown(flagged)
    inspected = coordinates[shown, component].astype(np.float64)
    ends = _ends(along, inspected, width)
    grid, sums = np.linspace(*ends, _GRID), _sums(analysis, component, *ends)
    level = _level(decision, component)
    below = flagged if points.shape[1] == 1 else np.interp(coordinates[:, component], grid, sums[-1]) < level
    return HowItWorksNumbers(
        component=component,
        components=points.shape[1],
        n=len(along),
        points=_evenly(along, _MOST_POINTS),
        bumps=_evenly(along, _MOST_BUMPS),
        width=width,
        spread=float(along.std()),
        grid=grid,
        sums=sums,
        level=level,
        share=decision.expected_alarms.rate,
        inspected=np.clip(inspected, grid[0], grid[-1]),
        flagged=flagged[shown],
        below=below[shown],
        n_flagged=decision.n_flagged,
        n_below=int((flagged & below).sum()),
        threshold=decision.threshold,
    )


def _level(decision: Decision, component: int) -> float:
    """See `HowItWorksNumbers.level`."""
    if decision.analysis.classifier.n_components_ == 1:
        return math.exp(min(decision.threshold, _LARGEST_LOG))
    at_points = _at_points(decision.analysis, component)
    return float(np.quantile(at_points, decision.expected_alarms.rate, method="lower"))


@cached
def _at_points(analysis: Analysis, component: int) -> NDArray[np.float64]:
    """(n,) density along the component at each point.

    All pairs of 40 000 points took minutes. Of many points it is asked for at places beside them: a line
    between the logarithms at two of these is right to one per cent.
    """
    along, kde = _along(analysis, component), analysis.classifier.kde_model.marginal((component,))
    nodes = np.unique(along)
    if len(nodes) > _MOST_NODES:
        step = _width(analysis, component) / _NODES_PER_WIDTH
        cells = np.floor(nodes / step)
        nodes = _evenly(step * np.union1d(cells, cells + 1), _MOST_NODES)
    logs = kde.log_prob(torch.from_numpy(nodes[:, None])).cpu().numpy()
    density: NDArray[np.float64] = np.exp(np.interp(along, nodes, logs))
    return density


@cached
def _along(analysis: Analysis, component: int) -> NDArray[np.float64]:
    """(n,) points along the component, ascending."""
    return np.sort(_points(analysis)[:, component])


def _width(analysis: Analysis, component: int) -> float:
    """See `HowItWorksNumbers.width`."""
    return 1 / float(analysis.classifier.kde_model.marginal((component,)).bw_transform[0, 0].abs())


@cached
def _points(analysis: Analysis) -> NDArray[np.float64]:
    """(n, k) points of the density, in the model's scaled space: they are in the model itself."""
    kde = analysis.classifier.kde_model
    points = kde.dataset.double() @ torch.linalg.inv(kde.bw_transform.double()) + kde.mean.double()
    array: NDArray[np.float64] = points.cpu().numpy()
    return array


def _most_telling(flagged: NDArray[Any], points: NDArray[np.float64]) -> int:
    """The component in which these rows lie most standard deviations from the middle of the points."""
    if not len(flagged):
        return 0
    z = (flagged.astype(np.float64) - points.mean(0)) / points.std(0)
    return int(np.median(np.abs(z), axis=0).argmax())


def _shown(flagged: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Evenly chosen rows, of the flagged and of the others."""
    sides = (np.flatnonzero(flagged), np.flatnonzero(~flagged))
    return np.sort(np.concatenate([_evenly(rows, _MOST_INSPECTED // 2) for rows in sides]))


def _evenly(values: NDArray[Any], most: int) -> NDArray[Any]:
    if len(values) <= most:
        return values
    return values[np.linspace(0, len(values) - 1, most).round().astype(np.int64)]


def _ends(points: NDArray[np.float64], inspected: NDArray[np.float64], width: float) -> tuple[float, float]:
    """Of the grid: over the points, and so far towards the inspected samples that these have half of it."""
    low, high = points[0] - _WIDTHS_BEYOND * width, points[-1] + _WIDTHS_BEYOND * width
    room = (high - low) / 2
    lowest, highest = (float(end(inspected, initial=points[0])) for end in (np.min, np.max))
    return float(max(min(low, lowest), low - room)), float(min(max(high, highest), high + room))


@cached
def _sums(analysis: Analysis, component: int, low: float, high: float) -> NDArray[np.float64]:
    """See `HowItWorksNumbers.sums`."""
    points, width = _along(analysis, component), _width(analysis, component)
    grid, parts = np.linspace(low, high, _GRID), []
    for some in np.array_split(points, _SUMS):
        kernels = np.exp(-0.5 * ((grid - some[:, None]) / width) ** 2)
        parts.append(kernels.sum(0) / (len(points) * width * np.sqrt(2 * np.pi)))
    return np.cumsum(parts, axis=0)
