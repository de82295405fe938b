"""Analyses run on one background thread, so that they can be watched, cancelled and shared."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock

import streamlit as st

from kdeviz.analysis import Analysis, Estimate, analyse, estimate
from kdeviz.data import EmbeddingSet
from kdeviz.settings import Settings
from kdeviz.ui.loaded import Loaded

__all__ = ["Job", "JobBoard", "Key", "job_board"]

logger = logging.getLogger(__name__)

Key = tuple[str, Settings, str]
"""Data token, settings, device."""

_KEPT_RESULTS = 12
_KEPT_BYTES = 1e9
_KEPT_ESTIMATES = 1000
# A job that no page has asked after for this long belongs to a closed tab; a hidden one asks each minute.
_ABANDONED_AFTER_S = 75.0


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
        self._estimates: OrderedDict[Key, Future[Estimate]] = OrderedDict()
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

    def estimate(self, key: Key, data: Loaded) -> Future[Estimate]:
        """What an analysis will cost. Measured on the worker: beside a running job it would be wrong."""
        with self._lock:
            if key not in self._estimates:
                self._estimates[key] = self._executor.submit(_estimate, key, data)
                if len(self._estimates) > _KEPT_ESTIMATES:
                    self._estimates.popitem(last=False)
            return self._estimates[key]

    def _run(self, job: Job, data: Loaded) -> Analysis:
        _, settings, device = job.key
        done = self.result(job.key)
        if done is None:
            done = self._work(data.train, data.score, settings, device, job.report, job.is_cancelled)
            with self._lock:
                self._results[job.key] = done
                while len(self._results) > 1 and self._too_many():
                    self._results.popitem(last=False)
        return done

    def _too_many(self) -> bool:
        return len(self._results) > _KEPT_RESULTS or _bytes_behind(self._results) > _KEPT_BYTES


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
    return rows + sum(int(tensor.nbytes) for tensor in tensors)


def _bytes_of(rows: EmbeddingSet) -> int:
    return rows.features.nbytes + sum(map(len, rows.thumbnails or ()))


@st.cache_resource(show_spinner=False)
def job_board() -> JobBoard:
    """The board that all sessions of this server share."""
    return JobBoard()
