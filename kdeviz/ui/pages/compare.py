"""Compare: two models side by side, and the runs that were kept."""

from __future__ import annotations

import streamlit as st

from kdeviz.ui.panels.comparison import show_comparison
from kdeviz.ui.panels.kept_runs import show_runs
from kdeviz.ui.state import session
from kdeviz.ui.widgets.choices import one_of

PARTS = ("Two models", "Kept runs")


def show() -> None:
    """Draw the page from the current screen."""
    current = session()
    if current.screen is None:
        st.info("The first fit is under way.", icon=":material/hourglass_top:")
        return
    part = one_of("Part", PARTS, "compare")
    if part == "Kept runs":
        show_runs(current)
    else:
        show_comparison(current, current.screen)
