"""What the pictures of a sweep say."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from kdeviz.charts.cells import Place, SweptNumbers
from kdeviz.charts.heat_map_frames import frame_words
from kdeviz.charts.knobs import KNOBS, KnobValue, knob_text
from kdeviz.charts.parts import span_words
from kdeviz.sweep import METRICS
from kdeviz.wording import capital, duration, number, percent, size

if TYPE_CHECKING:
    from kdeviz.charts.heat_map import HeatMapNumbers

LOG_DENSITY, ALARM_SHARE = "log_density", "alarm_share"
TICKS: dict[Any, dict[str, Any]] = {
    percent: {"tickformat": "~%"},
    duration: {"ticksuffix": " s"},
    size: {"tickformat": "~s", "ticksuffix": "B"},
}
"""Of an axis, by how its numbers are written."""


def chosen_title(numbers: SweptNumbers) -> str | None:
    """The best row of the choice, if it is shown and has the number; or that there are no numbers at all."""
    if not numbers.scalings:
        return "No setting is done yet"
    if numbers.best_shown is None:
        return f"No {metric_words(numbers.metric)} is known for these settings"
    best = numbers.best
    if best is None or numbers.chosen_by is None or math.isnan(numbers.values[best]):
        return None
    names, value = capital(_names(numbers, best)), _with_interval(numbers, best)
    if numbers.metric != numbers.chosen_by:
        return f"{names}, best by {metric_words(numbers.chosen_by)}: {metric_words(numbers.metric)} {value}"
    if numbers.metric == LOG_DENSITY:
        return f"{names}: best of its kind, {value}"
    return f"{names} give the best {metric_words(numbers.metric)}, {value}"


def best_title(numbers: SweptNumbers) -> str:
    """The best of what is shown; at least one number is."""
    metric = metric_words(numbers.metric)
    if numbers.metric == ALARM_SHARE:  # few alarms are no merit: a model may be blind
        low, high = (written(numbers.metric, end) for end in numbers.ends)
        return f"{capital(metric)} between {low} and {high}"
    place = numbers.best_shown
    assert place is not None
    return f"Best shown: {_names(numbers, place)}, {metric} {_with_interval(numbers, place)}"


def held_words(numbers: SweptNumbers) -> list[str]:
    """The knobs that are held fixed."""
    return [named(knob, value) for knob, value in numbers.fixed.items()]


def hover(numbers: SweptNumbers, place: Place) -> str:
    """One setting and its number."""
    value = f"{metric_words(numbers.metric)} {_with_interval(numbers, place)}"
    return f"{_names(numbers, place)}<br>{value}"


def named(knob: str, value: KnobValue) -> str:
    """A knob and its value."""
    text = html.escape(knob_text(knob, value))
    if knob != "components":
        return f"{KNOBS[knob]} {text}"
    if isinstance(value, float):
        return text
    return f"{text} {'component' if value == 1 else 'components'}"


def metric_words(name: str) -> str:
    """A metric within a sentence."""
    return "log density" if name == LOG_DENSITY else METRICS[name].words


def written(metric: str, value: float) -> str:
    """A value of a metric."""
    return html.escape(METRICS[metric].written(value), quote=False) if math.isfinite(value) else "–"


def ticks(knob: str, values: Sequence[KnobValue], most: int) -> tuple[list[int], list[str]]:
    """Every value, or every second, third ... where there are many."""
    places = list(range(0, len(values), -(-len(values) // max(most, 1)) or 1))
    return places, [html.escape(knob_text(knob, values[place])) for place in places]


# --- on a heat map


def heat_title(numbers: HeatMapNumbers) -> str:
    """The best setting, or what else there is to see."""
    if (chosen := chosen_title(numbers)) is not None:
        return chosen
    if numbers.relative:
        return f"Settings of equal components and scaling lie up to {number(numbers.apart)} nats apart"
    return best_title(numbers)


def heat_subtitle(numbers: HeatMapNumbers) -> str:
    """What is drawn, with the ends of the colours."""
    what = METRICS[numbers.metric].words
    if numbers.relative:
        what = f"{what}, nats below the best of equal components and scaling"
    ends = zip(numbers.beyond_colours, numbers.colour_range, ("below", "above"), strict=True)
    beyond = [f"one colour {side} {written(numbers.metric, end)}" for some, end, side in ends if some]
    without, missing = numbers.empty
    empty = ["× = no number"] * without + ["empty = not done"] * missing
    return " · ".join([capital(what), *held_words(numbers), *beyond, *empty, *frame_words(numbers)])


def bar_title(numbers: HeatMapNumbers) -> str:
    """What the colours mean, and which end is better."""
    metric = METRICS[numbers.metric]
    if numbers.relative:
        return "nats below the best (0 = best)"
    if numbers.metric == ALARM_SHARE:
        return metric.words
    return f"{metric.words} ({'high' if metric.higher_is_better else 'low'} = better)"


def heat_hover(numbers: HeatMapNumbers, place: Place) -> str:
    """One setting and its number, and how far it is from the best."""
    below = -float(numbers.shown[place])
    if not numbers.relative or math.isnan(below):
        return hover(numbers, place)
    return f"{hover(numbers, place)}<br>{number(below)} nats below the best it compares with"


# --- parts of these


def _names(numbers: SweptNumbers, place: Place) -> str:
    """A setting in words: what varies in the picture."""
    first, *others = (named(knob, value) for knob, value in numbers.varied_at(place).items())
    return ", ".join([first, html.escape(numbers.scalings[place[0]]), *others])


def _with_interval(numbers: SweptNumbers, place: Place) -> str:
    value, low, high = (float(part[place]) for part in (numbers.values, numbers.low, numbers.high))
    words = written(numbers.metric, value) + (" nats" if numbers.metric == LOG_DENSITY else "")
    return words + span_words(low, high, partial(written, numbers.metric))
