"""The numbers behind the pictures of a sweep: a table of settings, and a line along one knob."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.errors import OptionError
from kdeviz.settings import BANDWIDTH_RULES, Settings, bandwidth_in_words, components_in_words
from kdeviz.sweep import METRICS, Choice, Sweep, SweepRow, estimate_of

KnobValue = int | float | str

KNOBS = {
    "components": "components",
    "bandwidth": "bandwidth",
    "cap": "training cap",
    "seed": "seed",
}
"""What a grid can vary beside scaling, in words."""

_KNOB_VALUE: dict[str, Callable[[Settings], KnobValue]] = {
    "components": lambda settings: settings.n_pca_components,
    "bandwidth": lambda settings: settings.bandwidth,
    "cap": lambda settings: settings.max_training_points,
    "seed": lambda settings: settings.seed,
}


class HeatView(NamedTuple):
    """A metric over two knobs, one panel per scaling: P panels of Y by X settings."""

    metric: str
    across: str
    down: str
    x: tuple[KnobValue, ...]
    y: tuple[KnobValue, ...]
    scalings: tuple[str, ...]
    fixed: dict[str, KnobValue]
    """The other knobs that have several values, at the one shown."""
    rows: NDArray[np.int64]
    """(P, Y, X) places in the sweep's rows; -1 for a setting that was not done."""
    values: NDArray[np.float64]
    """(P, Y, X); NaN where a row is missing, failed, or has no such number, or none that is finite."""
    low: NDArray[np.float64]
    """(P, Y, X) lower end of the interval; NaN where there is none."""
    high: NDArray[np.float64]
    shown: NDArray[np.float64]
    """(P, Y, X) what the colour stands for: the value, or how far it is from the best it compares with."""
    relative: bool
    """Whether `shown` is the value less the best one of equal components and equal scaling."""
    best: tuple[int, int, int] | None
    """Where the best row of the choice is; None where it is not among those shown."""
    simplest: tuple[int, int, int] | None
    chosen_by: str | None
    """The metric that the choice was made by."""


class LineView(NamedTuple):
    """A metric along one knob, one line per scaling: P lines through X settings."""

    metric: str
    across: str
    x: tuple[KnobValue, ...]
    scalings: tuple[str, ...]
    fixed: dict[str, KnobValue]
    rows: NDArray[np.int64]
    """(P, X) places in the sweep's rows; -1 for a setting that was not done."""
    values: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    comparable: bool
    """Whether the values of one line compare with each other; log densities of other components do not."""
    best: tuple[int, int] | None
    chosen_by: str | None


def knob_value(settings: Settings, knob: str) -> KnobValue:
    """What one of `KNOBS` is set to.

    Raises:
        OptionError: there is no such knob.
    """
    _check(knob)
    return _KNOB_VALUE[knob](settings)


def knob_text(knob: str, value: KnobValue) -> str:
    """A knob's value as people write it: "1 000", "Scott × 0.5", "95 % of the variance"."""
    if knob == "bandwidth" or isinstance(value, str):
        return bandwidth_in_words(value)
    return components_in_words(value)


def values_of(sweep: Sweep, knob: str) -> tuple[KnobValue, ...]:
    """The values of a knob among the rows, ascending.

    The bandwidth "scott" is a factor of 1, and "silverman" is last; shares of the variance follow component
    counts.

    Raises:
        OptionError: there is no such knob.
    """
    _check(knob)
    return tuple(sorted({knob_value(row.settings, knob) for row in sweep.rows}, key=_place_of(knob)))


def varied(sweep: Sweep) -> tuple[str, ...]:
    """The knobs with more than one value among the rows, in the order of `KNOBS`."""
    return tuple(knob for knob in KNOBS if len(values_of(sweep, knob)) > 1)


def heat_view(
    sweep: Sweep,
    metric: str,
    across: str = "components",
    down: str = "bandwidth",
    fixed: Mapping[str, KnobValue] | None = None,
    choice: Choice | None = None,
) -> HeatView:
    """A metric of every setting over two knobs.

    Log densities compare only within equal components and equal scaling. So for them the picture shows how
    many nats each lies below the best one that it compares with, among those shown.

    Args:
        sweep: may be cancelled, or not have a row yet.
        metric: one of `METRICS`.
        across: the knob along x.
        down: the knob along y.
        fixed: values of the other knobs; what is not given is that of the best row, or the first there is.
        choice: the rows to mark.

    Raises:
        OptionError: there is no such metric, knob or value.
    """
    if across == down:
        raise OptionError(f"across and down are both {across!r}: choose two knobs")
    scalings, held, rows = _slice(sweep, (down, across), fixed, choice)
    numbers = _numbers(sweep, metric, rows)
    relative = metric == "log_density"
    return HeatView(
        metric,
        across,
        down,
        values_of(sweep, across),
        values_of(sweep, down),
        scalings,
        held,
        rows,
        *numbers,
        shown=_below_best(sweep, rows, numbers[0]) if relative else numbers[0],
        relative=relative,
        best=_where(sweep, rows, choice and choice.best),
        simplest=_where(sweep, rows, choice and choice.simplest),
        chosen_by=choice and choice.metric,
    )


def line_view(
    sweep: Sweep,
    metric: str,
    across: str = "components",
    fixed: Mapping[str, KnobValue] | None = None,
    choice: Choice | None = None,
) -> LineView:
    """A metric along one knob, with its intervals; the arguments are those of `heat_view`.

    Raises:
        OptionError: there is no such metric, knob or value.
    """
    scalings, held, rows = _slice(sweep, (across,), fixed, choice)
    lines = [{sweep.rows[row].components for row in line if _fitted(sweep, row)} for line in rows]
    return LineView(
        metric,
        across,
        values_of(sweep, across),
        scalings,
        held,
        rows,
        *_numbers(sweep, metric, rows),
        comparable=metric != "log_density" or all(len(components) <= 1 for components in lines),
        best=_where(sweep, rows, choice and choice.best),
        chosen_by=choice and choice.metric,
    )


def _check(knob: str) -> None:
    if knob not in KNOBS:
        raise OptionError(f"{knob!r} is no knob of a sweep: choose {', '.join(KNOBS)}")


def _place_of(knob: str) -> Callable[[KnobValue], Any]:
    """The key that values of a knob are sorted by."""
    if knob == "components":
        return lambda value: (isinstance(value, float), value)
    if knob == "bandwidth":
        factors = {rule: 1.0 if rule == "scott" else math.inf for rule in BANDWIDTH_RULES}
        return lambda value: (factors[value], "") if isinstance(value, str) else (value, "factor")
    return lambda value: value


def _slice(
    sweep: Sweep, knobs: Sequence[str], fixed: Mapping[str, KnobValue] | None, choice: Choice | None
) -> tuple[tuple[str, ...], dict[str, KnobValue], NDArray[np.int64]]:
    """The scalings, the knobs held fixed, and the places of the rows by scaling and by each of `knobs`."""
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
    return scalings, held, rows


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


def _fitted(sweep: Sweep, row: int) -> bool:
    return row >= 0 and sweep.rows[row].error is None


def _numbers(
    sweep: Sweep, metric: str, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Value, low and high of each place."""
    if metric not in METRICS:  # with no row, nobody else says so
        raise OptionError(f"metric {metric!r} is not known: choose {', '.join(METRICS)}")
    missing = (math.nan,) * 3
    known = dict.fromkeys(range(-1, len(sweep.rows)), missing)
    for number, row in enumerate(sweep.rows):
        found = estimate_of(row, metric)
        if found is not None and math.isfinite(found.value):
            known[number] = (found.value, *found.interval)
    numbers = np.array([known[row] for row in rows.ravel().tolist()], np.float64)
    value, low, high = numbers.reshape(*rows.shape, 3).transpose(-1, *range(rows.ndim))
    return value, low, high


def _below_best(sweep: Sweep, rows: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each log density less the best one of equal components in its panel."""
    kept = [sweep.rows[row].components if row >= 0 else -1 for row in rows.ravel().tolist()]
    components = np.array(kept, np.int64).reshape(rows.shape)
    shown = np.full(values.shape, math.nan)
    for panel in range(len(rows)):
        for k in np.unique(components[panel]):
            group = (components[panel] == k) & ~np.isnan(values[panel])
            if group.any():
                shown[panel][group] = values[panel][group] - values[panel][group].max()
    return shown


def _where(sweep: Sweep, rows: NDArray[np.int64], wanted: SweepRow | None) -> Any:
    """The place of a row among those shown, by its settings."""
    if wanted is None:
        return None
    places = (tuple(place) for place in np.argwhere(rows >= 0).tolist())
    return next((place for place in places if sweep.rows[rows[place]].settings == wanted.settings), None)
