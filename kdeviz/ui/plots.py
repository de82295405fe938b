"""Charts on the page, and what was clicked on them.

They are drawn by `chart.js` with the plotly.js that plotly for Python brings along: streamlit's own chart is
thrown away and drawn twice from nothing at each change.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import plotly
import plotly.graph_objects as go
import streamlit as st
from streamlit.components.v1 import declare_component

__all__ = ["clicked", "clicked_number", "show_figure"]

_NO_TOOLS = {"displayModeBar": False}
_chart = st.components.v2.component(
    "kdeviz.chart", js=Path(__file__).with_name("chart.js").read_text("utf-8"), isolate_styles=False
)


def show_figure(
    figure: go.Figure,
    key: str,
    alt: str,
    height: int,
    on_click: Callable[[], None] | None = None,
    config: Mapping[str, Any] = _NO_TOOLS,
    same: object = None,
) -> None:
    """Draw a chart.

    Args:
        figure: what to draw; it is given the height.
        key: of the chart, on its page.
        alt: what a screen reader says.
        height: in pixels; it becomes as wide as there is room.
        on_click: called when something on it is clicked or selected, see `clicked`.
        config: of plotly.js.
        same: as long as this is equal, the zoom stays when the chart changes.
    """
    _serve_plotly()
    figure.update_layout(height=height, uirevision=None if same is None else repr(same))
    head = json.dumps({"alt": alt, "config": dict(config), "clickable": on_click is not None})
    content = head[:-1] + "," + str(figure.to_json(validate=False))[1:]
    _chart(key=key, data=content.encode(), on_clicked_change=on_click or _ignored)


def clicked(key: str) -> dict[str, Any]:
    """What was done on this chart, to be asked by its `on_click`.

    Returns:
        {"point": what the clicked point carries}, {"box": {"x": [low, high], "y": [low, high]}},
        {"lasso": {"x": [...], "y": [...]}}, or {} when a selection was taken back.
    """
    return st.session_state[key]["clicked"] or {}


def clicked_number(key: str) -> float | None:
    """The number that the clicked point of this chart carries; None without a click on one."""
    number = clicked(key).get("point")
    return None if number is None else float(number)


def _ignored() -> None:
    """A chart that cannot be clicked."""


@st.cache_resource(show_spinner=False)
def _serve_plotly() -> None:
    """Let the browser ask this server for plotly.js."""
    declare_component("plotly", path=Path(plotly.__file__).parent / "package_data")
