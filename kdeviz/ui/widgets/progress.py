"""How far a task is, a way to end it, and what to do until it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Event
from typing import Any, TypeVar

import streamlit as st

from kdeviz.ui.widgets.text import failure_words, plain_error, plain_warning
from kdeviz.ui.work.tasks import Task
from kdeviz.wording import duration

Result = TypeVar("Result")

_POLL_SECONDS = 1.0
# Of that, how long to wait for the end; in the rest streamlit attends to clicks in fragments.
_WAIT_SECONDS, _WAIT_NEAR_THE_END_SECONDS = 0.4, 0.9
_GLANCE_SECONDS = 0.05


def watch(
    future: Future[Any],
    draw: Callable[[], object],
    *,
    eager: bool = True,
    page_drawn: bool = False,
    near_the_end: Callable[[], bool] = lambda: False,
    changed: Callable[[], bool] = lambda: False,
) -> None:
    """Draw something now and every second, until this has ended; then the whole page.

    Args:
        future: to wait for.
        draw: draws how far it is.
        eager: whether to draw the page the very moment it has ended. What was drawn here attends to clicks
            less often then.
        page_drawn: whether nothing else is to be drawn now, so that there is time to wait.
        near_the_end: whether the end is so near that clicks may wait for it.
        changed: whether there is something new to draw on the page before the end.
    """
    drawn = Event() if eager else None
    if drawn is not None and page_drawn:
        drawn.set()
    _watch(future, draw, drawn, near_the_end, changed)


@st.fragment(run_every=_POLL_SECONDS)
def _watch(
    future: Future[Any],
    draw: Callable[[], object],
    drawn: Event | None,
    near_the_end: Callable[[], bool],
    changed: Callable[[], bool],
) -> None:
    if not future.done():
        draw()
    if drawn is not None:
        _wait_a_while(future, drawn, near_the_end, changed)
    if future.done() or changed():
        st.rerun()


def _wait_a_while(
    future: Future[Any], drawn: Event, near_the_end: Callable[[], bool], changed: Callable[[], bool]
) -> None:
    """Wait until there is something new, though not so long that the next look would be late.

    What the user does elsewhere ends the waiting; what is in a fragment, as the button for cancelling is, has
    to wait for its end. `drawn` is set here: in the first call of a run of the page the rest of it is still
    to be drawn, so that there is no time to wait.
    """
    began, waits = time.monotonic(), drawn.is_set()
    drawn.set()
    while waits and not (future.done() or changed()):
        longest = _WAIT_NEAR_THE_END_SECONDS if near_the_end() else _WAIT_SECONDS
        if time.monotonic() >= began + longest:
            break
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


def outcome(task: Task[Result], problem: str) -> Result | None:
    """What came of an ended task; where nothing did, None, and why is drawn: a failure under this title."""
    try:
        made = task.result()
    except Exception as error:
        plain_error(problem, failure_words(error))
        return None
    if made is None:
        plain_warning("Cancelled.")
    return made
