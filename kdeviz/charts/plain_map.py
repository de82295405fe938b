"""The map for people who never heard of a density: no numbers at its axes, strong colours only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.contours import ContoursNumbers, contour_lines, contours_numbers
from kdeviz.charts.map_axes import AnyAxes
from kdeviz.charts.map_numbers import ProjectionNumbers, projection_numbers
from kdeviz.charts.parts import bare_axis, colour_scale, hovered, note, ring, scatter
from kdeviz.charts.picked import picked_numbers
from kdeviz.charts.points import kind_of
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, faint, plain
from kdeviz.decision import Decision
from kdeviz.wording import count

_NEAR = np.array([0.03, 0.09])
"""Shares of the axes: closer rings cover each other's names."""
_NO_AXIS = {"showticklabels": False, "showline": False, "fixedrange": True}


class PlainMapNumbers(NamedTuple):
    """Where everything is, on the first two axes."""

    map: ProjectionNumbers
    contours: ContoursNumbers | None
    ends: NDArray[np.float64]
    """(2, 2): low and high of the x and the y axis."""
    ringed: NDArray[Any]
    """(R, 2) of samples with a ring round them."""
    names: tuple[str, ...]
    """R of them: what stands beside the rings."""

    @property
    def covered(self) -> list[bool]:
        """R of them: whether this ring lies on an earlier one."""
        places = (self.ringed[:, :2] - self.ends[:, 0]) / (self.ends[:, 1] - self.ends[:, 0])
        close = [(np.abs(places[:at] - place) < _NEAR).all(1).any() for at, place in enumerate(places)]
        return [bool(one) for one in close]


def normal_map_numbers(
    decision: Decision, axes: AnyAxes = (0, 1), ringed: Sequence[int] = ()
) -> PlainMapNumbers:
    """Training samples, with numbered rings round some points of the fit.

    Raises:
        OptionError: there are no such axes.
    """
    numbers = projection_numbers(decision, axes, "verdict", training=True)
    places = numbers.placed.training[np.array(ringed, dtype=np.int64)]
    names = tuple(str(place + 1) for place in range(len(ringed)))
    contours = contours_numbers(decision, axes)
    training = numbers._replace(coordinates=numbers.training)
    return PlainMapNumbers(numbers, contours, np.array(training.ranges(contours)), places, names)


def found_map_numbers(
    decision: Decision,
    axes: AnyAxes = (0, 1),
    picked: int | None = None,
    most_flagged: int | None = None,
) -> PlainMapNumbers:
    """Inspected samples, with a ring round one of them; see `projection_numbers` for `most_flagged`.

    Raises:
        OptionError: there are no such axes.
    """
    numbers = projection_numbers(decision, axes, most_flagged=most_flagged)
    one = picked_numbers(decision, picked)
    at = None if one is None else numbers.place_of(one)
    places = np.array([] if at is None else [at]).reshape(-1, len(numbers.placed.titles))
    contours = contours_numbers(decision, axes)
    ends = np.array(numbers.ranges(contours))
    return PlainMapNumbers(numbers, contours, ends, places, ("",) * len(places))


# --- the pictures


def normal_map(
    decision: Decision,
    axes: AnyAxes = (0, 1),
    ringed: Sequence[int] = (),
    theme: Theme = NOTEBOOK,
) -> go.Figure:
    """Where the normal samples lie; see `normal_map_numbers`."""
    return draw_normal_map(normal_map_numbers(decision, axes, ringed), theme)


def draw_normal_map(numbers: PlainMapNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    places = numbers.map.training
    marker = {"size": 6, "color": theme.normal, "opacity": 0.55}
    cloud = {**_points(places, "normal samples", marker), "hoverinfo": "skip"}
    return _drawn(numbers, [cloud], theme, "Where the normal samples lie")


def found_map(
    decision: Decision,
    axes: AnyAxes = (0, 1),
    picked: int | None = None,
    theme: Theme = NOTEBOOK,
    *,
    most_flagged: int | None = None,
) -> go.Figure:
    """Which samples are flagged, on the map; a click gives the inspected row; see `found_map_numbers`."""
    numbers = found_map_numbers(decision, axes, picked, most_flagged)
    return draw_found_map(numbers, theme, decision.analysis.inspected.ids)


def draw_found_map(numbers: PlainMapNumbers, theme: Theme, ids: NDArray[np.str_]) -> go.Figure:
    """The figure of these numbers, with the names of all inspected samples."""
    shown = numbers.map
    usual = {"size": 6, "color": theme.normal, "opacity": 0.5}
    unusual = {"size": 9, "color": theme.anomalous, "symbol": "diamond"}
    sides = (("not flagged", shown.total - shown.n_flagged, usual), ("flagged", shown.n_flagged, unusual))
    traces = []
    for flagged, (name, many, marker) in enumerate(sides):
        mask = shown.flagged == flagged
        points = _points(shown.coordinates[mask], f"{name} ({count(many)})", marker)
        traces.append(_named(points, shown.rows[mask], ids))
    return _drawn(numbers, traces, theme, "Which samples are flagged", showlegend=True)


def shaded_map(
    decision: Decision,
    axes: AnyAxes = (0, 1),
    picked: int | None = None,
    theme: Theme = NOTEBOOK,
    *,
    most_flagged: int | None = None,
) -> go.Figure:
    """How unusual each sample is, on the map; a click gives the inspected row; see `found_map_numbers`."""
    numbers = found_map_numbers(decision, axes, picked, most_flagged)
    return draw_shaded_map(numbers, theme, decision.analysis.inspected.ids)


def draw_shaded_map(numbers: PlainMapNumbers, theme: Theme, ids: NDArray[np.str_]) -> go.Figure:
    """The figure of these numbers, with the names of all inspected samples."""
    low, high = numbers.map.colour_range
    marker = {
        "size": 7,
        "color": numbers.map.colour,
        "colorscale": colour_scale(theme.scale),
        "cmin": low,
        "cmax": high,
        "showscale": True,
        "colorbar": {
            "tickvals": [low, high],
            "ticktext": ["unusual", "usual"],
            "tickfont": {"color": theme.text, "size": 12.5},
            "thickness": 12,
            "len": 0.8,
            "outlinewidth": 0,
        },
    }
    points = _points(numbers.map.coordinates, "samples", marker)
    traces = [_named(points, numbers.map.rows, ids)]
    return _drawn(numbers, traces, theme, "How unusual each sample is, on the map")


def _points(coordinates: NDArray[Any], name: str, marker: Part) -> Part:
    kind = kind_of(2, len(coordinates))
    x, y = coordinates[:, :2].T
    look = {"line": {"width": 0}, **marker}
    return {**scatter(x, y, "markers", name, marker=look), "type": kind}


def _named(points: Part, rows: NDArray[np.int64], ids: NDArray[np.str_]) -> Part:
    names = [hovered(str(ids[row])) for row in rows]
    return {**points, "customdata": rows, "hovertext": names, "hoverinfo": "text"}


def _drawn(
    numbers: PlainMapNumbers, traces: list[Part], theme: Theme, title: str, showlegend: bool = False
) -> go.Figure:
    lines = [] if numbers.contours is None else contour_lines(numbers.contours, theme)
    x, y = numbers.ends.tolist()
    layout = {
        "xaxis": bare_axis("", range=x, **_NO_AXIS),
        "yaxis": bare_axis("", range=y, **_NO_AXIS),
        "showlegend": showlegend,
        "annotations": _ring_names(numbers, theme),
    }
    rings = {**_points(numbers.ringed, "ringed", ring(20, theme)), "hoverinfo": "skip", "showlegend": False}
    if any(trace["type"] == "scattergl" for trace in traces):
        rings["type"] = "scattergl"
    for trace in traces:  # what WebGL draws would hide what is drawn otherwise
        trace["type"] = rings["type"]
    return plain([*lines, *traces, rings], theme, title, layout)


def _ring_names(numbers: PlainMapNumbers, theme: Theme) -> list[Part]:
    """Above the rings; below those that lie on an earlier one."""
    names = []
    for name, covered, (x, y) in zip(numbers.names, numbers.covered, numbers.ringed[:, :2], strict=True):
        shift = -18 if covered else 18
        if name:
            box = {"bgcolor": faint(theme.paper, 0.75), "borderpad": 1}
            names.append(note(name, theme, 13, x=float(x), y=float(y), yshift=shift, **box))
    return names
