"""Frames round cells of a sweep over two knobs: the best, the simplest that may be as good, the picked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kdeviz.charts.cells import Place
from kdeviz.charts.panels import axis_name
from kdeviz.charts.theme import Part, Theme

if TYPE_CHECKING:
    from kdeviz.charts.heat_map import HeatMapNumbers


def frames(numbers: HeatMapNumbers, picked: int | None, theme: Theme) -> list[Part]:
    """Lines round the best cell, the simplest one that may be as good, and that of the picked row."""
    lines = []
    for place, word in _named(numbers):
        width = 1.5 if word == "simplest" else 3
        lines.append(_outline(place, theme.paper, width + 4))  # seen on every colour
        lines.append(_outline(place, theme.text, width))
    if picked is not None:
        lines += [_outline(place, theme.text, 2, "dot") for place in numbers.places_of(picked)]
    return lines


def frame_words(numbers: HeatMapNumbers) -> list[str]:
    """What the frames mean, for the subtitle: beside them it would lie on other cells."""
    words = {word for _, word in _named(numbers)}
    if "best and simplest" in words:
        return ["frame = best and simplest"]
    meanings = {"best": "thick frame = best", "simplest": "thin frame = simplest as good"}
    return [meaning for word, meaning in meanings.items() if word in words]


def _named(numbers: HeatMapNumbers) -> list[tuple[Place, str]]:
    if numbers.best is not None and numbers.best == numbers.simplest:
        return [(numbers.best, "best and simplest")]
    both = ((numbers.simplest, "simplest"), (numbers.best, "best"))
    return [(place, word) for place, word in both if place is not None]


def _outline(place: Sequence[int], colour: str, width: float, dash: str = "solid") -> Part:
    panel, y, x = place
    refs = {"xref": axis_name("x", panel), "yref": axis_name("y", panel)}
    ends = {"x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5}
    return {"type": "rect", "line": {"color": colour, "width": width, "dash": dash}, **ends, **refs}
