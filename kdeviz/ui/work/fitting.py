"""The fit that the settings ask for: at once or on demand, watched; the last good one stays meanwhile."""

from __future__ import annotations

from concurrent.futures import CancelledError, wait
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import streamlit as st

from kdeviz.analysis import Analysis, Estimate, analyse
from kdeviz.decision import ThresholdRule, decide
from kdeviz.errors import Cancelled, KdevizError
from kdeviz.model import ProbabilityCurve
from kdeviz.settings import Settings
from kdeviz.ui.state import Screen, Session, session
from kdeviz.ui.widgets.progress import show_progress, watch
from kdeviz.ui.widgets.text import failure_words, plain_error
from kdeviz.ui.work.jobs import Job, Key, job_board
from kdeviz.ui.work.loaded import sample
from kdeviz.ui.work.mark_books import book_of
from kdeviz.wording import duration, size

# Below this a change of settings is applied at once.
_LIVE_SECONDS = 1.0
# How long a rerun waits for an estimate, and for a live fit, before it shows progress instead.
_PATIENCE_SECONDS = 1.5
_SAMPLE_KEY: Key = ("sample", Settings(), "cpu")


@dataclass(eq=False)
class Fitting:
    """The work on what is wanted.

    Attributes:
        job: the analysis that is under way.
        failed: the last analysis that failed or was cancelled.
        problem: why.
    """

    job: Job | None = None
    failed: Key | None = None
    problem: str = ""

    def forget_failure(self) -> None:
        """Allow a failed analysis another try."""
        self.failed = None


class Fit(NamedTuple):
    """How far the wanted analysis is."""

    analysis: Analysis | None
    """None as long as it is not there."""
    under_way: bool
    words: str
    """What it is expected to cost, and did cost."""


def fit(current: Session, wanted: Key) -> Fit:
    """Get the wanted analysis: at once when it is quick, else when asked for, in the background."""
    fitting = current.own(Fitting)
    if fitting.job is not None and fitting.job.key != wanted:
        fitting.job.cancel()
        fitting.job = None
    _collect(fitting, 0)
    missing = _finished(current, wanted) is None and fitting.job is None and fitting.failed != wanted
    cost = _cost(current, wanted, missing)
    live = cost is not None and cost.seconds < _LIVE_SECONDS
    if missing and live:
        fitting.job = job_board().submit(wanted, current.data)
        _collect(fitting, _PATIENCE_SECONDS)
    if fitting.job is not None:
        _watch_job(fitting.job)
    elif missing and not live:
        _offer(cost, wanted)
    if fitting.failed == wanted:
        plain_error("The fit did not finish", fitting.problem)
        st.button("Try again", icon=":material/refresh:", on_click=fitting.forget_failure)
    done = _finished(current, wanted)
    return Fit(done, fitting.job is not None, _cost_words(cost, done))


def _cost_words(cost: Estimate | None, done: Analysis | None) -> str:
    took = "" if done is None else f" · took {duration(sum(done.timings.values()))}"
    if cost is None:
        return f"No estimate{took}"
    return f"Estimated {duration(cost.seconds)} and {size(cost.bytes)}{took}"


def _cost(current: Session, key: Key, needed: bool) -> Estimate | None:
    """The estimate for this analysis; None if there is none, and then, if needed, watch out for it."""
    pending = job_board().estimate(key, current.data)
    wait([pending], _PATIENCE_SECONDS if needed else 0)
    if needed and not pending.done():
        watch(pending, partial(st.caption, "Waiting for the processor, to estimate what this fit takes …"))
    return pending.result() if pending.done() and pending.exception() is None else None


def _finished(current: Session, key: Key) -> Analysis | None:
    """This analysis, if it is on the screen or still remembered."""
    if current.screen is not None and current.screen.key == key:
        return current.screen.fitted
    return job_board().result(key)


@st.fragment
def _offer(cost: Estimate | None, wanted: Key) -> None:
    """The button of a fit that takes too long, or nobody knows how long, to run unasked.

    A fragment, since pressing it changes nothing else on the page, whose drawing would compete with the fit.
    """
    current, place = session(), st.empty()
    fitting = current.own(Fitting)
    label = "Fit" if cost is None else f"Fit · about {duration(cost.seconds)}"
    pressed = place.button(label, type="primary", icon=":material/play_arrow:", key="fit")
    if pressed and fitting.job is None:
        fitting.job = job_board().submit(wanted, current.data)
    if fitting.job is not None:  # also when it is pressed twice
        place.empty()
        _watch_job(fitting.job, page_drawn=pressed)


def _watch_job(job: Job, page_drawn: bool = False) -> None:
    draw = partial(show_progress, job, "fit")
    watch(job.future, draw, page_drawn=page_drawn, near_the_end=lambda: job.near_the_end)


def _collect(fitting: Fitting, patience: float) -> None:
    """Wait a little for the job; note how it ended, or leave it running."""
    job = fitting.job
    if job is None:
        return
    job.watch()
    wait([job.future], patience)
    # Not what `wait` says: to it a cancelled job is pending until the worker comes to it.
    if not job.future.done():
        return
    fitting.job = None
    try:
        job.future.result()
    except (Cancelled, CancelledError):
        fitting.failed, fitting.problem = job.key, "Cancelled."
    except Exception as error:
        fitting.failed, fitting.problem = job.key, failure_words(error)


def adopt(
    current: Session, wanted: Key, fitting: Fit, rule: ThresholdRule, curve: ProbabilityCurve
) -> Screen | None:
    """The newest good analysis, with the present threshold and curve; None if there is none yet."""
    last = current.screen
    key, data, fitted = wanted, current.data, fitting.analysis
    if fitted is None and last is not None:
        key, data, fitted = last.key, last.data, last.fitted
    elif fitted is None and not fitting.under_way:
        # Nothing to show and nothing to wait for.
        key, data, fitted = _SAMPLE_KEY, sample(), _sample_analysis()
    if fitted is None:
        return None
    analysis = current.relabelled(fitted, book_of(data))
    try:
        decision = decide(analysis, rule, curve)
    except KdevizError as error:
        plain_error("This threshold rule cannot be used here", str(error))
        decision = decide(analysis, ThresholdRule(), curve)
    # Asking the model takes as long as preparing it for scoring.
    kernel = last.kernel if last is not None and last.fitted is fitted else fitted.classifier.kernel
    return Screen(key, data, decision, kernel, fitted)


@st.cache_resource(show_spinner=False)
def _sample_analysis() -> Analysis:
    """The screen while nothing better is known: nobody meets an empty page."""
    shown = sample()
    return analyse(shown.train, shown.score, _SAMPLE_KEY[1], _SAMPLE_KEY[2])
