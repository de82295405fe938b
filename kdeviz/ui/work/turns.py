"""Who may compute: of all tasks the one that will soonest be done, so that no slider waits for a sweep."""

from __future__ import annotations

import atexit
import math
import time
from collections.abc import Callable
from threading import Condition, Thread
from typing import Any, TypeVar
from weakref import WeakSet

from kdeviz.ui.work.tasks import Task, leaving

Result = TypeVar("Result")

# What takes less than a second waits half of one, and then computes beside a task that has not reported for
# so long: one decomposition of a large matrix can take seconds.
_SMALL_S, _PATIENCE_S = 1.0, 0.5
# How often a waiting task looks whether its viewer has left.
_LOOK_S = 0.1
# How long the end of the process waits for the end of a block.
_LEAVE_S = 5.0
_THREADS: WeakSet[Thread] = WeakSet()


class Turns:
    """Tasks on threads of their own, of which one computes at a time.

    The shortest rest goes first. A task that computes is asked at each of its reports to stand aside for one
    that waits and has less left to do.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._computing: set[Task[Any]] = set()
        self._waiting: list[Task[Any]] = []

    def start(self, task: Task[Result], work: Callable[[], Result]) -> None:
        """Do the work when it is the task's turn; its future tells what came of it."""
        with self._changed:
            self._waiting.append(task)
        thread = Thread(target=self._run, args=(task, work), name="kdeviz", daemon=True)
        _THREADS.add(thread)
        thread.start()

    def give_way(self, task: Task[Any]) -> None:
        """Called by work where a pause does no harm: stand aside for whoever has less left to do."""
        with self._changed:
            if all(other.rest >= task.rest for other in self._waiting):
                return
            self._computing.discard(task)
            self._waiting.append(task)
            self._changed.notify_all()
        began = time.monotonic()
        self._wait(task)
        task.paused(time.monotonic() - began)

    def _run(self, task: Task[Result], work: Callable[[], Result]) -> None:
        self._wait(task)
        try:
            if task.is_cancelled():
                task.future.cancel()
            finish(task, work)
        finally:
            with self._changed:
                self._computing.discard(task)
                self._changed.notify_all()

    def _wait(self, task: Task[Any]) -> None:
        """Until it is the task's turn, or it is cancelled."""
        small = task.expected < _SMALL_S and not task.alone
        until = time.monotonic() + (_PATIENCE_S if small else math.inf)
        with self._changed:
            while not (self._is_next(task) or task.is_cancelled() or time.monotonic() > until):
                self._changed.wait(_LOOK_S)
            self._waiting.remove(task)
            self._computing.add(task)

    def _is_next(self, task: Task[Any]) -> bool:
        return not self._computing and task is min(self._waiting, key=lambda other: other.rest)


def finish(task: Task[Result], work: Callable[[], Result]) -> None:
    """Do the work unless it was cancelled, and note what came of it."""
    if not task.future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:
        task.future.set_exception(error)
    else:
        task.future.set_result(result)


@atexit.register
def _end_work() -> None:
    """Let everything stop: a thread that computes while Python ends would abort the process."""
    leaving.set()
    for thread in list(_THREADS):
        thread.join(_LEAVE_S)
