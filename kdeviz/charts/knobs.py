"""What a sweep varies, and its values in the order of an axis."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from kdeviz.errors import OptionError
from kdeviz.settings import BANDWIDTH_RULES, Settings, bandwidth_in_words, components_in_words
from kdeviz.sweep import Sweep

KnobValue = int | float | str

_KNOBS: dict[str, tuple[str, Callable[[Settings], KnobValue]]] = {
    "components": ("components", lambda settings: settings.n_pca_components),
    "bandwidth": ("bandwidth", lambda settings: settings.bandwidth),
    "cap": ("training cap", lambda settings: settings.max_training_points),
    "seed": ("seed", lambda settings: settings.seed),
    "standardise": ("standardised features", lambda settings: "yes" if settings.standardise else "no"),
}
KNOBS = {knob: words for knob, (words, _) in _KNOBS.items()}
"""What a grid can vary beside scaling, in words."""


def knob_value(settings: Settings, knob: str) -> KnobValue:
    """What one of `KNOBS` is set to.

    Raises:
        OptionError: there is no such knob.
    """
    _check(knob)
    _, value = _KNOBS[knob]
    return value(settings)


def knob_text(knob: str, value: KnobValue) -> str:
    """A knob's value as people write it: "1 000", "Scott × 0.5", "95 % of the variance", "yes"."""
    if knob == "standardise":
        return str(value)
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
