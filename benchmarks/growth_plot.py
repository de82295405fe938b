"""Log-log lines with their slopes written beside them, as SVG text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Line", "Panel", "draw"]

WIDTH, HEIGHT = 500, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 18, 62, 48
_LABELS = 218  # room for the names, left of the first points
_LINE_HEIGHT = 14
_INK, _FAINT = "#1B2430", "#DDE3E9"
_OURS = "#0072B2"
_OTHERS = ("#D55E00", "#5F6B76", "#9AA5AF", "#009E73", "#CC79A7", "#8C6D1F", "#3B4650")


class Line(NamedTuple):
    """One contestant: (size, seconds) pairs, ascending."""

    name: str
    pairs: Sequence[tuple[int, float]]
    slope: float
    ours: bool


class Panel(NamedTuple):
    """One pair of axes."""

    label: str
    lines: Sequence[Line]


class _Scale(NamedTuple):
    """Where the decades of one axis lie, in pixels."""

    low: float
    high: float
    start: float
    stop: float

    def at(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)

    def decades(self) -> range:
        return range(math.ceil(self.low), math.floor(self.high) + 1)


def draw(title: str, panels: Sequence[Panel]) -> str:
    """The whole picture."""
    width = WIDTH * len(panels)
    times = [time for panel in panels for line in panel.lines for _, time in line.pairs]
    y = _Scale(_floor(min(times)), _ceil(max(times)), HEIGHT - _BOTTOM, _TOP)
    names = sorted({line.name for panel in panels for line in panel.lines if not line.ours})
    colours = {name: _OTHERS[i % len(_OTHERS)] for i, name in enumerate(names)}
    note = "Both axes logarithmic. Beside each name its slope: 1 is linear."
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" '
        f'height="{HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="{_INK}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{HEIGHT}" fill="#FFFFFF"/>',
        f'<text x="{_LEFT}" y="24" font-size="15" font-weight="600">{escape(title)}</text>',
        f'<text x="{_LEFT}" y="43" fill="#5F6B76">{note}</text>',
    ]
    for i, panel in enumerate(panels):
        parts += [f'<g transform="translate({i * WIDTH} 0)">', *_panel(panel, y, colours), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, y: _Scale, colours: dict[str, str]) -> Iterator[str]:
    sizes = [size for line in panel.lines for size, _ in line.pairs]
    low, high = math.log10(min(sizes)), math.log10(max(sizes))
    x = _Scale(low, high + 0.1 if high > low else low + 1, _LEFT + _LABELS, WIDTH - _RIGHT)
    yield from _axes(panel.label, x, y)
    heights = _spread([y.at(line.pairs[0][1]) for line in panel.lines])
    for line, height in zip(panel.lines, heights, strict=True):
        yield from _line(line, x, y, height, _OURS if line.ours else colours[line.name])


def _axes(label: str, x: _Scale, y: _Scale) -> Iterator[str]:
    for decade in y.decades():
        at = y.at(10.0**decade)
        yield f'<path d="M{_LEFT} {at:.1f}H{WIDTH - _RIGHT}" stroke="{_FAINT}"/>'
        yield f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{_seconds(decade)}</text>'
    for decade in x.decades():
        at = x.at(10.0**decade)
        yield f'<path d="M{at:.1f} {_TOP}V{HEIGHT - _BOTTOM}" stroke="{_FAINT}"/>'
        yield f'<text x="{at:.1f}" y="{HEIGHT - _BOTTOM + 17}" text-anchor="middle">{_count(decade)}</text>'
    middle = (_LEFT + _LABELS + WIDTH - _RIGHT) / 2
    yield f'<text x="{middle:.0f}" y="{HEIGHT - 10}" text-anchor="middle">{escape(label)}</text>'


def _line(line: Line, x: _Scale, y: _Scale, height: float, colour: str) -> Iterator[str]:
    spots = [(x.at(size), y.at(time)) for size, time in line.pairs]
    path = "L".join(f"{across:.1f} {down:.1f}" for across, down in spots)
    yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{2.6 if line.ours else 1.5}"/>'
    for across, down in spots:
        yield f'<circle cx="{across:.1f}" cy="{down:.1f}" r="{3.2 if line.ours else 2.2}" fill="{colour}"/>'
    across, down = spots[0]
    yield f'<path d="M{across - 14:.1f} {height:.1f}L{across - 4:.1f} {down:.1f}" stroke="{colour}"/>'
    weight = ' font-weight="700"' if line.ours else ""
    slope = "" if math.isnan(line.slope) else f" · {line.slope:.2f}"
    yield (
        f'<text x="{across - 18:.1f}" y="{height + 4:.1f}" text-anchor="end" fill="{colour}"{weight} '
        f'stroke="#FFFFFF" stroke-width="3" paint-order="stroke">{escape(line.name)}{slope}</text>'
    )


def _spread(heights: Sequence[float]) -> list[float]:
    """The same order, pushed apart and kept above the axis, so that no two labels overlap."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    placed = list(heights)
    for above, below in pairwise(order):
        placed[below] = max(placed[below], placed[above] + _LINE_HEIGHT)
    lowest = HEIGHT - _BOTTOM - 4.0
    for index in reversed(order):
        placed[index] = min(placed[index], lowest)
        lowest = placed[index] - _LINE_HEIGHT
    return placed


def _seconds(decade: int) -> str:
    unit, power = ("s", 0) if decade >= 0 else ("ms", 3) if decade >= -3 else ("µs", 6)
    return f"{10 ** (decade + power)} {unit}"


def _count(decade: int) -> str:
    return f"{10**decade:,}".replace(",", " ")


def _floor(time: float) -> float:
    return math.floor(math.log10(time) * 2) / 2


def _ceil(time: float) -> float:
    return math.ceil(math.log10(time) * 2) / 2 + 0.01
