"""The work of all sessions: analyses, whose results are shared, and whatever takes longer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from threading import Lock
from typing import TypeVar

import cachetools
import numpy as np
import streamlit as st

from kdeviz.analysis import Analysis, Estimate, OnProgress, analyse, estimate
from kdeviz.data import EmbeddingSet
from kdeviz.settings import Settings
from kdeviz.ui.work.loaded import Loaded
from kdeviz.ui.work.tasks import Task, Workers

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Key = tuple[str, Settings, str]
"""Data token, settings, device."""
Work = Callable[[OnProgress, Callable[[], bool]], Result]
"""Given a function to report progress to and one to ask whether to stop."""

_MOST_RESULTS = 12
_MOST_BYTES = 1e9
_MOST_ESTIMATES = 1000


class Job(Task[Analysis]):
    """One analysis."""

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key


class JobBoard:
    """The queue, and the latest analyses for every session."""

    def __init__(self, work: Callable[..., Analysis] = analyse) -> None:
        self._work = work
        self._workers = Workers()
        self._results: cachetools.LRUCache[Key, Analysis] = cachetools.LRUCache(_MOST_RESULTS)
        self._estimates: cachetools.LRUCache[Key, Future[Estimate]] = cachetools.LRUCache(_MOST_ESTIMATES)
        self._lock = Lock()

    def result(self, key: Key) -> Analysis | None:
        """A finished analysis, if it is still cached."""
        with self._lock:
            return self._results.get(key)

    def submit(self, key: Key, data: Loaded) -> Job:
        """Queue an analysis."""
        job = Job(key)
        job.future = self._workers.short(partial(self._run, job, data))
        return job

    def start(self, work: Work[Result]) -> Task[Result]:
        """Queue work that somebody waits for."""
        return _started(self._workers.short, work)

    def start_long(self, work: Work[Result]) -> Task[Result]:
        """Queue work that takes long; at every report of progress it lets all other work go first."""
        return _started(self._workers.long, work, self._workers.give_way)

    def start_aside(self, work: Work[Result]) -> Task[Result]:
        """Do what mostly waits for another machine, beside everything else."""
        return _started(self._workers.aside, work)

    def estimate(self, key: Key, data: Loaded) -> Future[Estimate]:
        """What an analysis will cost. Measured on the worker: beside a running job it would be wrong."""
        with self._lock:
            if key not in self._estimates:
                self._estimates[key] = self._workers.short(partial(_estimate, key, data))
            return self._estimates[key]

    def _run(self, job: Job, data: Loaded) -> Analysis:
        _, settings, device = job.key
        done = self.result(job.key)
        if done is None:
            done = self._work(data.train, data.score, settings, device, job.report, job.is_cancelled)
            with self._lock:
                self._results[job.key] = done
                while len(self._results) > 1 and _bytes_behind(self._results) > _MOST_BYTES:
                    self._results.popitem()
        return done


def _started(
    queue: Callable[[Callable[[], Result]], Future[Result]],
    work: Work[Result],
    on_report: Callable[[], None] | None = None,
) -> Task[Result]:
    task: Task[Result] = Task()

    def report(stage: str, fraction: float) -> None:
        task.report(stage, fraction)
        if on_report is not None:
            on_report()

    task.future = queue(partial(work, report, task.is_cancelled))
    return task


def _estimate(key: Key, data: Loaded) -> Estimate:
    _, settings, device = key
    rows, dimensions = data.train.features.shape
    scored = 0 if data.score is None else len(data.score)
    try:
        return estimate(rows, dimensions, settings, device, scored)
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
    return rows.features.nbytes + sum(map(len, rows.thumbnails or ()))


@st.cache_resource(show_spinner=False)
def job_board() -> JobBoard:
    """The board that all sessions of this server share."""
    return JobBoard()
