"""The map of samples, what it is asked to show, and what is picked on it."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from kdeviz import charts
from kdeviz.ui.panels.selection import Zoom
from kdeviz.ui.panels.shown_text import text_column, text_control
from kdeviz.ui.panels.table import chosen_rows
from kdeviz.ui.state import Screen, Session, session, theme
from kdeviz.ui.widgets.choices import one_of
from kdeviz.ui.widgets.parameters import Possible, among, whole
from kdeviz.ui.widgets.plots import clicked, show_figure

_TOOLS = {
    "displaylogo": False,
    "scrollZoom": False,
    "displayModeBar": True,
    "modeBarButtons": [["zoomIn2d", "zoomOut2d", "resetScale2d"]],
}
_DIMENSIONS = ("2D", "3D")
_MOST_AXES = 10**6
_MAP_TOOLS = {"Pick": "pan", "Box": "select", "Lasso": "lasso"}
_TOOLS_3D = {**_TOOLS, "modeBarButtons": [["orbitRotation", "pan3d", "resetCameraDefault3d"]]}


def address() -> dict[str, Possible]:
    """What the address may say of the map; of what colours there are, the data decide."""
    return {"dimensions": among(_DIMENSIONS), **{f"axis_{name}": whole(1, _MOST_AXES) for name in "xyz"}}


def show_map(
    current: Session, screen: Screen, components: tuple[int, ...], colour_by: str, tool: str, height: int
) -> None:
    """Draw the map; a click picks a sample, a box or a lasso selects."""
    if len(components) < 2:
        st.info("A map needs two components: the model kept one.", icon=":material/info:")
        return
    flat = len(components) == 2
    figure = charts.projection(
        screen.decision,
        components,
        colour_by,
        picked=current.picked,
        region=chosen_rows(current, screen),
        tool=tool,
        text_column=text_column(),
        theme=theme(),
    )
    zoom = current.own(Zoom)
    charts.zoom_to(figure, screen.analysis.coordinates[:, components], zoom.rows)
    show_figure(
        figure,
        "map",
        "Samples projected on principal components",
        height,
        (screen.key, components, zoom.times),
        partial(_map_selected, components) if flat else None,
        _TOOLS if flat else _TOOLS_3D,
    )


def map_controls(screen: Screen) -> tuple[tuple[int, ...], str, str]:
    """Components (0-based), colour and tool of the map, as chosen."""
    kept = screen.analysis.classifier.n_components_
    first, second = st.columns([1, 1], gap="small")
    with first.popover("Axes, colour", icon=":material/tune:", width="stretch"):
        colour_by = st.selectbox(
            "Colour by",
            charts.colour_choices(screen.decision),
            key="colour",
            bind="query-params",
            help="Log density is what the model says; verdict is the side of the threshold; residual is the "
            "length of what the components leave out; the others come from the file.",
        )
        text_control(screen.analysis.inspected)
        dimensions = st.segmented_control(
            "Dimensions",
            _DIMENSIONS,
            default="2D",
            required=True,
            key="dimensions",
            bind="query-params",
            disabled=kept < 3,
        )
        wanted = min(3 if dimensions == "3D" else 2, kept)
        axes = [_axis(name, i + 1, kept) for i, name in enumerate("xyz"[:wanted])]
    if len(set(axes)) < len(axes):
        st.caption("Choose different components for the axes.")
        axes = list(range(1, wanted + 1))
    with second:
        tool = one_of(
            "On the map", list(_MAP_TOOLS), "tool", in_address=False, wide=True, disabled=len(axes) != 2
        )
    return tuple(axis - 1 for axis in axes), colour_by or "log density", _MAP_TOOLS[tool]


def _axis(name: str, first: int, kept: int) -> int:
    key = f"axis_{name}"
    if st.session_state.get(key, 1) > kept:
        st.session_state[key] = first
    axis: int = st.number_input(f"{name} axis: component", 1, kept, first, key=key, bind="query-params")
    return axis


def _map_selected(components: tuple[int, ...]) -> None:
    """A click picks a sample; a box or lasso selects every sample inside it, drawn or not."""
    current = session()
    chosen = clicked("map")
    if current.screen is None or chosen is None:
        return
    decision = current.screen.decision
    if "box" in chosen:
        box = chosen["box"]
        current.select(charts.rows_inside(decision, components, box=(tuple(box["x"]), tuple(box["y"]))))
    elif "lasso" in chosen:
        outline = np.column_stack([chosen["lasso"]["x"], chosen["lasso"]["y"]])
        current.select(charts.rows_inside(decision, components, lasso=outline))
    elif "point" in chosen:
        current.pick(int(chosen["point"]))
    else:
        current.select(None)
