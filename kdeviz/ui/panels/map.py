"""The map of samples, what it is asked to show, and what is picked on it."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
import streamlit as st

from kdeviz import charts
from kdeviz.charts import ComponentAxes, MapAxes, ScoreAxes
from kdeviz.errors import OptionError
from kdeviz.ui.panels import map_axes
from kdeviz.ui.panels.selection import Zoom
from kdeviz.ui.panels.shown_text import text_column, text_control
from kdeviz.ui.state import Screen, Session, session, theme
from kdeviz.ui.widgets.choices import one_of
from kdeviz.ui.widgets.help import HELP
from kdeviz.ui.widgets.plots import MOST_FLAGGED, clicked, show_figure
from kdeviz.ui.widgets.text import plain_warning
from kdeviz.ui.work.found import found
from kdeviz.wording import capital

_TOOLS = {
    "displaylogo": False,
    "scrollZoom": False,
    "displayModeBar": True,
    "modeBarButtons": [["zoomIn2d", "zoomOut2d", "resetScale2d"]],
}
_MAP_TOOLS = {"Pick": "pan", "Box": "select", "Lasso": "lasso"}
_TOOLS_3D = {**_TOOLS, "modeBarButtons": [["orbitRotation", "pan3d", "resetCameraDefault3d"]]}


class MapView(NamedTuple):
    """What the map is asked to show."""

    axes: MapAxes | None
    """None where the data have none of the wanted kind, or not yet."""
    colour_by: str
    tool: str
    training: bool
    """Whether to draw the training samples as well."""


def show_map(current: Session, screen: Screen, view: MapView, height: int) -> None:
    """Draw the map; a click picks a sample, a box or a lasso selects."""
    map_axes.show_arranging(current)
    decision, axes, answer = screen.decision, view.axes, found(current, screen)
    if axes is None:
        axes = ComponentAxes() if screen.analysis.classifier.n_components_ > 1 else ScoreAxes()
    try:
        figure = charts.projection(
            decision,
            axes,
            view.colour_by,
            picked=current.picked,
            neighbour=current.neighbour,
            region=answer.rows if answer.narrowed else None,
            tool=view.tool,
            text_column=text_column(),
            training=view.training,
            most_flagged=MOST_FLAGGED,
            theme=theme(),
        )
    except OptionError as error:
        plain_warning(f"{capital(str(error))}.")
        return
    zoom = current.own(Zoom)
    charts.zoom_to(figure, decision, axes, zoom.rows)
    show_figure(
        figure,
        "map",
        "Map of the samples",
        height,
        (screen.key, charts.axes_key(decision.analysis, decision.threshold, axes), zoom.times),
        partial(_map_selected, axes),
        _TOOLS if axes.count == 2 else _TOOLS_3D,
        preview=screen.preview,
    )


def map_controls(current: Session, screen: Screen) -> MapView:
    """Axes, colour and tool of the map, as chosen."""
    first, second = st.columns([1, 1], gap="small")
    # Wide enough for two beside each other, and so low enough for 720 pixels.
    with first.popover("Axes, colour", icon=":material/tune:", width="stretch"), st.container(width=440):
        left, right = st.columns(2, gap="small")
        colour_by = left.selectbox(
            "Colour by",
            charts.colour_choices(screen.decision),
            key="colour",
            bind="query-params",
            help=HELP["colour"],
        )
        with right:
            text_control(screen.analysis.inspected)
        axes = map_axes.choose_axes(current, screen)
        drawn_already = screen.analysis.inspects_training
        training = st.toggle(
            "Training samples",
            key="map_training",
            bind="query-params",
            disabled=drawn_already,
            help=HELP["map_training"],
        )
    flat = axes is None or axes.count == 2
    with second:
        tool = one_of("On the map", list(_MAP_TOOLS), "tool", wide=True, disabled=not flat)
    return MapView(axes, colour_by or "log density", _MAP_TOOLS[tool], training and not drawn_already)


def _map_selected(axes: MapAxes) -> None:
    """A click picks a sample; a box or lasso selects every sample inside it, drawn or not."""
    current = session()
    chosen = clicked("map")
    if current.screen is None or chosen is None:
        return
    decision = current.screen.decision
    if "box" in chosen:
        box = chosen["box"]
        current.select(charts.rows_inside(decision, axes, box=(tuple(box["x"]), tuple(box["y"]))))
    elif "lasso" in chosen:
        outline = np.column_stack([chosen["lasso"]["x"], chosen["lasso"]["y"]])
        current.select(charts.rows_inside(decision, axes, lasso=outline))
    elif "point" in chosen:
        current.pick(int(chosen["point"]))
    else:
        current.select(None)
