"""Tune: many settings side by side, and whether the answer would come out again."""

from __future__ import annotations

from typing import Any

import streamlit as st

from kdeviz.ui.panels.stability import show_stability
from kdeviz.ui.panels.sweep import show_sweep
from kdeviz.ui.state import session
from kdeviz.ui.widgets.choices import one_of
from kdeviz.ui.widgets.progress import POLL_SECONDS, show_progress
from kdeviz.ui.work.tasks import Task

_PARTS = {"Sweep": show_sweep, "Stability": show_stability}


def show() -> None:
    """Draw the page from the current screen."""
    current = session()
    if current.screen is None:
        st.info("The first fit is under way.", icon=":material/hourglass_top:")
        return
    part = one_of("Part", list(_PARTS), "tune")
    show_running(part)
    _PARTS[part](current, current.screen)


def show_running(shown: str = "") -> None:
    """What runs goes on while something else is looked at than its own part of the page."""
    if _running(shown):
        _live(shown)


@st.fragment(run_every=POLL_SECONDS)
def _live(shown: str) -> None:
    running = _running(shown)
    for part, task in running.items():
        show_progress(task, f"{part.lower()}_elsewhere", f"{part}: ")
    if not running:  # ends the polling
        st.rerun()


def _running(shown: str) -> dict[str, Task[Any]]:
    current = session()
    runs = {"Sweep": current.swept, "Stability": current.repeated}
    return {
        part: run.task for part, run in runs.items() if part != shown and run is not None and run.task.running
    }
