"""The tabs beside the map: the sample, the densities, and curves where a click sets the threshold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from kdeviz import charts
from kdeviz.errors import DataError
from kdeviz.ui.panels.sample import show_sample
from kdeviz.ui.panels.threshold import set_threshold
from kdeviz.ui.state import Screen, Session, session, theme
from kdeviz.ui.widgets.choices import one_of
from kdeviz.ui.widgets.help import HELP
from kdeviz.ui.widgets.history import is_going_back
from kdeviz.ui.widgets.plots import clicked_number, show_figure
from kdeviz.ui.widgets.reveal import reveal
from kdeviz.ui.widgets.text import plain_note
from kdeviz.wording import capital

SAMPLE = "Sample"
_FIRST = "Density"
_TALLEST = 430


@dataclass(eq=False)
class Tab:
    """What is known of the tabs.

    Attributes:
        about: which sample was looked at when they were drawn last; None if they never were.
        revealed: how often somebody has gone on to another sample since.
        drawn: the one that was chosen then.
    """

    about: tuple[int | None, int | None] | None = None
    revealed: int = 0
    drawn: str = _FIRST


def tabs() -> tuple[str, ...]:
    """Their names."""
    return SAMPLE, *charts.CHARTS


def show_tabs(current: Session, screen: Screen, height: int) -> None:
    """Draw the tabs, and what is on the chosen one; whoever picks a sample sees it."""
    offered = [SAMPLE, *(name for name, one in charts.CHARTS.items() if one.fits(screen.decision))]
    tab, about = current.own(Tab), (current.picked, current.neighbour)
    if tab.about not in (None, about) and about != (None, None) and not is_going_back():
        st.session_state["chart"] = SAMPLE
        tab.revealed += 1
    tab.about = about
    reveal("tabs", "headline", tab.revealed)
    with st.container(key="tabs"):
        chosen = one_of(
            "Beside the map", offered, "chart", default=_FIRST, wide=True, on_change=_stay_if_not_pressed
        )
    tab.drawn = chosen
    if chosen == SAMPLE:
        show_sample(current, screen, height)
    else:
        _chart(chosen, current, screen, min(height, _TALLEST))


def _stay_if_not_pressed() -> None:
    """Whoever presses a tab has the whole page drawn anew.

    A fragment that looks every second how far a task is says as well what the browser knows of all widgets.
    That can be from before a pick has turned the tabs.
    """
    context = get_script_run_ctx()
    if context is not None and context.fragment_ids_this_run:
        st.session_state["chart"] = session().own(Tab).drawn


def _chart(name: str, current: Session, screen: Screen, height: int) -> None:
    chart, key = charts.CHARTS[name], f"curve_{name}"
    given: dict[str, Any] = {"picked": current.picked, "neighbour": current.neighbour}
    if "log_fpr" in chart.takes:
        given["log_fpr"] = st.toggle("Logarithmic false alarms", key="log_fpr", help=HELP["log_fpr"])
    try:
        figure = chart.draw(screen.decision, theme=theme(), **{part: given[part] for part in chart.takes})
    except DataError as error:
        plain_note(f"{capital(str(error))}.")
        return
    on_click = partial(_clicked, key) if chart.sets_threshold else None
    show_figure(figure, key, chart.alt, height, screen.key, on_click, preview=screen.preview)
    if below := chart.below or chart.offer:
        st.caption(below)


def _clicked(key: str) -> None:
    """Take the threshold of the point that was clicked."""
    threshold = clicked_number(key)
    if threshold is not None and np.isfinite(threshold):
        set_threshold(threshold)
