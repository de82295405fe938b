"""The fit that the settings ask for: at once or on demand, watched; the last good one stays meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, wait
from dataclasses import dataclass
from functools import partial, wraps
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kdeviz.analysis import Analysis, Estimate
from kdeviz.decision import ThresholdRule, decide
from kdeviz.errors import Cancelled, KdevizError
from kdeviz.model import ProbabilityCurve
from kdeviz.ui.state import Screen, Session, session
from kdeviz.ui.widgets.progress import show_progress, watch
from kdeviz.ui.widgets.text import failure_words, plain_error
from kdeviz.ui.work.jobs import PREVIEWED_S, Job, Key, job_board
from kdeviz.ui.work.mark_books import book_of
from kdeviz.wording import duration, size

# Below this a change of settings is applied at once.
_LIVE_SECONDS = 1.0
# How long a rerun waits for an estimate, and for a live fit, before it shows progress instead.
_PATIENCE_SECONDS = 1.5
_CANCELLED = "Cancelled."


@dataclass(eq=False)
class Fitting:
    """The work on what is wanted.

    Attributes:
        job: the analysis that is under way.
        failed: the last analysis that failed or was cancelled.
        problem: why.
        asked: the analysis that somebody wants to be started again.
        preview: the newest preview of the one that is or was under way, and of which that is.
    """

    job: Job | None = None
    failed: Key | None = None
    problem: str = ""
    asked: Key | None = None
    preview: tuple[Key, Analysis] | None = None

    def try_again(self) -> None:
        """Start what failed or was cancelled once more."""
        self.asked, self.failed = self.failed, None

    def preview_of(self, key: Key) -> Analysis | None:
        """The newest preview of this analysis."""
        if self.job is not None and self.job.preview is not None:
            self.preview = self.job.key, self.job.preview
        return self.preview[1] if self.preview is not None and self.preview[0] == key else None


class Fit(NamedTuple):
    """How far the wanted analysis is."""

    analysis: Analysis | None
    """It, or else a preview of it; None as long as there is neither."""
    words: str
    """What it is expected to cost, and did cost."""


def fit(current: Session, wanted: Key) -> Fit:
    """Get the wanted analysis: at once when it is quick, else when asked for, in the background.

    Of data that are not on the screen yet it is not waited for that somebody asks.
    """
    fitting = current.own(Fitting)
    if fitting.job is not None and fitting.job.key != wanted:
        fitting.job.cancel()
        fitting.job = None
    _collect(fitting, 0)
    missing = _finished(current, wanted) is None and fitting.job is None and fitting.failed != wanted
    wished = current.screen is None or fitting.asked == wanted
    if missing and wished:  # before an estimate, which would have to measure first
        fitting.asked, fitting.job = None, job_board().submit(wanted, current.data)
    cost = _cost(current, wanted, missing and not wished)
    live = cost is not None and cost.seconds < _LIVE_SECONDS
    if missing and live and not wished:
        fitting.job = job_board().submit(wanted, current.data)
    if missing and fitting.job is not None:
        soon = live or (cost is None and fitting.job.expected < PREVIEWED_S)
        _collect(fitting, _PATIENCE_SECONDS if soon else 0)
    preview = fitting.preview_of(wanted)
    if fitting.job is not None:
        _watch_job(fitting.job, st.empty())
    elif fitting.failed == wanted:
        _say_unfinished(fitting, preview)
    elif missing and not live and not wished:
        _offer(cost, wanted)
    done = _finished(current, wanted)
    return Fit(done or preview, _cost_words(cost, done))


def _say_unfinished(fitting: Fitting, preview: Analysis | None) -> None:
    """What was cancelled or went wrong, and a way to try again; from a preview, to go on."""
    if preview is None or preview.preview is None or fitting.problem != _CANCELLED:
        plain_error("The fit did not finish", fitting.problem)
        st.button("Try again", icon=":material/refresh:", on_click=fitting.try_again)
        return
    with st.container(horizontal=True, vertical_alignment="center", key="stopped"):
        st.markdown(f"Stopped: the preview of {preview.preview.words} stays.", width="content")
        st.button(
            "Go on", icon=":material/play_arrow:", on_click=fitting.try_again, key="go_on", type="primary"
        )


def awaits_picture(current: Session) -> bool:
    """Whether nothing of these data is on the screen, and something will be."""
    return current.screen is None and current.own(Fitting).failed is None


def _cost_words(cost: Estimate | None, done: Analysis | None) -> str:
    took = "" if done is None else f"took {duration(sum(done.timings.values()))}"
    if cost is None:
        return took.capitalize()
    return " · ".join(filter(None, [f"Estimated {duration(cost.seconds)} and {size(cost.bytes)}", took]))


def _cost(current: Session, key: Key, needed: bool) -> Estimate | None:
    """The estimate for this analysis; None if there is none, and then, if needed, watch out for it.

    One that is not needed is not measured for: whoever waits for a fit would have to wait for that first.
    """
    pending = job_board().estimate(key, current.data, only_known=not needed)
    if pending is None:
        return None
    wait([pending], _PATIENCE_SECONDS if needed else 0)
    if needed and not pending.done():
        watch(pending, partial(st.caption, "Waiting for the processor, to estimate what this fit takes …"))
    return pending.result() if pending.done() and pending.exception() is None else None


def _finished(current: Session, key: Key) -> Analysis | None:
    """This analysis, if it is on the screen or still remembered."""
    screen = current.screen
    if screen is not None and screen.key == key and screen.preview is None:
        return screen.fitted
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
        _watch_job(fitting.job, place, page_drawn=pressed)


def _watch_job(job: Job, place: DeltaGenerator, page_drawn: bool = False) -> None:
    """Show how far the job is, in the place of what started it: else a new run would show it twice."""
    draw, shown = partial(show_progress, job, "fit"), job.preview
    with place.container():
        watch(
            job.future,
            draw,
            page_drawn=page_drawn,
            near_the_end=lambda: job.near_the_end or job.preview is None,  # the first picture is near
            changed=lambda: job.preview is not shown,
        )


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
        fitting.failed, fitting.problem = job.key, _CANCELLED
    except Exception as error:
        fitting.failed, fitting.problem = job.key, failure_words(error)


def adopt(
    current: Session, wanted: Key, fitting: Fit, rule: ThresholdRule, curve: ProbabilityCurve
) -> Screen | None:
    """The newest good analysis, with the present threshold and curve; None if there is none of these data."""
    last = current.screen
    key, data, fitted = wanted, current.data, fitting.analysis
    if fitted is None and last is not None:
        key, data, fitted = last.key, last.data, last.fitted
    if fitted is None:
        return None
    analysis = current.relabelled(fitted, book_of(data))
    try:
        decision = decide(analysis, rule, curve)
    except KdevizError as error:
        if fitted.preview is None:
            plain_error("This threshold rule cannot be used here", str(error))
        else:
            st.caption(f"Until all rows are scored, the usual threshold is used: {error}.")
        decision = decide(analysis, ThresholdRule(), curve)
    # Asking the model takes as long as preparing it for scoring.
    kernel = last.kernel if last is not None and last.fitted is fitted else fitted.classifier.kernel
    return Screen(key, data, decision, kernel, fitted)


def with_all_scores(draw: Callable[[Session, Screen], None]) -> Callable[[], None]:
    """A page that needs them all; as long as they are not there, it says so."""

    @wraps(draw)
    def show() -> None:
        current = session()
        screen = current.screen
        if screen is None:
            say_nothing_yet(current)
        elif screen.preview is not None:
            st.info(
                f"Only {screen.preview.words} are scored. This page needs them all, and comes when they are.",
                icon=":material/hourglass_top:",
            )
        else:
            draw(current, screen)

    return show


def say_nothing_yet(current: Session) -> bool:
    """In place of a page without a screen; whether it is worth waiting for one."""
    waits = current.own(Fitting).job is not None
    if waits:
        st.info("The first fit is under way.", icon=":material/hourglass_top:")
    else:
        st.info("There is nothing to show of these data: they are not fitted yet.", icon=":material/info:")
    return waits
