"""The threshold: moved by hand, and what it does to normal and to labelled samples."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import streamlit as st
from streamlit.errors import StreamlitAPIException

from kdeviz.analysis import Analysis
from kdeviz.charts import densities_numbers
from kdeviz.decision import RULES, ThresholdRule, decide
from kdeviz.model import ProbabilityCurve
from kdeviz.settings import Settings
from kdeviz.ui.panels.threshold_strip import KEY, PLAIN_KEY, moved, pressed, show_strip, threshold_at
from kdeviz.ui.state import Screen, Session, session
from kdeviz.wording import capital, count

_CHOSEN = "log_density"


class Followed(NamedTuple):
    """A chosen threshold that moved with the settings, see `follow_settings`."""

    log_density: float
    share: float
    """Of the inspected samples, how many are flagged there."""
    found_on: tuple[Settings, int]
    """Settings and number of scores of the analysis that it was found on."""


@dataclass(eq=False)
class Moves:
    """The number of the last move of the slider that was heard."""

    last: int = 0
    wanted: Followed | None = None
    """Where the threshold is about to be put."""
    kept: Followed | None = None
    """Where it was put."""


def set_threshold(log_density: float) -> None:
    """From now on, flag samples below this log density."""
    set_rule(_CHOSEN, log_density)


def set_rule(kind: str, shown: float) -> None:
    """From now on, flag by this rule, whose number input says this."""
    key = RULES[kind].address_key()
    if st.session_state.get("rule") != kind:
        # The rule's number input is new then, and a new input does not write its value into the address.
        with contextlib.suppress(StreamlitAPIException):  # it is still there
            st.query_params[key] = str(shown)
    st.session_state["rule"], st.session_state[key] = kind, shown


def follow_settings(current: Session, screen: Screen) -> None:
    """Put a log density that somebody chose where as many samples are flagged by other settings as before.

    Log densities of two models do not compare: the same number flagged all samples after a change of scaling.
    """
    before, scores = current.screen, screen.analysis.scores
    if before is None or before.data.token != screen.data.token:
        return
    share = _share_to_keep(current.own(Moves), before, screen)
    if share is None or screen.decision.n_flagged == round(share * len(scores)):
        return
    found = decide(screen.analysis, ThresholdRule("top_k", round(share * len(scores)))).threshold
    if found != screen.decision.threshold:  # equal scores may not let it come any closer
        current.own(Moves).wanted = Followed(found, share, _about(screen.analysis))
        st.rerun()


def _share_to_keep(moves: Moves, before: Screen, screen: Screen) -> float | None:
    """Which share of the samples stays flagged; None where the chosen number stays.

    What comes after a preview is no other wish, even if that was of fewer training samples than asked for:
    only a number that was found on it is found again.
    """
    if screen.rule.kind != _CHOSEN:
        return None
    kept = moves.kept
    if kept is not None and kept.log_density != screen.decision.threshold:
        kept = None
    if before.rule != screen.rule:  # chosen just now, or found on what may have been replaced meanwhile
        return None if kept is None or kept.found_on == _about(screen.analysis) else kept.share
    if before.preview is None:
        kept = None
    if before.key[1] != screen.key[1]:
        return before.decision.n_flagged / len(before.analysis.scores) if kept is None else kept.share
    unlike = before.analysis.settings != screen.analysis.settings or screen.preview is None
    return kept.share if kept is not None and unlike else None


def _about(analysis: Analysis) -> tuple[Settings, int]:
    return analysis.settings, len(analysis.scores)


def take_wanted(current: Session) -> None:
    """Set the threshold before its number input is drawn, see `follow_settings`."""
    moves = current.own(Moves)
    if moves.wanted is None:
        return
    moves.kept, moves.wanted = moves.wanted, None
    set_threshold(moves.kept.log_density)


def set_curve(curve: ProbabilityCurve) -> None:
    """From now on, read probabilities off this curve."""
    st.session_state["midpoint"], st.session_state["steepness"] = curve.midpoint, curve.steepness


def show_threshold(current: Session, screen: Screen) -> None:
    """Draw the slider, and what the threshold does."""
    decision = screen.decision
    _strip(current, screen, KEY)
    kept = current.own(Moves).kept
    if kept is not None and kept.log_density == decision.threshold:
        flagged = f"{'' if screen.preview is None else 'about '}{count(decision.n_flagged)} samples"
        st.caption(
            f"The threshold moved with the settings: {flagged} stay flagged. Log densities of other settings "
            "do not compare."
        )
    if decision.remark:
        st.caption(
            f"{capital(decision.remark)}." if screen.preview is None else f"So far: {decision.remark}."
        )
    elif not decision.n_flagged:
        st.caption("Nothing is flagged: move the threshold to the right to flag the most unusual samples.")


def show_plain_threshold(current: Session, screen: Screen) -> None:
    """Draw nothing but the slider, for a room."""
    _strip(current, screen, PLAIN_KEY)


def _strip(current: Session, screen: Screen, key: str) -> None:
    edges = densities_numbers(screen.decision).edges
    ends = float(edges[0]), float(edges[-1])
    about, moves = f"{screen.key} {ends}", current.own(Moves).last
    on_move = partial(_moved, screen.analysis, ends, about, key)
    show_strip(key, screen.decision, ends, about, moves, current.cell, on_move, _select_cell)


def _moved(analysis: Analysis, ends: tuple[float, float], about: str, key: str) -> None:
    move = moved(key)
    if move.get("about") == about:
        session().own(Moves).last = move["moves"]
        set_threshold(threshold_at(analysis, ends, int(move["to"])))


def _select_cell() -> None:
    current, cell = session(), pressed()
    current.select_cell(None if current.cell == cell else cell)
