"""The frame around every page: sidebar, navigation, and the fit that keeps the last good result on screen."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as StillRunning
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from kdeviz.analysis import Estimate, estimate
from kdeviz.calibration import ProbabilityCurve, ThresholdRule
from kdeviz.errors import Cancelled, KdevizError
from kdeviz.ui import explore, export_page, sidebar
from kdeviz.ui.jobs import Job, job_board
from kdeviz.ui.loaded import from_path
from kdeviz.ui.state import Screen, Session, session
from kdeviz.ui.text import plain_error
from kdeviz.wording import duration, size

__all__ = ["main"]

# Below this a change of settings is applied at once.
_LIVE_SECONDS = 1.0
# How long a rerun waits for a live fit before it shows progress instead.
_PATIENCE_SECONDS = 1.5
_POLL_SECONDS = 0.3


def main() -> None:
    """Draw the app once."""
    st.set_page_config("kdeviz", _icon(), layout="wide")
    st.html(Path(__file__).with_name("style.css"))
    options = _options()
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
        sidebar.data_control(current)
        settings, variance = sidebar.model_control(current)
        rule = sidebar.threshold_control(current)
        with st.expander("Probability curve"):
            curve = sidebar.curve_control()
        device = sidebar.device_control(options.device)
        cost = st.empty()
    current.wanted = (current.data.token, settings, device)
    with st.container():
        cost.caption(_fit(current))
    _adopt(current, rule, curve)
    if current.screen is not None:
        variance.caption(sidebar.variance_words(current.screen.analysis))
    page.run()


@st.cache_data
def _icon() -> Image.Image:
    """A bump of density and one sample far from it. Drawn here: named icons are fetched from the network."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    bump = np.exp(-4 * ((x + 0.25) ** 2 + (y - 0.25) ** 2))
    far = (x - 0.65) ** 2 + (y + 0.65) ** 2 < 0.05
    blue, vermilion = np.array([0, 114, 178]), np.array([213, 94, 0])
    colour = np.where(far[..., None], vermilion, blue)
    alpha = np.where(far, 1, bump) * 255
    return Image.fromarray(np.dstack([colour, alpha]).astype(np.uint8))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?")
    parser.add_argument("--device", default="auto")
    return parser.parse_known_args(sys.argv[1:])[0]


def _open_path_once(current: Session, path: str | None) -> None:
    if path is None or "opened" in st.session_state:
        return
    st.session_state["opened"] = True
    try:
        current.use(from_path(path))
    except KdevizError as error:
        plain_error("The file given on the command line could not be loaded", str(error))


def _fit(current: Session) -> str:
    """Get the wanted analysis: at once when it is quick, else when asked for, in the background.

    Returns:
        What it is expected to cost, and did cost, in words.
    """
    assert current.wanted is not None
    key, data = current.wanted, current.data
    rows, dimensions = data.train.features.shape
    scored = 0 if data.score is None else len(data.score)
    cost = estimate(rows, dimensions, key[1], key[2], scored)
    if current.job is not None and current.job.key != key:
        current.job.cancel()
        current.job = None
    missing = job_board().result(key) is None and current.job is None and not current.has_failed(key)
    if missing and (cost.seconds < _LIVE_SECONDS or _asked_for(cost)):
        current.job = job_board().submit(key, data)
        _collect(current, current.job, _PATIENCE_SECONDS)
    if current.job is not None:
        _progress()
    if current.has_failed(key):
        _failure(current)
    done = job_board().result(key)
    took = "" if done is None else f" · took {duration(sum(done.timings.values()))}"
    return f"Estimated {duration(cost.seconds)} and {size(cost.bytes)}{took}"


def _asked_for(cost: Estimate) -> bool:
    """The button of a fit that takes too long to run unasked."""
    place = st.empty()
    label = f"Fit · about {duration(cost.seconds)}"
    pressed = place.button(label, type="primary", icon=":material/play_arrow:")
    if pressed:
        place.empty()
    return pressed


def _collect(current: Session, job: Job, patience: float) -> None:
    """Wait a little for the job; note how it ended, or leave it running."""
    job.watch()
    try:
        job.future.result(patience)
    except StillRunning:
        return
    except (Cancelled, CancelledError):
        current.failed = (job.key, "Cancelled.")
    except KdevizError as error:
        current.failed = (job.key, str(error))
    current.job = None


@st.fragment(run_every=_POLL_SECONDS)
def _progress() -> None:
    current = session()
    job = current.job
    if job is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.fraction, text=job.stage)
        st.button("Cancel", icon=":material/stop_circle:", on_click=job.cancel)
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
    key, data, analysis = current.wanted, current.data, job_board().result(current.wanted)
    if analysis is None:
        if current.screen is None:
            return
        key, data, analysis = current.screen.key, current.screen.data, current.screen.analysis
    try:
        threshold = rule.threshold(analysis.train_scores, analysis.scores, analysis.inspected.labels, curve)
    except KdevizError as error:
        plain_error("This threshold rule cannot be used here", str(error))
        rule = ThresholdRule()
        threshold = rule.threshold(analysis.train_scores, analysis.scores)
    if current.screen is not None and current.screen.data is not data:
        current.picked, current.region = None, None
    current.screen = Screen(key, data, analysis, rule, threshold, curve)
