"""The tabs beside the map: the sample, the densities, and curves where a click sets the threshold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from kdeviz import charts
from kdeviz.errors import DataError
from kdeviz.ui.panels.sample import show_sample
from kdeviz.ui.panels.threshold import set_threshold
from kdeviz.ui.state import Screen, Session, theme
from kdeviz.ui.widgets.choices import one_of
from kdeviz.ui.widgets.plots import clicked_number, show_figure
from kdeviz.ui.widgets.text import plain_error

SAMPLE = "Sample"
_FIRST = "Density"
_TALLEST = 430


@dataclass(eq=False)
class Tab:
    """`Session.picked` when the tabs were drawn last."""

    picked: int | None = None


def tabs() -> tuple[str, ...]:
    """Their names."""
    return SAMPLE, *charts.CHARTS


def show_tabs(current: Session, screen: Screen, height: int) -> None:
    """Draw the tabs, and what is on the chosen one; whoever picks a sample sees it."""
    labelled = screen.decision.labelled
    offered = [SAMPLE, *(name for name, one in charts.CHARTS.items() if labelled or not one.needs_labels)]
    tab = current.own(Tab)
    if tab.picked != current.picked:
        tab.picked = current.picked
        if current.picked is not None:
            st.session_state["chart"] = SAMPLE
    with st.container(key="tabs"):
        chosen = one_of("Beside the map", offered, "chart", default=_FIRST, wide=True)
    if chosen == SAMPLE:
        show_sample(current, screen, height)
    else:
        _chart(chosen, screen, {"picked": current.picked}, min(height, _TALLEST))


def _chart(name: str, screen: Screen, given: dict[str, Any], height: int) -> None:
    chart, key = charts.CHARTS[name], f"curve_{name}"
    if "log_fpr" in chart.takes:
        given["log_fpr"] = st.toggle("Logarithmic false alarms", key="log_fpr")
    try:
        figure = chart.draw(screen.decision, theme=theme(), **{part: given[part] for part in chart.takes})
    except DataError as error:
        plain_error("This chart cannot be drawn", str(error))
        return
    on_click = partial(_clicked, key) if chart.sets_threshold else None
    show_figure(figure, key, chart.alt, height, screen.key, on_click)
    if chart.below:
        st.caption(chart.below)


def _clicked(key: str) -> None:
    """Take the threshold of the point that was clicked."""
    threshold = clicked_number(key)
    if threshold is not None and np.isfinite(threshold):
        set_threshold(threshold)
