"""Tune: many settings side by side, and whether the answer would come out again."""

from __future__ import annotations

import streamlit as st

from kdeviz.ui.progress import POLL_SECONDS, show_progress
from kdeviz.ui.stability_panel import show_stability
from kdeviz.ui.state import session
from kdeviz.ui.sweep_panel import show_sweep

__all__ = ["show", "show_running"]

_PARTS = {"Sweep": show_sweep, "Stability": show_stability}


def show() -> None:
    """Draw the page from the current screen."""
    current = session()
    if current.screen is None:
        st.info("The first fit is under way.", icon=":material/hourglass_top:")
        return
    part = st.segmented_control(
        "Part",
        list(_PARTS),
        default="Sweep",
        required=True,
        key="tune",
        bind="query-params",
        label_visibility="collapsed",
    )
    show_running(part or "Sweep")
    _PARTS[part or "Sweep"](current, current.screen)


@st.fragment(run_every=POLL_SECONDS)
def show_running(shown: str = "") -> None:
    """What runs goes on while something else is looked at than its own part of the page."""
    current = session()
    for part, run in (("Sweep", current.swept), ("Stability", current.repeated)):
        if part != shown and run is not None and run.task.running:
            show_progress(run.task, f"{part.lower()}_elsewhere")
