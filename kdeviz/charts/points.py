"""Samples that are drawn together, as one trace of the projection."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.charts.parts import WEBGL_ABOVE
from kdeviz.charts.theme import Part, Theme

_LONGEST_NAME = 24


class PointsNumbers(NamedTuple):
    """P of the drawn samples."""

    places: NDArray[np.int64]
    """(P,) which of the drawn samples."""
    coordinates: NDArray[Any]
    """(P, 2 or 3)"""
    rows: NDArray[np.int64]
    """(P,) inspected rows."""
    flagged: NDArray[np.bool_]
    colour: NDArray[Any]
    """(P,) numbers, or strings for categories."""

    @property
    def some_flagged(self) -> bool:
        """Whether there is a sample below the threshold."""
        return bool(self.flagged.any())

    def either(self, if_flagged: Any, otherwise: Any) -> Any:
        """Per point, or one for all where they agree, which the browser gets and draws faster."""
        if self.flagged.any() and not self.flagged.all():
            return np.where(self.flagged, if_flagged, otherwise)
        return if_flagged if self.flagged.any() else otherwise

    def among(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which of the points are of these inspected rows."""
        return np.flatnonzero(np.isin(self.rows, rows))


def draw_points(
    points: PointsNumbers,
    theme: Theme,
    kind: str,
    hover: Sequence[str],
    name: str,
    marker: Part,
    region: NDArray[np.int64] | None,
) -> Part:
    """A trace of these points, of a kind from `kind_of`, named in plain text, with escaped hover texts.

    The points of the inspected rows in `region` stand out from the others, if there is such a selection.
    """
    shown: Part = {} if region is None else {"selectedpoints": points.among(region)}
    if kind != "scatter3d":
        shown["unselected"] = {"marker": {"opacity": 0.15}}
    return {
        "type": kind,
        **dict(zip("xyz", points.coordinates.T, strict=False)),
        "mode": "markers",
        "name": html.escape(_short(name), quote=False),
        "customdata": points.rows,
        "hovertext": [hover[place] for place in points.places],
        "hoverinfo": "text",
        "marker": {**_look(points, theme, kind), **marker},
        **shown,
    }


def training_points(coordinates: NDArray[Any], theme: Theme, kind: str) -> Part:
    """Small and behind the others; nobody picks them."""
    marker = {"size": 2 if kind == "scatter3d" else 4, "color": theme.normal, "opacity": 0.3}
    return {
        "type": kind,
        **dict(zip("xyz", coordinates.T, strict=False)),
        "mode": "markers",
        "name": "training samples",
        "marker": {**marker, "line": {"width": 0}},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def kind_of(components: int, samples: int) -> str:
    """Of the points and of what lies above them: one kind, or WebGL hides what is drawn otherwise."""
    if components == 3:
        return "scatter3d"
    return "scattergl" if samples > WEBGL_ABOVE else "scatter"


def _look(points: PointsNumbers, theme: Theme, kind: str) -> Part:
    deep = kind == "scatter3d"
    outline: Part = {"width": 0}
    if points.some_flagged and not deep:  # 3-D markers take one outline width for all
        outline = {"width": points.either(1.2, 0.0), "color": theme.anomalous}
    return {
        "size": points.either(5, 3) if deep else points.either(9, 6),
        "symbol": points.either("diamond", "circle"),
        "opacity": 1.0 if deep else 0.85,  # plotly draws see-through points in their order, not by depth
        "line": outline,
    }


def _short(name: str) -> str:
    """A legend entry that leaves room for the samples; the whole name is in the hover text."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
