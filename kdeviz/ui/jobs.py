"""Analyses run on one background thread, so that they can be watched, cancelled and shared."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock

import streamlit as st

from kdeviz.analysis import Analysis, analyse
from kdeviz.settings import Settings
from kdeviz.ui.loaded import Loaded

__all__ = ["Job", "JobBoard", "Key", "job_board"]

Key = tuple[str, Settings, str]
"""Data token, settings, device."""

_KEPT_RESULTS = 12
# A job that no page has asked after for this long belongs to a closed tab.
_ABANDONED_AFTER_S = 300.0


class Job:
    """One analysis that is queued, running or done."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.stage = "Waiting for the processor"
        self.fraction = 0.0
        self.future: Future[Analysis]
        self._cancel = Event()
        self._last_watched = time.monotonic()

    def watch(self) -> None:
        """Say that somebody still waits for this."""
        self._last_watched = time.monotonic()

    def cancel(self) -> None:
        """Stop within one block; a queued job never starts."""
        self._cancel.set()
        self.future.cancel()

    def is_cancelled(self) -> bool:
        """Whether to stop: cancelled, or abandoned."""
        return self._cancel.is_set() or time.monotonic() - self._last_watched > _ABANDONED_AFTER_S

    def report(self, stage: str, fraction: float) -> None:
        """Progress, from the worker thread."""
        self.stage, self.fraction = stage, fraction


class JobBoard:
    """A queue with one worker, and the latest results for every session."""

    def __init__(self, work: Callable[..., Analysis] = analyse) -> None:
        self._work = work
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kdeviz")
        self._results: OrderedDict[Key, Analysis] = OrderedDict()
        self._lock = Lock()

    def result(self, key: Key) -> Analysis | None:
        """A finished analysis, if it is still kept."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
            return self._results.get(key)

    def submit(self, key: Key, data: Loaded) -> Job:
        """Queue an analysis."""
        job = Job(key)
        job.future = self._executor.submit(self._run, job, data)
        return job

    def _run(self, job: Job, data: Loaded) -> Analysis:
        _, settings, device = job.key
        done = self.result(job.key)
        if done is None:
            done = self._work(data.train, data.score, settings, device, job.report, job.is_cancelled)
            with self._lock:
                self._results[job.key] = done
                while len(self._results) > _KEPT_RESULTS:
                    self._results.popitem(last=False)
        return done


@st.cache_resource(show_spinner=False)
def job_board() -> JobBoard:
    """The board that all sessions of this server share."""
    return JobBoard()
