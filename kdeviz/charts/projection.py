"""The map: samples on two or three axes, with the model's own contours behind them."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.colours import category_colours
from kdeviz.charts.contours import ContoursNumbers, contour_lines, contours_numbers
from kdeviz.charts.hover import hover_texts
from kdeviz.charts.map_axes import AnyAxes
from kdeviz.charts.map_numbers import MOST_POINTS, ProjectionNumbers, projection_numbers
from kdeviz.charts.parts import bare_axis, colour_bar, colour_scale, heat, ring
from kdeviz.charts.picked import PickedNumbers, picked_numbers
from kdeviz.charts.points import PointsNumbers, draw_points, kind_of, training_points
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, drawn, faint
from kdeviz.decision import Decision
from kdeviz.wording import count

_Look = tuple[str, PointsNumbers, Part, Part]
"""A name, points, and what the trace adds to their markers and to the rest."""


def projection(
    decision: Decision,
    axes: AnyAxes = (0, 1),
    colour_by: str = "log density",
    *,
    picked: int | None = None,
    neighbour: int | None = None,
    region: NDArray[np.int64] | None = None,
    tool: str = "pan",
    text_column: str | None = None,
    training: bool = False,
    most: int = MOST_POINTS,
    most_flagged: int | None = None,
    theme: Theme = NOTEBOOK,
) -> go.Figure:
    """The map: samples, and behind them the model's own contours where the map is a plane of its space.

    Args:
        decision: what is drawn.
        axes: two or three of the model's components, 0-based, or one of the other kinds of `MapAxes`.
        colour_by: one of `colour_choices`.
        picked: the inspected row to ring.
        neighbour: the training row to ring in place of it.
        region: the inspected rows to stand out from the others; None for no such selection.
        tool: what dragging does on a flat map: "pan", "select" (a box) or "lasso".
        text_column: what hovering shows of each sample beside its id; see `EmbeddingSet.texts`.
        training: whether to draw the training samples as well, small and behind the others.
        most: how many samples to draw; see `projection_numbers`.
        most_flagged: how many flagged ones to draw in any case; None for all.
        theme: LIGHT, DARK or NOTEBOOK.

    Raises:
        OptionError: there are no such axes, or there is no such colour.
    """
    numbers = projection_numbers(decision, axes, colour_by, most, training, most_flagged)
    return draw_projection(
        numbers,
        theme,
        hover_texts(decision, numbers.rows, colour_by, numbers.colour, text_column),
        contours_numbers(decision, axes),
        picked_numbers(decision, picked, neighbour),
        region,
        tool,
    )


def draw_projection(
    numbers: ProjectionNumbers,
    theme: Theme,
    names: Sequence[str],
    contours: ContoursNumbers | None = None,
    picked: PickedNumbers | None = None,
    region: NDArray[np.int64] | None = None,
    tool: str = "pan",
) -> go.Figure:
    """The figure of these numbers, with a text per drawn sample."""
    at = None if picked is None else numbers.place_of(picked)
    traces = [
        *([] if numbers.background is None else [_background(numbers, theme)]),
        *([] if contours is None else contour_lines(contours, theme)),
        *([] if not len(numbers.training) else [training_points(numbers.training, theme, _kind(numbers))]),
        *_samples(numbers, theme, names, region),
        *([] if at is None or picked is None else _ring(picked, at, _kind(numbers), theme)),
    ]
    layout = {
        **(_deep_axes(numbers, theme) if numbers.deep else _flat_axes(numbers, contours, at)),
        "dragmode": "orbit" if numbers.deep else tool,
    }
    title = f"{count(numbers.n_flagged)} of {count(numbers.total)} samples fall below the threshold"
    return drawn(traces, theme, title, _subtitle(numbers, contours), layout)


def _subtitle(numbers: ProjectionNumbers, contours: ContoursNumbers | None) -> str:
    parts, shown = [numbers.placed.words], len(numbers.rows)
    if shown < numbers.total:
        parts.append(f"{count(shown)} of {count(numbers.total)} drawn{_more_flagged(numbers)}")
    if numbers.n_placed < numbers.total:
        parts.append(f"{count(numbers.total - numbers.n_placed)} {numbers.placed.without}")
    if contours is not None:
        shares = ", ".join(f"{100 * share:g}" for share in contours.shares)
        parts.append(f"lines hold {shares} % of training samples")
    return " · ".join(parts)


def _more_flagged(numbers: ProjectionNumbers) -> str:
    """That the colours do not tell how many are flagged."""
    if numbers.background is None or not numbers.n_flagged:
        return ""
    every = "all" if numbers.flagged_drawn == numbers.n_flagged else f"{count(numbers.flagged_drawn)} of"
    return f", but {every} {count(numbers.n_flagged)} flagged"


def _flat_axes(numbers: ProjectionNumbers, contours: ContoursNumbers | None, at: list[float] | None) -> Part:
    x, y = (
        bare_axis(title, range=ends, showticklabels=numbers.placed.scaled)
        for title, ends in zip(numbers.placed.titles, numbers.ranges(contours, at), strict=True)
    )
    return {"xaxis": x, "yaxis": y}


def _deep_axes(numbers: ProjectionNumbers, theme: Theme) -> Part:
    look = {
        "backgroundcolor": theme.paper,
        "gridcolor": theme.line,
        "color": theme.muted,
        "showspikes": False,
    }
    scene = {
        f"{name}axis": {**look, "title": {"text": title.partition(" · ")[0]}}
        for name, title in zip("xyz", numbers.placed.titles, strict=True)
    }
    camera = {"eye": {"x": 1.65, "y": 1.65, "z": 1.0}, "center": {"x": 0, "y": 0, "z": -0.15}}
    return {"scene": {**scene, "camera": camera}, "margin": {"l": 0, "b": 0}}


def _kind(numbers: ProjectionNumbers) -> str:
    return kind_of(len(numbers.placed.titles), len(numbers.rows) + len(numbers.training))


def _background(numbers: ProjectionNumbers, theme: Theme) -> Part:
    assert numbers.background is not None
    x, y, _ = numbers.background
    scale = colour_scale([faint(theme.normal, 0.06), faint(theme.normal, 0.4)])
    return heat(x, y, numbers.shade, showscale=False, hoverinfo="skip", colorscale=scale)


def _samples(
    numbers: ProjectionNumbers, theme: Theme, names: Sequence[str], region: NDArray[np.int64] | None
) -> list[Part]:
    """Back to front."""
    kind = _kind(numbers)
    hover = [html.escape(name).replace("\n", "<br>") for name in names]
    looks = _scaled(numbers, theme) if numbers.numeric else _categories(numbers, theme)
    return [
        {**draw_points(points, theme, kind, hover, name, marker, region), **more}
        for name, points, marker, more in looks
    ]


def _scaled(numbers: ProjectionNumbers, theme: Theme) -> Iterator[_Look]:
    """Samples coloured by a number; those without one in grey."""
    low, high = numbers.colour_range
    # The strong end is the anomalous one: of log density the low end, of a residual the high one.
    scale = theme.scale[::-1] if numbers.colour_name == "residual" else theme.scale
    marker = {"colorscale": colour_scale(scale), "cmin": low, "cmax": high}
    bar = {"showscale": True, "colorbar": _colour_bar(numbers, theme)}
    for name, points in numbers.groups.items():
        if name == "no value":
            yield name, points, {"color": theme.line}, {}
        else:
            own = {**marker, **(bar if name == "not flagged" else {}), "color": points.colour}
            yield name, points, own, {"showlegend": False}


def _categories(numbers: ProjectionNumbers, theme: Theme) -> Iterator[_Look]:
    """Samples coloured by what they are; the rarest kinds together in grey."""
    colours = category_colours(numbers.categories, theme)
    others = [value for value in numbers.categories if value not in colours]
    if others:
        kinds = f"other ({count(len(others))} kinds)"
        yield kinds, numbers.of_values(others), {"color": theme.line}, {}
    for value, colour in colours.items():
        yield value, numbers.of_values([value]), {"color": colour}, {}


def _colour_bar(numbers: ProjectionNumbers, theme: Theme) -> Part:
    known = {
        "log density": "log density, nats (low = more anomalous)",
        "residual": "residual: what the components leave out",
    }
    title = known.get(numbers.colour_name) or html.escape(numbers.colour_name)
    return colour_bar(title, thickness=10, len=0.9, x=1.01, tickfont={"color": theme.muted})


def _ring(picked: PickedNumbers, at: list[float], kind: str, theme: Theme) -> list[Part]:
    """Round the picked sample; a training sample is drawn with it, as the others of them may not be."""
    marker = ring(20, theme)
    marker["line"]["color"] = theme.text
    places = {axis: [value] for axis, value in zip("xyz", at, strict=False)}
    shown = {"mode": "markers", "marker": marker, "showlegend": False, "hoverinfo": "skip", "name": "picked"}
    inside = {"size": 3 if kind == "scatter3d" else 6, "color": theme.normal}
    dots = [{"type": kind, **places, **shown, "marker": inside, "name": "looked at"}] * picked.training
    return [*dots, {"type": kind, **places, **shown}]
