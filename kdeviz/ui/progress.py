"""How far a task is, and a way to end it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from kdeviz.ui.tasks import Task
from kdeviz.wording import duration

__all__ = ["POLL_SECONDS", "show_progress"]

POLL_SECONDS = 1.0


def show_progress(task: Task[Any], key: str, what: str = "") -> None:
    """Draw the bar and the button; to be called again every `POLL_SECONDS`."""
    task.watch()
    stopping, left = task.is_cancelled(), task.seconds_left
    rest = "" if left is None else f" · about {duration(left)} left"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(task.fraction, 1.0), text="Cancelling …" if stopping else what + task.stage + rest)
        st.button(
            "Cancel",
            icon=":material/stop_circle:",
            on_click=task.cancel,
            disabled=stopping,
            key=f"cancel_{key}",
        )
