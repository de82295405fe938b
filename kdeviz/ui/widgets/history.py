"""The browser's Back and Forward: one entry in its history for each screen that was seen."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

_MOVES = "history_moves"
_history = st.components.v2.component(
    "kdeviz.history", js=Path(__file__).with_name("history.js").read_text("utf-8"), isolate_styles=False
)


def keep_history() -> None:
    """From now on the browser's history has one entry for each screen; it is drawn as nothing."""
    _history(key="history")
    if is_going_back():
        st.session_state[_MOVES] = times_gone_back() + 1


def times_gone_back() -> int:
    """How often Back or Forward was pressed."""
    return int(st.session_state.get(_MOVES, 0))


def is_going_back() -> bool:
    """Whether this run of the page is about an address that Back or Forward led to."""
    context = get_script_run_ctx(suppress_warning=True)
    return context is not None and context.is_history_navigation
