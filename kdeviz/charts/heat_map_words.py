"""What the heat map of a sweep says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from kdeviz.charts.cells import Place
from kdeviz.charts.heat_map_frames import frame_words
from kdeviz.charts.sweep_words import (
    ALARM_SHARE,
    best_title,
    chosen_title,
    held_words,
    hover,
    written,
)
from kdeviz.sweep import METRICS
from kdeviz.wording import capital, number

if TYPE_CHECKING:
    from kdeviz.charts.heat_map import HeatMapNumbers


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


def shown_text(numbers: HeatMapNumbers, place: Place) -> str:
    """What is written on a cell."""
    return written(numbers.metric, float(numbers.shown[place]))
