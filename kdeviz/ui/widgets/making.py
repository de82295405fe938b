"""A file that is made in the background: the button that asks for it, how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import streamlit as st

from kdeviz.ui.widgets.progress import outcome, show_progress, watch
from kdeviz.ui.work.jobs import Work, job_board
from kdeviz.ui.work.tasks import Latest

T = TypeVar("T")


class Making(Latest[T]):
    """The last file of its kind that a session asked for."""

    def start(self, asked: object, prepared: Callable[[], Work[T]]) -> None:
        """Make another one; the one before is no longer wanted."""
        self.drop()
        self.wanted, self.task = asked, job_board().start(prepared())


def show_making(
    making: Making[T],
    asked: object,
    prepared: Callable[[], Work[T]],
    offer: Callable[[T], None],
    *,
    key: str,
    problem: str,
    **button: Any,
) -> None:
    """Draw the button, and below it how far the file is or what came of it.

    Args:
        making: what the session has.
        asked: of what a file would be now.
        prepared: gives the work, when the button is pressed.
        offer: draws what was made.
        key: of the button; the one that cancels is named after it.
        problem: says that it was not made.
        button: `label`, `icon` and `help`.
    """
    task = making.task if making.wanted == asked else None  # another one goes on unseen
    running = task is not None and task.running
    st.button(
        key=key,
        type="primary" if task is None or running else "secondary",
        disabled=running,
        on_click=making.start,
        args=(asked, prepared),
        **button,
    )
    if task is None:
        return
    if running:
        watch(task.future, partial(show_progress, task, key))
        return
    made = outcome(task, problem)
    if made is not None:
        offer(made)
