"""Export: the model, the scores, and the lines that reproduce them."""

from __future__ import annotations

import streamlit as st

from kdeviz.output import python_recipe, shell_recipe
from kdeviz.ui.panels.model_export import show_model_export
from kdeviz.ui.panels.report_export import show_report_export
from kdeviz.ui.state import Screen, Session
from kdeviz.ui.widgets.downloads import score_downloads
from kdeviz.ui.work.fitting import with_all_scores
from kdeviz.ui.work.reporting import recipe_files
from kdeviz.wording import count


@with_all_scores
def show(current: Session, screen: Screen) -> None:
    """Draw the page from the current screen."""
    analysis, data = screen.analysis, screen.data
    left, right = st.columns([1, 1.5], gap="large")
    with left:
        show_model_export(current, screen)
        if screen.decision.saved_remark:
            st.caption(f"Mind that {screen.decision.saved_remark}.")
        show_report_export(current, screen)
        if data.everything.changes:
            st.markdown("Fixed before the fit: " + "; ".join(data.everything.changes) + ".")
        st.subheader("Scores")
        st.markdown(
            f"All {count(len(analysis.scores))} samples: rank, log density, probability, p-value, "
            f"flagged or not{_with_marks(screen)}."
        )
        with st.container(horizontal=True):
            score_downloads(screen, "scores")
    with right:
        recipes = {
            "The same result in Python": (python_recipe, "python"),
            "… and in a shell": (shell_recipe, "bash"),
        }
        for title, (recipe, language) in recipes.items():
            lines = recipe(screen.decision, recipe_files(data), analysis is not screen.fitted)
            st.subheader(title)
            st.code(lines, language=language, wrap_lines=True)


def _with_marks(screen: Screen) -> str:
    """How many marks go into the table."""
    marked = len(screen.book.of(screen.keys))
    return f", with your {count(marked)} mark{'' if marked == 1 else 's'}" if marked else ""
