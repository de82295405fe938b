"""The fit that the settings ask for: at once or on demand, watched; the last good one stays meanwhile."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future, wait
from threading import Event

import streamlit as st

from kdeviz.analysis import Analysis, Estimate, analyse
from kdeviz.decision import ThresholdRule, decide
from kdeviz.errors import Cancelled, KdevizError
from kdeviz.model import ProbabilityCurve
from kdeviz.settings import Settings
from kdeviz.ui.state import Screen, Session, session
from kdeviz.ui.widgets.progress import POLL_SECONDS, follow, redraw_at_end
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


def fit(current: Session) -> str:
    """Get the wanted analysis: at once when it is quick, else when asked for, in the background.

    Returns:
        What it is expected to cost, and did cost, in words.
    """
    assert current.wanted is not None
    key = current.wanted
    if current.job is not None and current.job.key != key:
        current.job.cancel()
        current.job = None
    if current.job is not None:
        _collect(current, current.job, 0)
    missing = _finished(current, key) is None and current.job is None and not current.has_failed(key)
    cost = _cost(current, key, missing)
    live = cost is not None and cost.seconds < _LIVE_SECONDS
    if missing and live:
        current.job = job_board().submit(key, current.data)
        _collect(current, current.job, _PATIENCE_SECONDS)
    if current.job is not None:
        _progress(Event())
    elif missing and not live:
        _offer(cost)
    if current.has_failed(key):
        _failure(current)
    done = _finished(current, key)
    took = "" if done is None else f" · took {duration(sum(done.timings.values()))}"
    if cost is None:
        return f"No estimate{took}"
    return f"Estimated {duration(cost.seconds)} and {size(cost.bytes)}{took}"


def _cost(current: Session, key: Key, needed: bool) -> Estimate | None:
    """The estimate for this analysis; None if there is none, and then, if needed, watch out for it."""
    pending = job_board().estimate(key, current.data)
    wait([pending], _PATIENCE_SECONDS if needed else 0)
    if needed and not pending.done():
        _await(pending, Event())
    return pending.result() if pending.done() and pending.exception() is None else None


@st.fragment(run_every=POLL_SECONDS)
def _await(pending: Future[Estimate], drawn: Event) -> None:
    st.caption("Waiting for the processor, to estimate what this fit takes …")
    redraw_at_end(pending, drawn)


def _finished(current: Session, key: Key) -> Analysis | None:
    """This analysis, if it is on the screen or still kept."""
    if current.screen is not None and current.screen.key == key:
        return current.screen.fitted
    return job_board().result(key)


@st.fragment
def _offer(cost: Estimate | None) -> None:
    """The button of a fit that takes too long, or nobody knows how long, to run unasked.

    A fragment, since pressing it changes nothing else on the page, whose drawing would compete with the fit.
    """
    current, place = session(), st.empty()
    assert current.wanted is not None
    label = "Fit" if cost is None else f"Fit · about {duration(cost.seconds)}"
    pressed = place.button(label, type="primary", icon=":material/play_arrow:", key="fit")
    if pressed and current.job is None:
        current.job = job_board().submit(current.wanted, current.data)
    if current.job is not None:  # also when it is pressed twice
        place.empty()
        _progress(Event())


def _collect(current: Session, job: Job, patience: float) -> None:
    """Wait a little for the job; note how it ended, or leave it running."""
    job.watch()
    wait([job.future], patience)
    # Not what `wait` says: to it a cancelled job is pending until the worker comes to it.
    if not job.future.done():
        return
    current.job = None
    try:
        job.future.result()
    except (Cancelled, CancelledError):
        current.failed = (job.key, "Cancelled.")
    except Exception as error:
        current.failed = (job.key, failure_words(error))


@st.fragment(run_every=POLL_SECONDS)
def _progress(drawn: Event) -> None:
    job = session().job
    if job is not None:
        follow(job, "fit", drawn)


def _failure(current: Session) -> None:
    assert current.failed is not None
    plain_error("The fit did not finish", current.failed[1])
    st.button("Try again", icon=":material/refresh:", on_click=current.forget_failure)


def adopt(current: Session, rule: ThresholdRule, curve: ProbabilityCurve) -> None:
    """Make the newest good analysis the screen, with the present threshold and curve."""
    assert current.wanted is not None
    key, data, fitted = current.wanted, current.data, _finished(current, current.wanted)
    if fitted is None and current.screen is not None:
        key, data, fitted = current.screen.key, current.screen.data, current.screen.fitted
    elif fitted is None and current.job is None:
        # Nothing to show and nothing to wait for.
        key, data, fitted = _SAMPLE_KEY, sample(), _sample_analysis()
    if fitted is None:
        return
    analysis = current.relabelled(fitted, book_of(data))
    try:
        decision = decide(analysis, rule, curve)
    except KdevizError as error:
        plain_error("This threshold rule cannot be used here", str(error))
        decision = decide(analysis, ThresholdRule(), curve)
    last = current.screen
    if last is not None and last.data is not data:
        current.select(None)
        current.pick(None)
    # Asking the model takes as long as preparing it for scoring.
    kernel = last.kernel if last is not None and last.fitted is fitted else fitted.classifier.kernel
    current.screen = Screen(key, data, decision, kernel, fitted)


@st.cache_resource(show_spinner=False)
def _sample_analysis() -> Analysis:
    """The screen while nothing better is known: nobody meets an empty page."""
    shown = sample()
    return analyse(shown.train, shown.score, _SAMPLE_KEY[1], _SAMPLE_KEY[2])
