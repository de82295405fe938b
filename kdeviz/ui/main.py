"""The frame around every page: sidebar, navigation, and the fit that keeps the last good result on screen."""

from __future__ import annotations

import argparse
import base64
import logging
import sys
from concurrent.futures import CancelledError, Future, wait
from io import BytesIO
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from kdeviz.analysis import Analysis, Estimate, analyse
from kdeviz.calibration import ProbabilityCurve, ThresholdRule
from kdeviz.errors import Cancelled, KdevizError
from kdeviz.settings import Settings
from kdeviz.ui import explore, export_page, preflight_panel, sidebar
from kdeviz.ui.jobs import Job, Key, job_board
from kdeviz.ui.loaded import from_path, sample
from kdeviz.ui.mark_books import book_of
from kdeviz.ui.state import Screen, Session, session
from kdeviz.ui.text import plain_error, plain_warning
from kdeviz.wording import duration, size

__all__ = ["main"]

logger = logging.getLogger(__name__)

# Below this a change of settings is applied at once.
_LIVE_SECONDS = 1.0
# How long a rerun waits for an estimate, and for a live fit, before it shows progress instead.
_PATIENCE_SECONDS = 1.5
_POLL_SECONDS = 1.0
_SAMPLE_KEY: Key = ("sample", Settings(), "cpu")


def main() -> None:
    """Draw the app once."""
    st.set_page_config("kdeviz", _icon(), layout="wide")
    st.html(Path(__file__).with_name("style.css"))
    options = _options()
    st.session_state["marks_folder"] = options.marks
    current = session()
    _open_path_once(current, options.file)
    page = st.navigation(
        [
            st.Page(explore.show, title="Explore", icon=":material/explore:", default=True),
            st.Page(export_page.show, title="Export", icon=":material/ios_share:", url_path="export"),
        ],
        position="top",
    )
    with st.sidebar:
        checks = sidebar.data_control(current)
        settings, variance = sidebar.model_control(current)
        rule = sidebar.threshold_control(current)
        with st.expander("Probability curve"):
            curve = sidebar.curve_control(current.screen)
        device, machine = sidebar.device_control(options.device)
        cost = st.empty()
        with checks:
            preflight_panel.checks_button(current, settings.n_pca_components)
    current.wanted = (current.data.token, settings, device)
    preflight_panel.open_on_problems(current, settings.n_pca_components)
    preflight_panel.show_checks(current, settings.n_pca_components)
    with st.container():
        cost.caption(_fit(current))
    _adopt(current, rule, curve)
    if current.screen is not None:
        if current.screen.key == current.wanted:
            variance.caption(sidebar.variance_words(current.screen.analysis))
        _name_other(current, current.screen)
    machine.text(sidebar.device_words(device, current.screen))
    page.run()


@st.cache_data
def _icon() -> str:
    """A bump of density and one sample far from it, as a data URI.

    Drawn here, since named icons are fetched from the network; streamlit forgets its own copy of an image
    for a moment when reruns follow closely.
    """
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    bump = np.exp(-4 * ((x + 0.25) ** 2 + (y - 0.25) ** 2))
    far = (x - 0.65) ** 2 + (y + 0.65) ** 2 < 0.05
    blue, vermilion = np.array([0, 114, 178]), np.array([213, 94, 0])
    colour = np.where(far[..., None], vermilion, blue)
    alpha = np.where(far, 1, bump) * 255
    file = BytesIO()
    Image.fromarray(np.dstack([colour, alpha]).astype(np.uint8)).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--marks")
    return parser.parse_known_args(sys.argv[1:])[0]


def _open_path_once(current: Session, path: str | None) -> None:
    if path is None or "opened" in st.session_state:
        return
    st.session_state["opened"] = True
    try:
        current.use(from_path(path))
    except KdevizError as error:
        current.load_error = str(error)


def _fit(current: Session) -> str:
    """Get the wanted analysis: at once when it is quick, else when asked for, in the background.

    Returns:
        What it is expected to cost, and did cost, in words.
    """
    assert current.wanted is not None
    key = current.wanted
    if current.job is not None and current.job.key != key:
        current.job.cancel()
        current.job = None
    missing = _finished(current, key) is None and current.job is None and not current.has_failed(key)
    cost = _cost(current, key, missing)
    live = cost is not None and cost.seconds < _LIVE_SECONDS
    if missing and (live or _asked_for(cost)):
        current.job = job_board().submit(key, current.data)
        _collect(current, current.job, _PATIENCE_SECONDS if live else 0)
    if current.job is not None:
        _progress()
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
        _await(pending)
    return pending.result() if pending.done() and pending.exception() is None else None


@st.fragment(run_every=_POLL_SECONDS)
def _await(pending: Future[Estimate]) -> None:
    st.caption("Waiting for the processor, to estimate what this fit takes …")
    if pending.done():
        st.rerun()


def _finished(current: Session, key: Key) -> Analysis | None:
    """This analysis, if it is on the screen or still kept."""
    if current.screen is not None and current.screen.key == key:
        return current.screen.fitted
    return job_board().result(key)


def _asked_for(cost: Estimate | None) -> bool:
    """The button of a fit that takes too long, or nobody knows how long, to run unasked."""
    place = st.empty()
    label = "Fit" if cost is None else f"Fit · about {duration(cost.seconds)}"
    pressed = place.button(label, type="primary", icon=":material/play_arrow:", key="fit")
    if pressed:
        place.empty()
    return pressed


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
    except KdevizError as error:
        current.failed = (job.key, str(error))
    except Exception as error:
        logger.exception("an analysis failed")
        current.failed = (job.key, f"Unexpected: {type(error).__name__}: {error}")


@st.fragment(run_every=_POLL_SECONDS)
def _progress() -> None:
    current = session()
    job = current.job
    if job is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        stopping = job.is_cancelled()
        st.progress(job.fraction, text="Cancelling …" if stopping else job.stage)
        st.button("Cancel", icon=":material/stop_circle:", on_click=job.cancel, disabled=stopping)
    _collect(current, job, 0)
    if current.job is None:
        st.rerun()


def _failure(current: Session) -> None:
    assert current.failed is not None
    plain_error("The fit did not finish", current.failed[1])
    st.button("Try again", icon=":material/refresh:", on_click=current.forget_failure)


def _adopt(current: Session, rule: ThresholdRule, curve: ProbabilityCurve) -> None:
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
        threshold = rule.threshold(analysis.train_scores, analysis.scores, analysis.inspected.labels, curve)
    except KdevizError as error:
        plain_error("This threshold rule cannot be used here", str(error))
        rule = ThresholdRule()
        threshold = rule.threshold(analysis.train_scores, analysis.scores)
    last = current.screen
    if last is not None and last.data is not data:
        current.select(None)
        current.pick(None)
    # Asking the model takes as long as preparing it for scoring.
    kernel = last.kernel if last is not None and last.fitted is fitted else fitted.classifier.kernel
    current.screen = Screen(key, data, analysis, kernel, rule, threshold, curve, fitted)


@st.cache_resource(show_spinner=False)
def _sample_analysis() -> Analysis:
    """The screen while nothing better is known: nobody meets an empty page."""
    shown = sample()
    return analyse(shown.train, shown.score, _SAMPLE_KEY[1], _SAMPLE_KEY[2])


def _name_other(current: Session, screen: Screen) -> None:
    """Say so when the screen is not about the present data and settings."""
    if screen.key == current.wanted:
        return
    settings = screen.analysis.settings
    plain_warning(
        f"Still showing the last finished fit: {screen.data.everything.name}, "
        f"{settings.n_pca_components} components, {settings.feature_scaling_method.value}"
    )
