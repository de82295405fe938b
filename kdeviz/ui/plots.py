"""Charts on the page, and what was clicked on them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
import streamlit as st

__all__ = ["clicked_number", "show_figure"]


def show_figure(
    figure: go.Figure, key: str, alt: str, height: int, on_click: Callable[[], None] | None = None
) -> None:
    """Draw a chart without tools; `on_click` is called when a point is clicked, see `clicked_number`."""
    figure.update_layout(height=height)
    st.plotly_chart(
        figure,
        theme=None,
        key=key,
        config={"displayModeBar": False},
        on_select=on_click or "ignore",
        selection_mode="points",
        alt=alt,
    )


def clicked_number(key: str) -> float | None:
    """The first number that the clicked point of this chart carries; None without a click on one."""
    points = st.session_state[key]["selection"]["points"]
    carried = points[0].get("customdata") if points else None
    if isinstance(carried, dict):  # the browser sends a row of numbers by position: {"0": 20.7, ...}
        carried = carried["0"]
    return None if carried is None else float(np.ravel(carried)[0])
