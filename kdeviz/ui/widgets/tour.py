"""A newcomer's tour: cards beside the places that they explain, shown once in each browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import streamlit as st

_HERE = Path(__file__).parent
_ASKED = "tours_asked"
_tour = st.components.v2.component(
    "kdeviz.tour",
    html=(
        '<div class="tour" popover="manual"><div class="spot"></div>'
        '<div class="card" role="dialog" aria-labelledby="tour-title" aria-describedby="tour-text">'
        '<h2 id="tour-title" data-part="title"></h2>'
        '<p id="tour-text" data-part="text" aria-live="polite"></p>'
        '<div class="row"><span data-part="count"></span>'
        '<button type="button" data-part="skip" title="Escape">Skip</button>'
        '<button type="button" data-part="back" title="Left arrow">Back</button>'
        '<button type="button" data-part="next" title="Right arrow"></button></div></div></div>'
    ),
    js=(_HERE / "tour.js").read_text("utf-8"),
    css=(_HERE / "tour.css").read_text("utf-8"),
)


class Step(NamedTuple):
    """One card."""

    title: str
    text: str
    at: tuple[str, ...]
    """CSS selectors; the card stands beside the first place that is in sight, and is left out if none is."""


def show_tour(steps: tuple[Step, ...]) -> None:
    """Let the browser show this tour if it never has, or if `ask_for_tour` was called since."""
    content = {"steps": [step._asdict() for step in steps], "asked": st.session_state.get(_ASKED, 0)}
    _tour(key="tour", data=json.dumps(content).encode())


def ask_for_tour() -> None:
    """Show the tour again, when the page that has one is drawn next."""
    st.session_state[_ASKED] = st.session_state.get(_ASKED, 0) + 1
