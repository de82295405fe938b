"""Compare: two models side by side, and the runs that were kept."""

from __future__ import annotations

from kdeviz.ui.panels.comparison import show_comparison
from kdeviz.ui.panels.kept_runs import show_runs
from kdeviz.ui.state import session
from kdeviz.ui.widgets.choices import one_of
from kdeviz.ui.work.fitting import whole_screen

PARTS = ("Two models", "Kept runs")


def show() -> None:
    """Draw the page from the current screen."""
    current = session()
    screen = whole_screen(current)
    if screen is None:
        return
    part = one_of("Part", PARTS, "compare")
    if part == "Kept runs":
        show_runs(current)
    else:
        show_comparison(current, screen)
