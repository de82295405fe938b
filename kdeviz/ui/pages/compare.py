"""Compare: two models side by side, and the runs that were kept."""

from __future__ import annotations

from kdeviz.ui.panels.comparison import show_comparison
from kdeviz.ui.panels.kept_runs import show_runs
from kdeviz.ui.state import Screen, Session
from kdeviz.ui.widgets.choices import one_of
from kdeviz.ui.work.fitting import with_all_scores

PARTS = ("Two models", "Kept runs")


@with_all_scores
def show(current: Session, screen: Screen) -> None:
    """Draw the page from the current screen."""
    part = one_of("Part", PARTS, "compare")
    if part == "Kept runs":
        show_runs(current)
    else:
        show_comparison(current, screen)
