"""Would the same samples come out again? Repeats over seeds, caps and resampled training rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import streamlit as st

from kdeviz import charts
from kdeviz.data import EmbeddingSet
from kdeviz.settings import Settings, name_of
from kdeviz.sweep import BOOTSTRAP, Stability, stability
from kdeviz.ui.state import Screen, Session, session, theme
from kdeviz.ui.widgets.help import HELP
from kdeviz.ui.widgets.plots import clicked_number, show_figure
from kdeviz.ui.widgets.progress import outcome, show_progress, watch
from kdeviz.ui.widgets.text import plain_warning
from kdeviz.ui.work.jobs import job_board
from kdeviz.ui.work.tasks import Task
from kdeviz.wording import capital, count, percent

_REPEATS, _LONGEST_S = 10, 20.0


class StabilityRun(NamedTuple):
    """Repeats of one fit in the background."""

    token: str
    """Of the data, as in `Loaded`."""
    settings: Settings
    inspected: EmbeddingSet
    task: Task[Stability]

    def is_about(self, screen: Screen) -> bool:
        """Whether the fit on the screen is the one that is repeated."""
        return (self.token, self.settings) == (screen.key[0], screen.analysis.settings)

    @property
    def found(self) -> Stability | None:
        """What came of it; None while it runs, and where it was cancelled or failed."""
        future = self.task.future
        failed = not future.done() or future.cancelled() or future.exception() is not None
        return None if failed else future.result()


@dataclass(eq=False)
class Repeated:
    """The last check that somebody asked for, and the last that Present began."""

    run: StabilityRun | None = None
    presented: StabilityRun | None = None


def finished_stability(current: Session, screen: Screen) -> Stability | None:
    """What came of the last check that somebody asked for, if it was about the screen."""
    run = current.own(Repeated).run
    return run.found if run is not None and run.is_about(screen) else None


def show_stability(current: Session, screen: Screen) -> None:
    """Draw what to repeat, and what came of it."""
    run = current.own(Repeated).run
    running = run is not None and run.task.running
    top, repeats, start, text = st.columns([0.8, 0.8, 1, 3], vertical_alignment="bottom")
    most = min(200, max(len(screen.analysis.scores) - 1, 1))
    k = top.number_input("Top samples", 1, most, _usual_top(screen), help=HELP["top"])
    often = repeats.number_input("Repeats", 2, 100, 10, help=HELP["repeats"])
    start.button(
        "Repeat the fit",
        type="primary",
        icon=":material/replay:",
        disabled=running,
        on_click=_start,
        args=(screen, k, often),
        width="stretch",
    )
    text.caption(
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
        _show_found(run, screen)


def _start(screen: Screen, top: int, repeats: int) -> None:
    session().own(Repeated).run = _begin(screen, top, repeats)


def _usual_top(screen: Screen) -> int:
    """How many of the most anomalous samples to follow, if nobody says."""
    return min(20, max(len(screen.analysis.scores) // 10, 1))


def _begin(screen: Screen, top: int, repeats: int, caps: tuple[int, ...] | None = None) -> StabilityRun:
    """Repeat the fit of the screen in the background; see `stability`."""
    analysis, device = screen.analysis, screen.key[2]
    parts = analysis.train, analysis.scored, analysis.settings
    task = job_board().start(partial(stability, *parts, top, repeats, caps, device))
    return StabilityRun(screen.key[0], analysis.settings, analysis.inspected, task)


def _show_found(run: StabilityRun, screen: Screen) -> None:
    result = outcome(run.task, "The check did not finish")
    if result is None:
        return
    if not run.is_about(screen):
        plain_warning(f"This was for {name_of(run.settings)} on {run.inspected.name}.")
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


def known_stability(current: Session, screen: Screen) -> Stability | None:
    """What a check of this very fit found, asked for on Tune or begun on Present."""
    repeated = current.own(Repeated)
    for run in (repeated.run, repeated.presented):
        if run is not None and run.is_about(screen) and run.found is not None:
            return run.found
    return None


def repeat(current: Session, screen: Screen) -> None:
    """Begin a short check for Present, unless labels say more, there was one, or it would take long."""
    repeated, analysis = current.own(Repeated), screen.analysis
    began = repeated.presented is not None and repeated.presented.is_about(screen)
    if began or screen.decision.labelled or known_stability(current, screen) is not None:
        return
    if len(analysis.train) and _REPEATS * sum(analysis.timings.values()) < _LONGEST_S:
        repeated.presented = _begin(screen, _usual_top(screen), _REPEATS, ())


def show_repeating(current: Session, screen: Screen) -> None:
    """Draw how far the check of Present is."""
    run = current.own(Repeated).presented
    if run is not None and run.task.running and run.is_about(screen):
        words = "Fitting the model again, to see whether the same samples come out · "
        watch(run.task.future, partial(show_progress, run.task, "repeats", words))
