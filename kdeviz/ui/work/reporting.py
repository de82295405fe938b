"""What a report tells of the screen beside its decision."""

from __future__ import annotations

from collections.abc import Callable

from kdeviz.analysis import OnProgress
from kdeviz.errors import DataError
from kdeviz.output import Extras, Files, report
from kdeviz.preflight import all_checks
from kdeviz.sweep import Choice, Stability, Sweep, best
from kdeviz.ui.state import Screen
from kdeviz.ui.work.loaded import Loaded


def recipe_files(data: Loaded) -> Files:
    """What a recipe reads to have these data."""
    return Files(data.source, data.score_source, data.about_source, data.fixes, data.score_about_source)


def screen_report(
    screen: Screen,
    extras: Extras,
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> str:
    """The page about the screen, with the checks of its data."""
    if on_progress is not None:
        on_progress("Checking the data", 0.0)
    checks = all_checks(screen.data.everything, screen.analysis.classifier)
    return report(screen.decision, extras._replace(checks=checks), on_progress, cancelled)


def screen_extras(
    screen: Screen,
    name: str = "",
    stability: Stability | None = None,
    sweep: Sweep | None = None,
    text_column: str | None = None,
) -> Extras:
    """What is known about the screen now; in a session of streamlit."""
    return Extras(
        name=name,
        files=recipe_files(screen.data),
        relabelled=screen.analysis is not screen.fitted,
        stability=stability,
        sweep=None if sweep is None else _chosen(sweep),
        marks=screen.book.columns(screen.keys),
        text_column=text_column,
    )


def _chosen(sweep: Sweep) -> tuple[Sweep, Choice] | None:
    try:
        return sweep, best(sweep)
    except DataError:  # no row has a number to choose by
        return None
