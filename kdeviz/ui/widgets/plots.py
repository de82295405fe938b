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

from kdeviz.analysis import Preview

MOST_FLAGGED = 2500
"""On a map; of more, a browser draws for seconds at every threshold."""
_NO_TOOLS = {"displayModeBar": False}
_ALWAYS = {"showTips": False}  # plotly's hints would lie over its tools
# With the version, so that no browser draws with the plotly.js of before an upgrade.
_LIBRARY = f"plotly-{plotly.__version__}"
_ADDRESS = f"component/{__name__}.{_LIBRARY}/plotly.min.js"


def _script(name: str) -> str:
    return Path(__file__).with_name(name).read_text("utf-8")


_chart = st.components.v2.component(
    "kdeviz.chart",
    js="\n".join(map(_script, ("chart.js", "chart_pick.js", "chart_text.js", "chart_save.js", "plotly.js"))),
    css=_script("chart.css"),
    isolate_styles=False,
)
_ahead = st.components.v2.component(
    "kdeviz.plotly",
    # What goes wrong is told by the chart that needs it, which tries once more.
    js="export default ({ data }) => { plotly(data.library).catch(() => undefined); };\n"
    + _script("plotly.js"),
    isolate_styles=False,
)


def load_plotly_ahead() -> None:
    """Let the browser load plotly.js while what the first charts show is still computed."""
    _serve_plotly()
    _ahead(key="plotly_ahead", data={"library": _ADDRESS})


def show_figure(
    figure: go.Figure,
    key: str,
    alt: str,
    height: int,
    about: object,
    on_click: Callable[[], None] | None = None,
    config: Mapping[str, Any] = _NO_TOOLS,
    below: int | None = None,
    preview: Preview | None = None,
) -> None:
    """Draw a chart.

    Args:
        figure: what to draw; it is given the height.
        key: of the chart, on its page.
        alt: what a screen reader says first, before title and subtitle.
        height: in pixels; it becomes as wide as there is room.
        about: what the numbers depend on. As long as it is equal the zoom stays when the chart changes, and
            clicks on what was drawn before count.
        on_click: called when something on it is clicked or selected, see `clicked`.
        config: of plotly.js.
        below: for a room: all on it becomes larger with the window, and it reaches down to so many pixels
            above the bottom; `height` does not count then.
        preview: of what the numbers are one, which the title says. The zoom outlives it, clicks do not.
    """
    _serve_plotly()
    names = repr([trace.name for trace in figure.data])  # plotly hides traces by their numbers
    figure.update_layout(height=height, uirevision=repr(about), legend_uirevision=f"{about!r} {names}")
    if preview is not None:
        _say_about(figure, preview)
        about = (about, "preview")
    st.session_state[f"about_{key}"] = repr(about)
    head = json.dumps(
        {
            "alt": alt,
            "about": repr(about),
            "clickable": on_click is not None,
            "below": below,
            "config": {**config, **_ALWAYS},
            "library": _ADDRESS,
        }
    )
    content = head[:-1] + "," + str(figure.to_json(validate=False))[1:]
    _chart(key=key, data=content.encode(), on_clicked_change=on_click or (lambda: None))


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


def _say_about(figure: go.Figure, preview: Preview) -> None:
    """The finding is about as it says: it comes from a sample."""
    title = figure.layout.title
    title.text = f"About: {title.text}"
    title.subtitle.text = f"From {preview.words} · {title.subtitle.text}"


@st.cache_resource(show_spinner=False)
def _serve_plotly() -> None:
    """Let the browser ask this server for plotly.js."""
    declare_component(_LIBRARY, path=Path(plotly.__file__).parent / "package_data")
