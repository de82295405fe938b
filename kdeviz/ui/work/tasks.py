"""Work on background threads, so that it can be watched and cancelled; short work goes before long work."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from functools import partial
from queue import SimpleQueue
from threading import Condition, Event, Lock, Thread
from typing import Any, Generic, TypeVar

from kdeviz.errors import Cancelled

Result = TypeVar("Result")

# A task that no page has asked after for this long belongs to a closed tab; a hidden one asks each minute.
_ABANDONED_AFTER_S = 75.0
_ENOUGH_DONE = 0.03


class Task(Generic[Result]):
    """Something that is queued, running or done."""

    def __init__(self) -> None:
        self.stage = "Waiting for the processor"
        self.fraction = 0.0
        self.future: Future[Result]
        self._cancel = Event()
        self._began: float | None = None
        self._last_watched = time.monotonic()

    def watch(self) -> None:
        """Say that somebody still waits for this."""
        self._last_watched = time.monotonic()

    def cancel(self) -> None:
        """Stop within one block, once it has its turn; a queued task never starts."""
        self._cancel.set()
        self.future.cancel()

    def is_cancelled(self) -> bool:
        """Whether to stop: cancelled, or abandoned."""
        return self._cancel.is_set() or time.monotonic() - self._last_watched > _ABANDONED_AFTER_S

    def report(self, stage: str, fraction: float) -> None:
        """Progress, from the thread that works."""
        if self._began is None:
            self._began = time.monotonic()
        self.stage, self.fraction = stage, fraction

    @property
    def seconds_left(self) -> float | None:
        """As long as the rest takes at the speed so far; None before there is one."""
        if self._began is None or self.fraction < _ENOUGH_DONE:
            return None
        return (time.monotonic() - self._began) * (1 / self.fraction - 1)

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


class _Worker:
    """A thread that does one thing after another. Unlike an executor's it ends with the process."""

    def __init__(self, name: str) -> None:
        self._queue: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, work: Callable[[], Result]) -> Future[Result]:
        future: Future[Result] = Future()
        self._queue.put((future, work))
        return future

    def _run(self) -> None:
        while True:
            future, work = self._queue.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = work()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
            del future, work  # nothing is held while the queue is empty


class Workers:
    """Two threads of which only one computes at a time, short work first; and one that waits for others.

    Long work is asked to stand aside between its steps, see `give_way`, so that nobody who moves a slider
    waits for another's sweep.
    """

    def __init__(self) -> None:
        self._short, self._long, self._aside = map(_Worker, ("kdeviz", "kdeviz-long", "kdeviz-aside"))
        self._processor = Lock()
        self._waiting = 0  # short work that is queued or under way
        self._fewer = Condition()

    def short(self, work: Callable[[], Result]) -> Future[Result]:
        """Queue work that somebody waits for."""
        with self._fewer:
            self._waiting += 1
        future = self._short.submit(partial(self._alone, work))
        future.add_done_callback(self._one_less)
        return future

    def long(self, work: Callable[[], Result]) -> Future[Result]:
        """Queue work that calls `give_way` every now and then."""
        return self._long.submit(partial(self._alone, work))

    def aside(self, work: Callable[[], Result]) -> Future[Result]:
        """Queue work that needs no processor to speak of."""
        return self._aside.submit(work)

    def give_way(self) -> None:
        """Called by long work where a pause does no harm: wait while there is short work."""
        if self._waiting:
            self._processor.release()
            with self._fewer:
                self._fewer.wait_for(lambda: not self._waiting)
            self._processor.acquire()

    def _one_less(self, _: Future[Any]) -> None:
        """Short work is done, or was cancelled in the queue."""
        with self._fewer:
            self._waiting -= 1
            self._fewer.notify_all()

    def _alone(self, work: Callable[[], Result]) -> Result:
        with self._processor:
            return work()
