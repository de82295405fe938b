"""The work of all sessions: analyses, whose results are shared, and whatever takes longer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from threading import RLock, Thread
from typing import Any, TypeVar

import cachetools
import numpy as np
import streamlit as st

from kdeviz.analysis import (
    Analysis,
    Estimate,
    OnProgress,
    analyse,
    estimate,
    is_measured,
    measure_speeds,
    quick_settings,
    rough_seconds,
)
from kdeviz.data import EmbeddingSet, bytes_in_memory
from kdeviz.errors import Cancelled
from kdeviz.settings import Settings
from kdeviz.ui.work.loaded import Loaded
from kdeviz.ui.work.tasks import Task
from kdeviz.ui.work.turns import Turns, finish

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Key = tuple[str, Settings, str]
"""Data token, settings, device."""
Work = Callable[[OnProgress, Callable[[], bool]], Result]
"""Given a function to report progress to and one to ask whether to stop."""

# The bytes usually decide: a slider that somebody moves back, or that several move, costs one fit a place.
_MOST_RESULTS = 100
_MOST_BYTES = 1e9
_MOST_ESTIMATES = 1000
# Of work whose cost nobody has estimated, of an estimate, and of what is done after the first analysis.
_LONG_S, _QUICK_S, _AFTERWARDS_S = 600.0, 0.0, 2.0
PREVIEWED_S = 5.0
"""What is expected to take longer shows previews."""
# Until its first preview, work is as urgent as what takes so long. So many are kept to go on from.
_FIRST_PREVIEW_S, _MOST_PREVIEWS = 2.0, 2


class Job(Task[Analysis]):
    """One analysis that somebody wants."""

    def __init__(self, key: Key, expected: float = _LONG_S) -> None:
        super().__init__(expected)
        self.key = key
        self.preview: Analysis | None = None


class _Run(Task[Analysis]):
    """One analysis that is under way, for all who want it: each job watches and cancels for itself."""

    def __init__(self, expected: float) -> None:
        super().__init__(expected)
        self.jobs: list[Job] = []
        self.preview: Analysis | None = None

    @property
    def rest(self) -> float:
        """Until the first preview is there, nobody sees anything."""
        waiting = self.preview is None and self.expected > PREVIEWED_S
        return min(super().rest, _FIRST_PREVIEW_S) if waiting else super().rest

    def show(self, preview: Analysis) -> None:
        """Pass a preview on to the jobs."""
        self.preview = preview
        for job in self.jobs:
            job.preview = preview

    def is_cancelled(self) -> bool:
        return all(job.is_cancelled() for job in self.jobs)

    def report(self, stage: str, fraction: float) -> None:
        super().report(stage, fraction)
        for job in self.jobs:
            job.report(stage, fraction)

    def tell(self, _: Future[Analysis]) -> None:
        """Pass what came of it on to the jobs."""
        for job in self.jobs:
            if self.future.cancelled():
                job.future.cancel()
            else:
                finish(job, self.future.result)


class JobBoard:
    """All work of this server, and the latest analyses for every session.

    Args:
        work: what makes an analysis.
        afterwards: what to do once the first analysis is there, which shall not wait for it.
    """

    def __init__(self, work: Callable[..., Analysis] = analyse, afterwards: Work[None] | None = None) -> None:
        self._work, self._afterwards = work, afterwards
        self._turns = Turns()
        self._results: cachetools.LRUCache[Key, Analysis] = cachetools.LRUCache(_MOST_RESULTS)
        self._estimates: cachetools.LRUCache[Key, Future[Estimate]] = cachetools.LRUCache(_MOST_ESTIMATES)
        self._runs: dict[Key, _Run] = {}
        self._previews: cachetools.LRUCache[Key, Analysis] = cachetools.LRUCache(_MOST_PREVIEWS)
        self._lock = RLock()

    def result(self, key: Key) -> Analysis | None:
        """A finished analysis, if it is still cached."""
        with self._lock:
            return self._results.get(key)

    def submit(self, key: Key, data: Loaded) -> Job:
        """Queue an analysis, or join one that is under way, as after a reload of the page."""
        job = Job(key, self._expected(key, data))
        with self._lock:
            run = self._runs.get(key)
            if run is None or run.is_cancelled() or run.future.done():
                run = self._runs[key] = _Run(job.expected)
                run.jobs.append(job)
                run.future.add_done_callback(run.tell)
                self._turns.start(run, partial(self._run, run, key, data))
            else:
                run.jobs.append(job)
                job.preview = run.preview
                job.report(run.stage, run.fraction)
        return job

    def start(self, work: Work[Result], expected: float = _LONG_S, alone: bool = False) -> Task[Result]:
        """Queue work that may take so many seconds; for `alone` see `Task`.

        At every report of progress it lets go first what takes less than the rest of it.
        """
        task: Task[Result] = Task(expected, alone)
        self._turns.start(task, lambda: work(partial(self._report, task), task.is_cancelled))
        return task

    def start_aside(self, work: Work[Result]) -> Task[Result]:
        """Do what mostly waits for another machine, beside everything else."""
        task: Task[Result] = Task()
        aside = partial(finish, task, lambda: work(task.report, task.is_cancelled))
        Thread(target=aside, name="kdeviz-aside", daemon=True).start()
        return task

    def estimate(self, key: Key, data: Loaded, only_known: bool = False) -> Future[Estimate] | None:
        """What an analysis will cost; None where only known speeds may be used, and there are none.

        They are measured in a turn of their own: beside a job they would be wrong.
        """
        with self._lock:
            if key not in self._estimates or self._estimates[key].cancelled():
                known = is_measured(*_shape(data), *key[1:])
                if only_known and not known:
                    return None
                task: Task[Estimate] = Task(_QUICK_S, alone=True)
                self._estimates[key] = task.future
                work = partial(_estimate, key, data)
                if known:
                    finish(task, work)
                else:
                    self._turns.start(task, work)
            return self._estimates[key]

    def _report(self, task: Task[Any], stage: str, fraction: float) -> None:
        task.report(stage, fraction)
        self._turns.give_way(task)

    def _run(self, run: _Run, key: Key, data: Loaded) -> Analysis:
        _, settings, device = key
        try:
            done = self.result(key)
            if done is None:
                report, previews = partial(self._report, run), self._previewed(run, key, data)
                done = self._work(
                    data.train, data.score, settings, device, report, run.is_cancelled, **previews
                )
                self._keep(key, done)
        finally:
            with self._lock:
                if self._runs.get(key) is run:
                    del self._runs[key]
                afterwards, self._afterwards = self._afterwards, None
            if afterwards is not None:
                self.start(afterwards, _AFTERWARDS_S, alone=True)
        return done

    def _previewed(self, run: _Run, key: Key, data: Loaded) -> dict[str, Any]:
        """How `analyse` is asked for previews of long work: from where it was cancelled, if it was."""
        if run.expected <= PREVIEWED_S:
            return {}
        _, settings, device = key
        first = quick_settings(*_shape(data), settings, device)

        def show(preview: Analysis) -> None:
            run.show(preview)
            if preview.settings == settings:
                with self._lock:
                    self._previews[key] = preview

        with self._lock:
            return {"on_preview": show, "first": first, "so_far": self._previews.get(key)}

    def _expected(self, key: Key, data: Loaded) -> float:
        """Seconds: what was estimated, or else what two ordinary cores would take."""
        with self._lock:
            known = self._estimates.get(key)
        if known is None or not known.done() or known.cancelled() or known.exception() is not None:
            return rough_seconds(*_shape(data), key[1], _scored(data))
        return known.result().seconds

    def _keep(self, key: Key, done: Analysis) -> None:
        with self._lock:
            self._previews.pop(key, None)
            self._results[key] = done
            while len(self._results) > 1 and _bytes_behind(self._results) > _MOST_BYTES:
                self._results.popitem()


def _shape(data: Loaded) -> tuple[int, int]:
    rows, dimensions = data.train.features.shape
    return rows, dimensions


def _scored(data: Loaded) -> int:
    return 0 if data.score is None else len(data.score)


def _estimate(key: Key, data: Loaded) -> Estimate:
    _, settings, device = key
    try:
        return estimate(*_shape(data), settings, device, _scored(data))
    except Exception:
        logger.exception("no estimate for %s on %s", settings, device)
        raise


def _bytes_behind(results: Mapping[Key, Analysis]) -> int:
    """Memory of these analyses; those of one data source share its rows."""
    sources = {key[0]: analysis for key, analysis in results.items()}
    rows = sum(_bytes_of(a.train) + _bytes_of(a.inspected) for a in sources.values())
    tensors = [tensor for a in results.values() for tensor in a.classifier.state_dict().values()]
    own = [part for a in results.values() for part in vars(a).values() if isinstance(part, np.ndarray)]
    return rows + sum(int(part.nbytes) for part in (*tensors, *own))


def _bytes_of(rows: EmbeddingSet) -> int:
    return rows.features.nbytes + bytes_in_memory(rows.thumbnails)


def _measure(report: OnProgress, cancelled: Callable[[], bool]) -> None:
    def on_progress(stage: str, fraction: float) -> None:
        report(stage, fraction)
        if cancelled():
            raise Cancelled("the server ends")

    measure_speeds(on_progress=on_progress)


@st.cache_resource(show_spinner=False)
def job_board() -> JobBoard:
    """The board that all sessions of this server share."""
    return JobBoard(afterwards=_measure)
