"""Where the rows of a sweep stand in a picture of it, and the numbers they bring."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdeviz.charts.knobs import KNOBS, KnobValue, knob_value, values_of
from kdeviz.errors import OptionError
from kdeviz.sweep import METRICS, Choice, Sweep, SweepRow, estimate_of

Place = tuple[int, ...]
"""Of a setting in a picture: which scaling, and which value of each knob, that along x last."""


@dataclass(frozen=True, eq=False)
class SweptNumbers:
    """A metric of the settings of a sweep; every array has the shape of the places in its picture."""

    metric: str
    across: str
    """The knob along x."""
    x: tuple[KnobValue, ...]
    scalings: tuple[str, ...]
    fixed: dict[str, KnobValue]
    """The knobs that the picture does not vary and that have several values, at the one shown."""
    rows: NDArray[np.int64]
    """Places in the sweep's rows; -1 for a setting that was not done."""
    values: NDArray[np.float64]
    """NaN where a row is missing, failed, or has no such number, or none that is finite."""
    low: NDArray[np.float64]
    """Lower end of the interval; NaN where there is none."""
    high: NDArray[np.float64]
    best: Place | None
    """Where the best row of the choice is; None where it is not among those shown."""
    chosen_by: str | None
    """The metric that the choice was made by."""

    @property
    def best_shown(self) -> Place | None:
        """Where the best value of all is; None if none is known."""
        if np.isnan(self.values).all():
            return None
        ranked = self.values if METRICS[self.metric].higher_is_better else -self.values
        return tuple(int(i) for i in np.unravel_index(int(np.nanargmax(ranked)), ranked.shape))

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value; NaN if none is known."""
        known = self.values[~np.isnan(self.values)]
        return (float(known.min()), float(known.max())) if len(known) else (math.nan, math.nan)

    def varied_at(self, place: Place) -> dict[str, KnobValue]:
        """What varies in the picture, at one place of it; the knob along x first."""
        return {self.across: self.x[place[-1]]}


def swept_numbers(
    sweep: Sweep,
    metric: str | None,
    knobs: Sequence[str],
    fixed: Mapping[str, KnobValue] | None,
    choice: Choice | None,
) -> SweptNumbers:
    """The numbers by scaling and by each of `knobs`, the one along x last; see `heat_map_numbers`."""
    metric = metric or _default_metric(sweep, choice)
    axes = [values_of(sweep, knob) for knob in knobs]
    held = _held(sweep, [knob for knob in KNOBS if knob not in knobs], fixed or {}, choice)
    scalings = tuple(dict.fromkeys(row.settings.feature_scaling_method.value for row in sweep.rows))
    rows = np.full((len(scalings), *map(len, axes)), -1, np.int64)
    for number, row in enumerate(sweep.rows):
        settings = row.settings
        if all(knob_value(settings, knob) == value for knob, value in held.items()):
            values = zip(axes, knobs, strict=True)
            at = [axis.index(knob_value(settings, knob)) for axis, knob in values]
            rows[scalings.index(settings.feature_scaling_method.value), *at] = number
    numbers = _numbers(sweep, metric, rows)
    best = place_of(sweep, rows, choice and choice.best)
    return SweptNumbers(
        metric, knobs[-1], axes[-1], scalings, held, rows, *numbers, best, choice and choice.metric
    )


def _numbers(
    sweep: Sweep, metric: str, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Value, low and high of each place."""
    if metric not in METRICS:  # with no row, nobody else says so
        raise OptionError(f"metric {metric!r} is not known: choose {', '.join(METRICS)}")
    missing = (math.nan,) * 3
    known = dict.fromkeys(range(-1, len(sweep.rows)), missing)
    for number, row in enumerate(sweep.rows):
        estimate = estimate_of(row, metric)
        if estimate is not None and math.isfinite(estimate.value):
            known[number] = (estimate.value, *estimate.interval)
    numbers = np.array([known[row] for row in rows.ravel().tolist()], np.float64)
    value, low, high = numbers.reshape(*rows.shape, 3).transpose(-1, *range(rows.ndim))
    return value, low, high


def _default_metric(sweep: Sweep, choice: Choice | None) -> str:
    """That of the choice; else AUROC, or log density where no row has one."""
    if choice is not None:
        return choice.metric
    known = any(row.auroc is not None for row in sweep.rows)
    return "auroc" if known or not sweep.rows else "log_density"


def place_of(sweep: Sweep, rows: NDArray[np.int64], wanted: SweepRow | None) -> Place | None:
    """The place of a row among those shown, by its settings."""
    if wanted is None:
        return None
    places = (tuple(place) for place in np.argwhere(rows >= 0).tolist())
    return next((place for place in places if sweep.rows[rows[place]].settings == wanted.settings), None)


def _held(
    sweep: Sweep, knobs: Sequence[str], fixed: Mapping[str, KnobValue], choice: Choice | None
) -> dict[str, KnobValue]:
    for knob, value in fixed.items():
        known = values_of(sweep, knob)
        if knob not in knobs:
            raise OptionError(f"{knob} is an axis of the picture and cannot be fixed: leave it out")
        if known and value not in known:
            raise OptionError(
                f"no row of the sweep has {knob}={value!r}: choose {', '.join(map(str, known))}"
            )
    held: dict[str, KnobValue] = {}
    for knob in knobs:
        known = values_of(sweep, knob)
        usual = knob_value(choice.best.settings, knob) if choice is not None else None
        if len(known) > 1:
            held[knob] = fixed.get(knob, usual if usual is not None and usual in known else known[0])
    return held
