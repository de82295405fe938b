"""Would the same samples come out again? Repeats over seeds, caps and resampled training rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import streamlit as st

from kdeviz import charts
from kdeviz.analysis import OnProgress
from kdeviz.data import EmbeddingSet
from kdeviz.settings import Settings, name_of
from kdeviz.sweep import BOOTSTRAP, Stability, stability
from kdeviz.ui.state import Screen, Session, session, theme
from kdeviz.ui.widgets.help import HELP
from kdeviz.ui.widgets.plots import clicked_number, show_figure
from kdeviz.ui.widgets.progress import show_progress, watch
from kdeviz.ui.widgets.text import failure_words, plain_error, plain_warning
from kdeviz.ui.work.jobs import job_board
from kdeviz.ui.work.tasks import Task
from kdeviz.wording import capital, count, percent


class StabilityRun(NamedTuple):
    """Repeats of one fit in the background."""

    token: str
    """Of the data, as in `Loaded`."""
    settings: Settings
    inspected: EmbeddingSet
    task: Task[Stability]


@dataclass(eq=False)
class Repeated:
    """The last check."""

    run: StabilityRun | None = None


def finished_stability(current: Session, screen: Screen) -> Stability | None:
    """What came of the last check, if it was about the screen."""
    run = current.own(Repeated).run
    if run is None or run.task.running or run.task.future.cancelled() or run.task.future.exception():
        return None
    result = run.task.result()
    same = result is not None and (run.token, result.settings) == (screen.key[0], screen.analysis.settings)
    return result if same else None


def show_stability(current: Session, screen: Screen) -> None:
    """Draw what to repeat, and what came of it."""
    run = current.own(Repeated).run
    running = run is not None and run.task.running
    top, repeats, start, text = st.columns([0.8, 0.8, 1, 3], vertical_alignment="bottom")
    with top:
        scored = len(screen.analysis.scores)
        most = min(200, max(scored - 1, 1))
        k = st.number_input("Top samples", 1, most, usual_top(screen), help=HELP["top"])
    with repeats:
        often = st.number_input("Repeats", 2, 100, 10, help=HELP["repeats"])
    with start:
        st.button(
            "Repeat the fit",
            type="primary",
            icon=":material/replay:",
            disabled=running,
            on_click=_start,
            args=(screen, k, often),
            width="stretch",
        )
    with text:
        st.caption(
            f"Fits {name_of(screen.analysis.settings)} again: on resampled training samples, with other "
            "seeds where the cap leaves samples out, and with smaller caps."
        )
    if run is None:
        st.info(
            "Nothing was repeated yet. Press “Repeat the fit” to see how often each of the most anomalous "
            "samples comes back, and how few training samples find the same ones.",
            icon=":material/info:",
        )
        return
    if running:
        watch(run.task.future, partial(show_progress, run.task, "stability"))
    else:
        _outcome(run, screen)


def _start(screen: Screen, top: int, repeats: int) -> None:
    session().own(Repeated).run = begin(screen, top, repeats)


def usual_top(screen: Screen) -> int:
    """How many of the most anomalous samples to follow, if nobody says."""
    return min(20, max(len(screen.analysis.scores) // 10, 1))


def begin(screen: Screen, top: int, repeats: int, caps: tuple[int, ...] | None = None) -> StabilityRun:
    """Repeat the fit of the screen in the background; see `stability`."""
    analysis = screen.analysis

    def work(report: OnProgress, cancelled: Callable[[], bool]) -> Stability:
        return stability(
            analysis.train,
            analysis.scored,
            analysis.settings,
            top,
            repeats,
            caps,
            screen.key[2],
            report,
            cancelled,
        )

    task = job_board().start(work)
    return StabilityRun(screen.key[0], analysis.settings, analysis.inspected, task)


def _outcome(run: StabilityRun, screen: Screen) -> None:
    try:
        result = run.task.result()
    except Exception as error:
        plain_error("The check did not finish", failure_words(error))
        return
    if result is None:
        plain_warning("Cancelled.")
        return
    if (run.token, result.settings) != (screen.key[0], screen.analysis.settings):
        plain_warning(f"This was for {name_of(result.settings)} on {run.inspected.name}.")
    if result.unseen:
        plain_warning(f"Nothing can be seen here: {result.unseen}.")
        return
    for repeats in result.repeats:
        if repeats.source == BOOTSTRAP:
            share, (low, high) = percent(repeats.found.value), map(percent, repeats.found.interval)
            st.markdown(
                f"On average **{share}** ({low} to {high}) of the {count(len(result.top))} most anomalous "
                "samples come back when the training samples are drawn anew; by chance alone "
                f"{percent(result.chance)} would."
            )
    for note in result.notes:
        st.text(f"{capital(note)}.")
    strip = charts.strip(result, run.inspected, theme())
    words = "How often each of the most anomalous samples comes out again"
    show_figure(strip, "strip", words, 270, id(run), partial(_picked, run))
    agreement = charts.agreement(result, theme())
    show_figure(agreement, "agreement", "Agreement with the full fit, by training cap", 340, id(run))


def _picked(run: StabilityRun) -> None:
    """Ring the sample in Explore as well."""
    current, row = session(), clicked_number("strip")
    if row is not None and current.screen is not None and current.screen.key[0] == run.token:
        current.pick(int(row))
