"""What several charts draw alike: axes, lines, rings, intervals, and the words at the ends of lines."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.charts.theme import Part, Theme, faint
from kdeviz.wording import number, one_line, wrapped

# Above this many points SVG becomes slow; below it SVG is crisper than WebGL.
WEBGL_ABOVE = 2000
_DASHES = "8px 6px"
_DIGIT = 6.4  # pixels of a character of 12 px text


# --- axes


def bare_axis(title: str, **more: Any) -> Part:
    """An axis without a grid."""
    return {"title": {"text": title}, "showgrid": False, "zeroline": False, **more}


def graded_axis(title: str, theme: Theme, **more: Any) -> Part:
    """An axis with a grid to read values by."""
    return {"title": {"text": title}, "gridcolor": theme.line, "zeroline": False, **more}


def share_axis(title: str) -> Part:
    """A second axis, from 0 to 100 % on the right."""
    return bare_axis(
        title,
        overlaying="y",
        side="right",
        showline=False,
        range=[0, 1.02],
        tickvals=[0, 0.25, 0.5, 0.75, 1],
        tickformat=".0%",
    )


def rate_axes(x: str, y: str, theme: Theme, exponent: float | None = None) -> Part:
    """Two shares against each other; the first is logarithmic, from ten to this power on, if one is given."""
    ticks: Part = {"tickformat": "~%", "nticks": 6}
    across = bare_axis(x, **ticks, range=[-0.01, 1.02])
    if exponent is not None:
        across = bare_axis(x, tickformat="~%", type="log", dtick=1, range=[exponent, 0.02])
    return {"xaxis": across, "yaxis": graded_axis(y, theme, **ticks, range=[-0.02, 1.04])}


# --- lines across a chart, and words


def vertical_line(x: float, colour: str, width: float, dash: str = _DASHES) -> Part:
    """From the bottom to the top."""
    ends = {"x0": x, "x1": x, "xref": "x", "y0": 0, "y1": 1, "yref": "y domain"}
    return {"type": "line", **ends, "line": {"color": colour, "width": width, "dash": dash}}


def horizontal_line(y: float, colour: str, width: float, dash: str = _DASHES) -> Part:
    """From the left to the right."""
    ends = {"x0": 0, "x1": 1, "xref": "x domain", "y0": y, "y1": y, "yref": "y"}
    return {"type": "line", **ends, "line": {"color": colour, "width": width, "dash": dash}}


def note(text: str, theme: Theme, size: float = 12.5, **more: Any) -> Part:
    """Words without an arrow, `placed` on both axes."""
    return {"text": text, "font": {"color": theme.text, "size": size}, "showarrow": False, **more}


def placed(letter: str, at: float, anchor: str, ref: str | None = None) -> Part:
    """Which side of a note stands where on an axis, "x" or "y"; `ref` is what that place refers to."""
    return {letter: at, f"{letter}anchor": anchor, f"{letter}ref": ref or letter}


def threshold_line(threshold: float, theme: Theme) -> Part:
    """A line at a threshold on the x axis, and its name above the chart; nothing at an infinite one."""
    if not math.isfinite(threshold):
        return {}
    above = {**placed("x", threshold, "center"), **placed("y", 1, "bottom", "y domain")}
    return {
        "shapes": [vertical_line(threshold, theme.text, 1.5)],
        "annotations": [note(f"threshold {number(threshold)}", theme, bgcolor=theme.paper, **above)],
    }


def end_labels(
    ends: Sequence[tuple[float, float, str]], gap: float, aside: float, theme: Theme
) -> list[Part]:
    """Names right of the last points of lines: (x, y, plain text), `aside` pixels from them.

    Where lines end close together their names are moved to a `gap` apart on the y axis.
    """
    heights = spread([y for _, y, _ in ends], gap)
    return [
        note(html.escape(name), theme, xshift=aside, y=height, **placed("x", x, "left"))
        for (x, _, name), height in zip(ends, heights, strict=True)
    ]


def span_words(low: float, high: float, written: Callable[[float], str] = number) -> str:
    """What stands behind the number whose interval this is; nothing where that is not known."""
    known = math.isfinite(low) and math.isfinite(high)
    return f" ({written(low)} to {written(high)})" if known else ""


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Heights moved as little as needed, in least squares, for all to lie a gap apart, in their order."""
    from scipy.optimize import isotonic_regression  # slow to import

    order = np.argsort(heights, kind="stable")
    room, moved = gap * np.arange(len(order)), np.empty(len(order))
    if len(order):
        moved[order] = isotonic_regression(np.asarray(heights)[order] - room).x + room
    return moved.tolist()


# --- traces and what they are made of


def scatter(x: Any, y: Any, mode: str, name: str, **more: Any) -> Part:
    """Points, lines or both, by their `mode`."""
    return {"type": "scatter", "x": x, "y": y, "mode": mode, "name": name, **more}


def bars(x: Any, y: Any, colour: Any, **more: Any) -> Part:
    """Bars without outlines, of one colour or of a list of them."""
    return {"type": "bar", "x": x, "y": y, "marker": {"color": colour, "line": {"width": 0}}, **more}


def heat(x: Any, y: Any, z: Any, **more: Any) -> Part:
    """Cells coloured by a number."""
    return {"type": "heatmap", "x": x, "y": y, "z": z, **more}


def level_line(x: Any, y: Any, z: Any, level: float, line: Part) -> Part:
    """One contour. A trace for each level, since plotly draws only evenly spaced levels."""
    one_level = {"start": level, "end": level, "size": 1, "coloring": "none"}
    plain = {"line": line, "showscale": False, "hoverinfo": "skip"}
    return {**heat(x, y, z, **plain), "type": "contour", "contours": one_level}


def dotted_line(x: Any, y: Any, name: str, theme: Theme) -> Part:
    """What a curve is compared with."""
    line = {"color": theme.muted, "width": 1.2, "dash": "dot"}
    return scatter(x, y, "lines", name, line=line, hoverinfo="skip")


def positions(places: range) -> NDArray[np.int64]:
    """Where the bars or points of a list stand: an array, since plotly sends lists as text."""
    return np.arange(places.start, places.stop)


def ring(size: float, theme: Theme, width: float = 2.5) -> Part:
    """The marker round a picked sample or the best of several."""
    return {"symbol": "circle-open", "size": size, "color": theme.text, "line": {"width": width}}


def disc(colour: str, opacity: float) -> Part:
    """The marker of a present threshold."""
    return {"size": 13, "color": faint(colour, opacity), "line": {"color": colour, "width": 2.5}}


def interval(values: NDArray[Any], low: NDArray[Any], high: NDArray[Any], **more: Any) -> Part:
    """A line from `low` to `high` through each value."""
    spans = {"array": high - values, "arrayminus": values - low}
    return {"type": "data", **spans, "thickness": 1.2, "width": 0, **more}


def colour_bar(title: str, **more: Any) -> Part:
    """The legend of a colour scale."""
    return {"title": {"text": title, "side": "right", "font": {"size": 13}}, "outlinewidth": 0, **more}


def colour_scale(colours: Sequence[str]) -> list[list[Any]]:
    """Evenly spaced, the first for the lowest value."""
    return [[place / (len(colours) - 1), colour] for place, colour in enumerate(colours)]


def short(name: str, longest: int = 24) -> str:
    """A name that a file gives, for a title or an axis; the whole name is in the hover text."""
    return html.escape(one_line(name, longest), quote=False)


def ticks(names: Sequence[str]) -> list[str]:
    """Names that a file gives, short enough to stand at an axis, and no two alike."""
    shown: list[str] = []
    for name in map(short, names):
        shown.append(name + "\u200b" * sum(other.rstrip("\u200b") == name for other in shown))
    return shown


def hovered(name: str) -> str:
    """What a file calls a sample, for a hover text: wrapped, and never markup."""
    return html.escape(wrapped(name)).replace("\n", "<br>")


# --- bars that explain one sample


def explained(
    bars_of: Sequence[tuple[str, float, str]], colours: Sequence[str], theme: Theme, x: str, y: str
) -> tuple[Part, Part]:
    """A lying bar for each name, value and text, the first on top, the texts right of all; and the layout."""
    names, values, texts = map(list, zip(*bars_of, strict=True))
    low, high = min(0, *values), max(0, *values)
    room = 0.04 * (high - low or 1)
    trace = {
        **bars(values, names, list(colours)),
        "text": texts,
        "textposition": "none",  # it is what hovering says; see the notes
        "orientation": "h",
    }
    beside = [
        note(text, theme, 12, **placed("x", 1.01, "left", "paper"), **placed("y", place, "middle"))
        for place, text in enumerate(texts)
        if text
    ]
    ends = [low - room * (low < 0), high + room * (high > 0)]
    across = {"gridcolor": theme.line, "zerolinecolor": theme.muted, "nticks": 5, "range": ends}
    down = {"title": {"text": y}, "type": "category", "autorange": "reversed", "dtick": 1}
    return trace, {
        "bargap": 0.25,
        "xaxis": {"title": {"text": x}, **across},
        "yaxis": down,
        "showlegend": False,
        "annotations": beside,
        "margin": {"r": 14 + round(_DIGIT * max(map(len, texts)))},
    }
