"""How sure that is where there are no labels: the model is fitted a few times more, while somebody looks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from kdeviz.sweep import Stability
from kdeviz.ui.panels.stability import Repeated, StabilityRun, begin, usual_top
from kdeviz.ui.state import Screen, Session
from kdeviz.ui.widgets.progress import show_progress, watch

_REPEATS, _LONGEST_S = 10, 20.0


@dataclass(eq=False)
class OwnRepeats:
    """The check that this page began."""

    run: StabilityRun | None = None


def known_stability(current: Session, screen: Screen) -> Stability | None:
    """What a check of this very fit found, begun here or on Tune."""
    for run in (current.own(Repeated).run, current.own(OwnRepeats).run):
        found = None if run is None else _outcome(run, screen)
        if found is not None:
            return found
    return None


def _outcome(run: StabilityRun, screen: Screen) -> Stability | None:
    if not _is_about(run, screen) or run.task.running or run.task.future.cancelled():
        return None
    return None if run.task.future.exception() is not None else run.task.result()


def _is_about(run: StabilityRun, screen: Screen) -> bool:
    return (run.token, run.settings) == (screen.key[0], screen.analysis.settings)


def repeat(current: Session, screen: Screen) -> None:
    """Begin a short check, unless labels say more, there was one, or it would take long."""
    own, analysis = current.own(OwnRepeats), screen.analysis
    began = own.run is not None and _is_about(own.run, screen)
    if began or screen.decision.labelled or known_stability(current, screen) is not None:
        return
    if len(analysis.train) and _REPEATS * sum(analysis.timings.values()) < _LONGEST_S:
        own.run = begin(screen, usual_top(screen), _REPEATS, ())


def show_repeating(current: Session, screen: Screen) -> None:
    """Draw how far it is."""
    run = current.own(OwnRepeats).run
    if run is not None and run.task.running and _is_about(run, screen):
        words = "Fitting the model again, to see whether the same samples come out · "
        watch(run.task.future, partial(show_progress, run.task, "repeats", words))
