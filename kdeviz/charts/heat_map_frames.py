"""Frames round cells of a sweep over two knobs: the best, the simplest that may be as good, the picked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kdeviz.charts.cells import Place
from kdeviz.charts.panels import axis_name
from kdeviz.charts.parts import note, placed
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


def frame_names(numbers: HeatMapNumbers, theme: Theme) -> list[Part]:
    """The words at the frames, on sides that do not face each other, so that they never meet."""
    best_above = numbers.best is None or numbers.simplest is None or numbers.simplest[1] <= numbers.best[1]
    return [
        _name(numbers, place, word, best_above == word.startswith("best"), theme)
        for place, word in _named(numbers)
    ]


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


def _name(numbers: HeatMapNumbers, place: Sequence[int], word: str, above: bool, theme: Theme) -> Part:
    panel, y, x = place
    left = x < len(numbers.x) / 2
    corner = {
        **placed("x", x - 0.5 if left else x + 0.5, "left" if left else "right", axis_name("x", panel)),
        **placed("y", y + 0.5 if above else y - 0.5, "bottom" if above else "top", axis_name("y", panel)),
    }
    return note(word, theme, 12, bgcolor=theme.paper, borderpad=1, **corner)
