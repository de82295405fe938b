"""Work in the background, as pages see it: how far it is, who still waits for it, what came of it."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from threading import Event
from typing import Generic, TypeVar

from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from kdeviz.errors import Cancelled

Result = TypeVar("Result")

_ABANDONED_AFTER_S = 60.0
_ENOUGH_DONE = 0.03
leaving = Event()
"""Set when the process ends: nobody waits for anything any more."""


class Task(Generic[Result]):
    """Something that is queued, running or done.

    Args:
        expected: how many seconds it will compute, as far as that is known.
        alone: never to compute beside others, because it measures time.
    """

    def __init__(self, expected: float = 1.0, alone: bool = False) -> None:
        self.alone = alone
        self.stage = "Waiting for the processor"
        self.fraction = 0.0
        self.expected = expected
        self.future: Future[Result] = Future()
        self._cancel = Event()
        self._began: float | None = None
        self._viewers: set[str] = set()
        self.watch()

    def watch(self) -> None:
        """Say that the browser session of this thread still waits for this."""
        self._last_watched = time.monotonic()
        if here := viewer():
            self._viewers.add(here)

    def cancel(self) -> None:
        """Stop within one block, once it has its turn; a queued task never starts."""
        self._cancel.set()
        self.future.cancel()

    def is_cancelled(self) -> bool:
        """Whether to stop: cancelled, abandoned by the last viewer a minute ago, or the process ends."""
        if any(map(is_connected, self._viewers)):
            self._last_watched = time.monotonic()
        if self._cancel.is_set() or leaving.is_set():
            return True
        return time.monotonic() - self._last_watched > _ABANDONED_AFTER_S

    def report(self, stage: str, fraction: float) -> None:
        """Progress, from the thread that works."""
        if self._began is None:
            self._began = time.monotonic()
        self.stage, self.fraction = stage, fraction

    def paused(self, seconds: float) -> None:
        """For so long others had the processor."""
        if self._began is not None:
            self._began += seconds

    @property
    def rest(self) -> float:
        """Seconds that it is expected to compute yet."""
        left = self.seconds_left
        return self.expected * (1 - self.fraction) if left is None else left

    @property
    def seconds_left(self) -> float | None:
        """As long as the rest takes at the speed so far; None before there is one."""
        if self._began is None or self.fraction < _ENOUGH_DONE:
            return None
        return (time.monotonic() - self._began) * (1 / self.fraction - 1)

    @property
    def near_the_end(self) -> bool:
        """Whether it is expected to end within a second."""
        return self.rest < 1

    @property
    def running(self) -> bool:
        """Whether there may still be something to wait for."""
        return not self.future.done()

    def result(self) -> Result | None:
        """What came of it; None while it runs, and if it was cancelled.

        Raises:
            Exception: what ended the work.
        """
        if not self.future.done():
            return None
        try:
            return self.future.result()
        except (Cancelled, CancelledError):
            return None


@dataclass(eq=False)
class Latest(Generic[Result]):
    """What a session asked for last.

    Attributes:
        wanted: what stands for it, so that the same is not begun twice.
        task: the work on it.
    """

    wanted: object = None
    task: Task[Result] | None = None

    def drop(self) -> None:
        """Wait for nothing any more."""
        if self.task is not None:
            self.task.cancel()
        self.task = self.wanted = None


def viewer() -> str:
    """The browser session that this thread works for; empty if none."""
    context = get_script_run_ctx(suppress_warning=True)
    return "" if context is None else context.session_id


def is_connected(viewer: str) -> bool:
    """Whether the page of this session is open in a browser."""
    return Runtime.exists() and Runtime.instance().is_active_session(viewer)
