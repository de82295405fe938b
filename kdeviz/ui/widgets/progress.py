"""How far a task is, a way to end it, and what to do until it has ended."""

from __future__ import annotations

import time
from concurrent.futures import Future, wait
from threading import Event
from typing import Any

import streamlit as st

from kdeviz.ui.work.tasks import Task
from kdeviz.wording import duration

POLL_SECONDS = 1.0
# Of that, how long to wait for the end; in the rest streamlit attends to clicks in fragments.
_WAIT_SECONDS = 0.4
_GLANCE_SECONDS = 0.05


def follow(task: Task[Any], key: str, drawn: Event) -> None:
    """Draw the bar and the button, and the whole page as soon as the task has ended.

    Args:
        task: to look at.
        key: of the button.
        drawn: as in `redraw_at_end`.
    """
    if task.running:
        show_progress(task, key)
    redraw_at_end(task.future, drawn)


def redraw_at_end(future: Future[Any], drawn: Event) -> None:
    """Draw the whole page as soon as this has ended; to be called by a fragment every `POLL_SECONDS`.

    Args:
        future: to wait for a while. What the user does elsewhere ends the waiting; what is in a fragment, as
            the button for cancelling is, has to wait for its end.
        drawn: a new one for each run of the page. It is set here: in the first call the rest of the page is
            still to be drawn, so that there is no time to wait.
    """
    until = time.monotonic() + _WAIT_SECONDS * drawn.is_set()
    drawn.set()
    while not future.done() and time.monotonic() < until:
        wait([future], _GLANCE_SECONDS)
        _ = "session" in st.session_state  # at every look into the state, streamlit asks for clicks
    if future.done():
        st.rerun()


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
