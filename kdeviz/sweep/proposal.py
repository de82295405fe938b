"""The first grid that is offered for some data, and what a grid will cost."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor

from kdeviz.analysis import estimate, is_measured, rough_seconds
from kdeviz.data import EmbeddingSet, Rows
from kdeviz.model import fold_count, principal_axes, training_subset
from kdeviz.scaling import SCALINGS
from kdeviz.settings import Settings
from kdeviz.sweep.grid import Grid

COUNTS = (2, 4, 6, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)
_FEW_COUNTS = (2, 4, 8, 16, 24, 32, 48, 64, 96, 128)
_NEARLY_ALL = 0.99
_WIDTHS: tuple[tuple[str | float, ...], ...] = ((0.5, "scott", 2.0), ("scott",))
_PATIENCE_SECONDS = 60.0


def proposed_components(variances: Tensor, n: int, d: int, counts: Sequence[int] = COUNTS) -> tuple[int, ...]:
    """Component counts to try: up to what keeps 99 % of the variance, or 128, where every fold has so many.

    `variances` are (r,) along all principal axes of the (n, d) training rows, the largest first; `counts`,
    to choose from, ascend.
    """
    shares = torch.cumsum(variances.double(), 0) / variances.double().sum()
    enough = int((shares < _NEARLY_ALL).sum()) + 1
    most = max(min(enough, counts[-1], _most_components(n, d)), 1)
    return tuple(dict.fromkeys([*(k for k in counts if k < most), most]))


def proposed_grid(
    variances: Tensor,
    settings: Settings,
    n: int,
    d: int,
    kept: int,
    scored: int = 0,
    labelled: bool = False,
) -> Grid:
    """The first grid for (n, d) training rows: of fewer settings where all would take minutes.

    The settings in use, with `kept` components, are in it where every fold can carry them. Features as they
    are and standardised are compared where it is `labelled`: where labels of both kinds can tell which is
    better. `scored` counts other rows to score; `variances`: see `proposed_components`.
    """
    units = (False, True) if labelled else (settings.standardise,)
    for widths, counts in product(_WIDTHS, (COUNTS, _FEW_COUNTS)):
        own = {kept} if kept <= _most_components(n, d) else set()
        grid = Grid(
            tuple(sorted({*proposed_components(variances, n, d, counts), *own})),
            tuple(SCALINGS),
            (settings.max_training_points,),
            tuple(dict.fromkeys((*widths, settings.bandwidth))),
            (settings.seed,),
            units,
        )
        if sum(rough_seconds(n, d, each, scored) for each in grid.settings) < _PATIENCE_SECONDS:
            break
    return grid


def _most_components(n: int, d: int) -> int:
    """The largest count that every fold can carry: one below the rows outside it, or all dimensions."""
    return min(n - -(-n // fold_count(n)) - 1, d)


def variances_of(train: EmbeddingSet, settings: Settings) -> Tensor:
    """(r,) along all principal axes of the rows that a model would be fitted on."""
    fitted = train.to_fit.features
    rows = Rows(fitted).select(training_subset(len(fitted), settings))
    rows.check_finite()
    return principal_axes(rows, torch.device("cpu"), 1, standardise=settings.standardise).variances


def sweep_seconds(
    grid: Grid, n: int, d: int, device: str | torch.device = "auto", scored: int = 0, known: int = 0
) -> float:
    """About how long a sweep over (n, d) training rows and `scored` others will take; see `estimate`.

    Nothing is measured for it: where a speed is not known, that of two ordinary cores is taken. `known`
    counts the settings that are done already.
    """
    total = sum(_seconds(n, d, settings, device, scored) for settings in grid.settings)
    return total * (1 - known / len(grid))


def _seconds(n: int, d: int, settings: Settings, device: str | torch.device, scored: int) -> float:
    if is_measured(n, d, settings, device):
        return estimate(n, d, settings, device, scored).seconds
    return rough_seconds(n, d, settings, scored)
