"""Tune: many settings side by side, and whether the answer would come out again."""

from __future__ import annotations

from functools import partial

from kdeviz.ui.panels.stability import Repeated, show_stability
from kdeviz.ui.panels.sweep import show_sweep
from kdeviz.ui.state import Screen, Session
from kdeviz.ui.widgets.choices import one_of
from kdeviz.ui.widgets.progress import show_progress, watch
from kdeviz.ui.work.fitting import with_all_scores

PARTS = {"Sweep": show_sweep, "Stability": show_stability}


@with_all_scores
def show(current: Session, screen: Screen) -> None:
    """Draw the page from the current screen."""
    part = one_of("Part", list(PARTS), "tune")
    show_running(current, part)
    PARTS[part](current, screen)


def show_running(current: Session, shown: str = "") -> None:
    """What runs goes on while something else is looked at than its own part of the page."""
    sweeps = [run for run in current.sweeps if shown != "Sweep" or run is not current.swept]
    repeated = [current.own(Repeated).run] if shown != "Stability" else []
    for part, runs in (("Sweep", sweeps), ("Stability", repeated)):
        for run in runs:
            if run is not None and run.task.running:
                draw = partial(show_progress, run.task, f"{part.lower()}_elsewhere", f"{part}: ")
                watch(run.task.future, draw, eager=False)
