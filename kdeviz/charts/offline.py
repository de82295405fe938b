"""Figures for a page without a server: as plain JSON, drawn as SVG, light and dark."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from kdeviz.charts.theme import DARK, LIGHT, Theme

_AS_SVG = {"scattergl": "scatter"}
"""WebGL is drawn by code that is made while it runs, which a strict content-security policy forbids."""
_FONT = "system-ui, sans-serif"  # what every machine has
_TOP = 80  # pixels, where a figure says nothing else
_TITLES = 46  # pixels, which the title and the subtitle take where they are in the picture
_TAG = re.compile("<[^>]*>")


class OfflineFigure(NamedTuple):
    """A figure whose title and subtitle stand beside it, as plain text."""

    title: str
    subtitle: str
    light: dict[str, Any]
    """{"data": [...], "layout": {...}} in plotly's JSON."""
    dark: list[tuple[list[str | int], Any]]
    """What of it is otherwise on a dark page: the way to a part, and the part."""


def offline_figure(draw: Callable[[Theme], go.Figure]) -> OfflineFigure:
    """A chart as JSON; `draw` draws it in a theme."""
    light, dark = (json.loads(draw(theme).to_json(validate=False)) for theme in (LIGHT, DARK))
    title = light["layout"].get("title", {})
    for figure in (light, dark):
        figure["layout"].pop("title", None)
        for trace in figure["data"]:
            trace["type"] = _AS_SVG.get(trace["type"], trace["type"])
        figure["layout"].setdefault("font", {})["family"] = _FONT
        margin = figure["layout"].setdefault("margin", {})
        margin["t"] = max(margin.get("t", _TOP) - _TITLES, 0)
    told, below = (_plain(part.get("text", "")) for part in (title, title.get("subtitle", {})))
    return OfflineFigure(told, below, light, list(_differences(light, dark, [])))


def plotly_script() -> str:
    """The whole of plotly.js, as plotly for Python brings it along."""
    script: str = get_plotlyjs()
    return script


def _plain(marked: str) -> str:
    """The words of a text with plotly's markup."""
    return html.unescape(_TAG.sub("", marked.replace("<br>", " ")))


def _differences(one: Any, other: Any, way: list[str | int]) -> Iterator[tuple[list[str | int], Any]]:
    """The smallest parts of `other` that are not the same in `one`."""
    if one == other:
        return
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one:
            yield from _differences(one[name], other[name], [*way, name])
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(left, right, [*way, place])
    else:
        yield way, other
