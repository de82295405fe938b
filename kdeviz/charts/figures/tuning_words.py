"""What the pictures of a sweep say."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

from kdeviz.charts.views.tuning import KNOBS, HeatView, KnobValue, LineView, knob_text
from kdeviz.sweep import METRICS
from kdeviz.wording import duration, number, percent, size

LOG_DENSITY, ALARM_SHARE = "log_density", "alarm_share"
TICKS: dict[Any, dict[str, Any]] = {
    percent: {"tickformat": "~%"},
    duration: {"ticksuffix": " s"},
    size: {"tickformat": "~s", "ticksuffix": "B"},
}
"""Of an axis, by how its numbers are written."""


def heat_title(view: HeatView) -> str:
    """The best setting, or what else there is to see."""
    if (found := _chosen(view)) is not None:
        return found
    if view.relative:
        apart = number(-float(np.nanmin(view.shown)))
        return f"Settings of equal components and scaling lie up to {apart} nats apart"
    return _best_shown(view)


def line_title(view: LineView) -> str:
    """The best setting, or what else there is to see."""
    if (found := _chosen(view)) is not None:
        return found
    if not view.comparable:
        return "Log densities of different components do not compare"
    if view.metric != LOG_DENSITY:
        return _best_shown(view)
    known = [line for line in range(len(view.scalings)) if not np.isnan(view.values[line]).all()]
    tops = [(view.scalings[line], view.x[int(np.nanargmax(view.values[line]))]) for line in known]
    return "Best: " + "; ".join(f"{name} with {_named(view.across, value)}" for name, value in tops)


def _chosen(view: HeatView | LineView) -> str | None:
    """The best row of the choice, if it is shown and has the number; or that there are no numbers at all."""
    if not view.scalings:
        return "No setting is done yet"
    if np.isnan(view.values).all():
        return f"No {_metric(view.metric)} is known for these settings"
    if view.best is None or view.chosen_by is None or np.isnan(view.values[view.best]):
        return None
    names, value = _capital(_names(view, view.best)), _with_interval(view, view.best)
    if view.metric != view.chosen_by:
        return f"{names}, best by {_metric(view.chosen_by)}: {_metric(view.metric)} {value}"
    if view.metric == LOG_DENSITY:
        return f"{names}: best of its kind, {value}"
    return f"{names} give the best {_metric(view.metric)}, {value}"


def _best_shown(view: HeatView | LineView) -> str:
    if view.metric == ALARM_SHARE:  # few alarms are no merit: a model may be blind
        low, high = float(np.nanmin(view.values)), float(np.nanmax(view.values))
        return f"{_capital(_metric(view.metric))} between {_written(view, low)} and {_written(view, high)}"
    values = view.values if METRICS[view.metric].higher_is_better else -view.values
    place = tuple(int(i) for i in np.unravel_index(int(np.nanargmax(values)), values.shape))
    return f"Best shown: {_names(view, place)}, {_metric(view.metric)} {_with_interval(view, place)}"


def heat_subtitle(view: HeatView, low: float, high: float) -> str:
    """What is drawn, with the ends of the colours."""
    what = METRICS[view.metric].words
    if view.relative:
        what = f"{what}, nats below the best of equal components and scaling"
    parts = [_capital(what), *_held(view)]
    for beyond, end, side in ((view.shown < low, low, "below"), (view.shown > high, high, "above")):
        if beyond.any():
            parts.append(f"one colour {side} {_written(view, end)}")
    if (np.isnan(view.values) & (view.rows >= 0)).any():
        parts.append("× = no number")
    if (view.rows < 0).any():
        parts.append("empty = not done")
    return " · ".join(parts)


def line_subtitle(view: LineView) -> str:
    """What is drawn."""
    parts = [_capital(_metric(view.metric)), *_held(view)]
    if np.isfinite(view.low).any():
        parts.insert(1, "95 % intervals")
    if not view.comparable:
        parts.append("other components do not compare")
    elif view.metric == LOG_DENSITY and len(view.scalings) > 1:
        parts.append("norm and scale do not compare")
    return " · ".join(parts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _held(view: HeatView | LineView) -> list[str]:
    return [_named(knob, value) for knob, value in view.fixed.items()]


def bar_title(view: HeatView) -> str:
    """What the colours mean, and which end is better."""
    if view.relative:
        return "nats below the best (0 = best)"
    if view.metric == ALARM_SHARE:
        return METRICS[view.metric].words
    end = "high" if METRICS[view.metric].higher_is_better else "low"
    return f"{METRICS[view.metric].words} ({end} = better)"


def hover(view: HeatView | LineView, place: tuple[int, ...]) -> str:
    """One setting and its number."""
    lines = [_names(view, place), f"{_metric(view.metric)} {_with_interval(view, place)}"]
    if isinstance(view, HeatView) and view.relative and not np.isnan(view.shown[place]):
        lines.append(f"{number(-float(view.shown[place]))} nats below the best it compares with")
    return "<br>".join(lines)


def _names(view: HeatView | LineView, place: tuple[int, ...]) -> str:
    """A setting in words: what varies in the picture."""
    panel, *_, x = place
    parts = [_named(view.across, view.x[x]), html.escape(view.scalings[panel])]
    if isinstance(view, HeatView) and len(view.y) > 1:
        parts.append(_named(view.down, view.y[place[1]]))
    return ", ".join(parts)


def _named(knob: str, value: KnobValue) -> str:
    text = html.escape(knob_text(knob, value))
    if knob != "components":
        return f"{KNOBS[knob]} {text}"
    if isinstance(value, float):
        return text
    return f"{text} {'component' if value == 1 else 'components'}"


def _metric(name: str) -> str:
    return "log density" if name == LOG_DENSITY else METRICS[name].words


def shown_text(view: HeatView, place: tuple[int, int, int]) -> str:
    """What is written on a cell."""
    return _written(view, float(view.shown[place]))


def _written(view: HeatView | LineView, value: float) -> str:
    return html.escape(METRICS[view.metric].written(value), quote=False) if np.isfinite(value) else "–"


def _with_interval(view: HeatView | LineView, place: tuple[int, ...]) -> str:
    value, low, high = (float(part[place]) for part in (view.values, view.low, view.high))
    unit = " nats" if view.metric == LOG_DENSITY else ""
    if not np.isfinite([low, high]).all():
        return _written(view, value) + unit
    return f"{_written(view, value)}{unit} ({_written(view, low)} to {_written(view, high)})"


def ticks(knob: str, values: Sequence[KnobValue], most: int) -> tuple[list[int], list[str]]:
    """Every value, or every second, third ... where there are many."""
    places = list(range(0, len(values), -(-len(values) // max(most, 1)) or 1))
    return places, [html.escape(knob_text(knob, values[place])) for place in places]
