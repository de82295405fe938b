"""Reading files in the background: watched and cancelled, while the screen keeps what it shows."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import wait
from functools import partial

from kdeviz.analysis import OnProgress
from kdeviz.errors import Cancelled
from kdeviz.ui.widgets.progress import show_progress, watch
from kdeviz.ui.work.jobs import job_board
from kdeviz.ui.work.loaded import Loaded
from kdeviz.ui.work.tasks import Latest

# How long a rerun waits for the file, before it shows progress instead.
_PATIENCE_SECONDS = 1.5


class FileReading(Latest[Loaded]):
    """The file that one session waits for."""

    def start(
        self, wanted: object, name: str, read: Callable[[], Loaded], check: Callable[[Loaded], object]
    ) -> None:
        """Read and check a file, in place of what was being read, and wait a little for it."""
        self.drop()

        def work(report: OnProgress, cancelled: Callable[[], bool]) -> Loaded:
            report(f"Reading {name}", 0.0)
            data = read()
            report(f"Checking {name}", 0.5)
            if not cancelled():
                check(data)
            return data

        self.wanted, self.task = wanted, job_board().start_aside(work)
        wait([self.task.future], _PATIENCE_SECONDS)

    def take(self) -> Loaded | None:
        """What was read, once; None when there is nothing, or not yet, and then the progress is drawn.

        Raises:
            KdevizError: it cannot be read.
            Cancelled: somebody cancelled it. What reads cannot be interrupted: it ends by itself, unseen.
        """
        task = self.task
        if task is None:
            return None
        if task.is_cancelled():
            raise Cancelled("Cancelled. Choose the file again to read it.")
        if task.running:
            draw = partial(show_progress, task, "reading")
            watch(task.future, draw, near_the_end=lambda: task.near_the_end)
            return None
        self.task = None
        return task.future.result()
