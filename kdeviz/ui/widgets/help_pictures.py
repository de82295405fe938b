"""Small pictures for the help beside a control, as Markdown that fetches nothing."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable

_BLUE, _VERMILION, _GREY = "#3a8fc7", "#d55e00", "#8a8a8a"
"""To be seen on white and on black."""
_WIDTH, _HEIGHT = 220, 64


def bumps(widths: tuple[float, ...]) -> str:
    """The same five samples under bumps of different widths, from left to right."""
    each = _WIDTH / len(widths)
    return _picture(_bump_row(i * each, each, width) for i, width in enumerate(widths))


def _bump_row(left: float, width: float, spread: float) -> str:
    samples = [left + width * place for place in (0.2, 0.35, 0.42, 0.5, 0.8)]
    xs = [left + width * i / 40 for i in range(41)]
    heights = [sum(math.exp(-(((x - s) / (spread * width)) ** 2)) / spread for s in samples) for x in xs]
    top = max(heights)
    points = [(x, 54 - 46 * height / top) for x, height in zip(xs, heights, strict=True)]
    return _line(points, _BLUE) + "".join(_dot(x, 58, _GREY, 2.5) for x in samples)


def threshold() -> str:
    """A histogram of log densities; what lies left of the dashed line is flagged."""
    bars, at = (2, 4, 3, 8, 16, 30, 44, 50, 38, 18), 0.3
    step = _WIDTH / len(bars)
    drawn = (
        _bar(i * step, height, step - 3, _VERMILION if (i + 0.5) / len(bars) < at else _BLUE)
        for i, height in enumerate(bars)
    )
    return _picture([*drawn, _dashed(at * _WIDTH)])


def falling(kept: int) -> str:
    """Variance along the components; the first ones are kept."""
    return _picture(_bar(20 * i, 56 * 0.7**i, 16, _BLUE if i < kept else _GREY) for i in range(11))


def falling_curve() -> str:
    """Probability against log density: from one down to zero, a half at the midpoint."""
    points = [(x, 6 + 50 / (1 + math.exp(-(x - 110) / 18))) for x in range(0, _WIDTH + 1, 5)]
    return _picture([_line(points, _VERMILION), _dashed(110)])


def some_of_many() -> str:
    """Many samples, of which some are taken."""
    return _picture(
        _dot(12 + 200 * (i * 0.618 % 1), 8 + 48 * (i * 0.382 * 1.7 % 1), _GREY if i % 3 else _BLUE)
        for i in range(24)
    )


def cloud(outside: bool = True) -> str:
    """A cloud of normal samples with one far from it."""
    rings = [(i * 2.4, (i / 24) ** 0.5) for i in range(24)]
    places = [(110 + 48 * far * math.cos(turn), 32 + 22 * far * math.sin(turn)) for turn, far in rings]
    dots = [_dot(x, y, _BLUE) for x, y in places]
    return _picture([*dots, _dot(202, 12, _VERMILION, 4)] if outside else dots)


def table(column: int | None = None) -> str:
    """A table, one row per sample; perhaps with a column that is meant."""
    return _picture(
        f'<rect x="{2 + 36 * c}" y="{3 + 15 * r}" width="33" height="12" rx="2" '
        f'fill="{_VERMILION if c == column else _BLUE}" opacity="{0.9 if c == column else 0.45}"/>'
        for c in range(6)
        for r in range(4)
    )


def two_tables() -> str:
    """A table, and one that says something about each of its rows."""
    cells = (
        f'<rect x="{x}" y="{3 + 15 * r}" width="{width}" height="12" rx="2" fill="{colour}" opacity="0.6"/>'
        for r in range(4)
        for x, width, colour in ((2, 110, _BLUE), (150, 60, _VERMILION))
    )
    links = (_line([(116, 9 + 15 * r), (146, 9 + 15 * r)], _GREY, 1) for r in range(4))
    return _picture([*cells, *links])


def curve_above_diagonal() -> str:
    """Caught samples against false alarms."""
    points = [(x, 58 - 52 * (1 - (1 - x / _WIDTH) ** 5)) for x in range(0, _WIDTH + 1, 5)]
    return _picture([_line([(0, 58), (_WIDTH, 6)], _GREY, 1), _line(points, _BLUE)])


def grid() -> str:
    """Every combination of some values, the best of them outlined."""
    cells = (
        f'<rect x="{8 + 34 * c}" y="{4 + 15 * r}" width="31" height="12" fill="{_BLUE}" '
        f'opacity="{0.2 + 0.12 * ((c + 2 * r) % 6)}"/>'
        for c in range(6)
        for r in range(4)
    )
    best = f'<rect x="110" y="19" width="31" height="12" fill="none" stroke="{_VERMILION}" stroke-width="3"/>'
    return _picture([*cells, best])


def _bar(left: float, height: float, width: float, colour: str) -> str:
    place = f'x="{left:.0f}" y="{60 - height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    return f'<rect {place} fill="{colour}"/>'


def _dot(x: float, y: float, colour: str, radius: float = 3.0) -> str:
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{radius}" fill="{colour}"/>'


def _line(points: Iterable[tuple[float, float]], colour: str, width: float = 2.5) -> str:
    path = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _dashed(x: float) -> str:
    return f'<path d="M{x:.0f} 2V62" stroke="{_GREY}" stroke-width="2" stroke-dasharray="5 4"/>'


def _picture(drawn: Iterable[str]) -> str:
    size = f'width="{_WIDTH}" height="{_HEIGHT}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(drawn)}</svg>'
    return f"![](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"
