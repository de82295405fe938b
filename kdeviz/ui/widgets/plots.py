"""Charts on the page, and what was clicked on them.

They are drawn by `chart.js` and its parts with the plotly.js that plotly for Python brings along:
streamlit's own chart is thrown away and drawn twice from nothing at each change.
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

_NO_TOOLS = {"displayModeBar": False}
_ALWAYS = {"showTips": False}  # plotly's hints would lie over its tools
# With the version, so that no browser draws with the plotly.js of before an upgrade.
_LIBRARY = f"plotly-{plotly.__version__}"
_HERE = Path(__file__).parent
_chart = st.components.v2.component(
    "kdeviz.chart",
    js="\n".join((_HERE / f"chart{part}.js").read_text("utf-8") for part in ("", "_text", "_save")),
    css=(_HERE / "chart.css").read_text("utf-8"),
    isolate_styles=False,
)


def show_figure(
    figure: go.Figure,
    key: str,
    alt: str,
    height: int,
    about: object,
    on_click: Callable[[], None] | None = None,
    config: Mapping[str, Any] = _NO_TOOLS,
) -> None:
    """Draw a chart.

    Args:
        figure: what to draw; it is given the height.
        key: of the chart, on its page.
        alt: what a screen reader says.
        height: in pixels; it becomes as wide as there is room.
        about: what the numbers depend on. As long as it is equal the zoom stays when the chart changes, and
            clicks on what was drawn before count.
        on_click: called when something on it is clicked or selected, see `clicked`.
        config: of plotly.js.
    """
    _serve_plotly()
    names = repr([trace.name for trace in figure.data])  # plotly hides traces by their numbers
    figure.update_layout(height=height, uirevision=repr(about), legend_uirevision=f"{about!r} {names}")
    st.session_state[f"about_{key}"] = repr(about)
    head = json.dumps(
        {
            "alt": alt,
            "about": repr(about),
            "clickable": on_click is not None,
            "config": {**config, **_ALWAYS},
            "library": f"component/{__name__}.{_LIBRARY}/plotly.min.js",
        }
    )
    content = head[:-1] + "," + str(figure.to_json(validate=False))[1:]
    _chart(key=key, data=content.encode(), on_clicked_change=on_click or _do_nothing)


def clicked(key: str) -> dict[str, Any] | None:
    """What was done on this chart, to be asked by its `on_click`.

    Returns:
        {"point": what the clicked point carries}, {"box": {"x": [low, high], "y": [low, high]}},
        {"lasso": {"x": [...], "y": [...]}}, or {} when a selection was taken back; None when it was done on
        an earlier drawing, about something else.
    """
    done = dict(st.session_state[key]["clicked"] or {})
    return done if done.pop("about", None) == st.session_state.get(f"about_{key}") else None


def clicked_number(key: str) -> float | None:
    """The number that the clicked point of this chart carries; None without a click on one."""
    number = (clicked(key) or {}).get("point")
    return None if number is None else float(number)


def _do_nothing() -> None:
    """For charts that nobody clicks on."""


@st.cache_resource(show_spinner=False)
def _serve_plotly() -> None:
    """Let the browser ask this server for plotly.js."""
    declare_component(_LIBRARY, path=Path(plotly.__file__).parent / "package_data")
