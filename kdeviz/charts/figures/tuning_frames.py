"""Frames round cells of a sweep over two knobs: the best, the simplest that may be as good, the chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kdeviz.charts.figures.panels import axis_name
from kdeviz.charts.figures.parts import note, placed
from kdeviz.charts.theme import Part, Theme
from kdeviz.charts.views.tuning import HeatView


def frames(view: HeatView, chosen: int | None, theme: Theme) -> list[Part]:
    """Lines round the best cell, the simplest one that may be as good, and that of the `chosen` row."""
    lines = []
    for place, word in _named(view):
        width = 1.5 if word == "simplest" else 3
        lines.append(_outline(place, theme.paper, width + 4))  # seen on every colour
        lines.append(_outline(place, theme.text, width))
    if chosen is not None:
        lines += [
            _outline(place, theme.text, 2, "dot") for place in np.argwhere(view.rows == chosen).tolist()
        ]
    return lines


def frame_names(view: HeatView, theme: Theme) -> list[Part]:
    """The words at the frames, on sides that do not face each other, so that they never meet."""
    best_above = view.best is None or view.simplest is None or view.simplest[1] <= view.best[1]
    return [
        _name(view, place, word, best_above == word.startswith("best"), theme) for place, word in _named(view)
    ]


def _named(view: HeatView) -> list[tuple[tuple[int, int, int], str]]:
    if view.best is not None and view.best == view.simplest:
        return [(view.best, "best and simplest")]
    found = ((view.simplest, "simplest"), (view.best, "best"))
    return [(place, word) for place, word in found if place is not None]


def _outline(place: Sequence[int], colour: str, width: float, dash: str = "solid") -> Part:
    panel, y, x = place
    refs = {"xref": axis_name("x", panel), "yref": axis_name("y", panel)}
    ends = {"x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5}
    return {"type": "rect", "line": {"color": colour, "width": width, "dash": dash}, **ends, **refs}


def _name(view: HeatView, place: Sequence[int], word: str, above: bool, theme: Theme) -> Part:
    panel, y, x = place
    left = x < len(view.x) / 2
    corner = {
        **placed("x", x - 0.5 if left else x + 0.5, "left" if left else "right", axis_name("x", panel)),
        **placed("y", y + 0.5 if above else y - 0.5, "bottom" if above else "top", axis_name("y", panel)),
    }
    return note(word, theme, 12, bgcolor=theme.paper, borderpad=1, **corner)
