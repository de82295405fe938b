"""How far a task is, a way to end it, and what to do until it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Event
from typing import Any

import streamlit as st

from kdeviz.ui.work.tasks import Task
from kdeviz.wording import duration

_POLL_SECONDS = 1.0
# Of that, how long to wait for the end; in the rest streamlit attends to clicks in fragments.
_WAIT_SECONDS = 0.4
_GLANCE_SECONDS = 0.05


def watch(future: Future[Any], draw: Callable[[], object], *, eager: bool = True) -> None:
    """Draw something now and every second, until this has ended; then the whole page.

    Args:
        future: to wait for.
        draw: draws how far it is.
        eager: whether to draw the page the very moment it has ended. What was drawn here attends to clicks
            less often then.
    """
    _watch(future, draw, Event() if eager else None)


@st.fragment(run_every=_POLL_SECONDS)
def _watch(future: Future[Any], draw: Callable[[], object], drawn: Event | None) -> None:
    if not future.done():
        draw()
    if drawn is not None:
        _wait_a_while(future, drawn)
    if future.done():
        st.rerun()


def _wait_a_while(future: Future[Any], drawn: Event) -> None:
    """Wait until this has ended, though not so long that the next look would be late.

    What the user does elsewhere ends the waiting; what is in a fragment, as the button for cancelling is, has
    to wait for its end. `drawn` is set here: in the first call of a run of the page the rest of it is still
    to be drawn, so that there is no time to wait.
    """
    until = time.monotonic() + _WAIT_SECONDS * drawn.is_set()
    drawn.set()
    while not future.done() and time.monotonic() < until:
        wait([future], _GLANCE_SECONDS)
        _ = "session" in st.session_state  # at every look into the state, streamlit asks for clicks


def show_progress(task: Task[Any], key: str, what: str = "") -> None:
    """Draw the bar and the button; to be called again every second."""
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
