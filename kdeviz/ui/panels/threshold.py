"""The threshold: moved by hand, and what it does to normal and to labelled samples."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import partial

import streamlit as st
from streamlit.errors import StreamlitAPIException

from kdeviz.analysis import Analysis
from kdeviz.charts import densities_numbers
from kdeviz.decision import RULES
from kdeviz.model import ProbabilityCurve
from kdeviz.ui.panels.threshold_strip import moved, pressed, show_strip, threshold_at
from kdeviz.ui.state import Screen, Session, session
from kdeviz.wording import capital


@dataclass(eq=False)
class Moves:
    """The number of the last move of the slider that was heard."""

    last: int = 0


def set_threshold(log_density: float) -> None:
    """From now on, flag samples below this log density."""
    kind = "log_density"
    key = RULES[kind].address_key()
    if st.session_state.get("rule") != kind:
        # The rule's number input is new then, and a new input does not write its value into the address.
        with contextlib.suppress(StreamlitAPIException):  # it is still there
            st.query_params[key] = str(log_density)
    st.session_state["rule"], st.session_state[key] = kind, log_density


def set_curve(curve: ProbabilityCurve) -> None:
    """From now on, read probabilities off this curve."""
    st.session_state["midpoint"], st.session_state["steepness"] = curve.midpoint, curve.steepness


def show_threshold(current: Session, screen: Screen) -> None:
    """Draw the slider, and what the threshold does."""
    decision = screen.decision
    edges = densities_numbers(decision).edges
    ends = float(edges[0]), float(edges[-1])
    about = f"{screen.key} {ends}"
    on_move = partial(_moved, screen.analysis, ends, about)
    show_strip(decision, ends, about, current.own(Moves).last, current.cell, on_move, _select_cell)
    if decision.remark:
        st.caption(f"{capital(decision.remark)}.")


def _moved(analysis: Analysis, ends: tuple[float, float], about: str) -> None:
    move = moved()
    if move.get("about") == about:
        session().own(Moves).last = move["moves"]
        set_threshold(threshold_at(analysis, ends, int(move["to"])))


def _select_cell() -> None:
    current, cell = session(), pressed()
    current.select_cell(None if current.cell == cell else cell)
