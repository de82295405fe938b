"""Explore: the map and the threshold, beside them the sample that is looked at, and below all samples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import streamlit as st

from kdeviz.analysis import drift
from kdeviz.ui.panels.charts import show_tabs
from kdeviz.ui.panels.map import map_controls, show_map
from kdeviz.ui.panels.model import offer_button
from kdeviz.ui.panels.sample import show_walk
from kdeviz.ui.panels.table import show_table
from kdeviz.ui.panels.threshold import show_threshold
from kdeviz.ui.state import Screen, Session, session
from kdeviz.ui.widgets.text import plain_warning, warning_with
from kdeviz.wording import count, duration, number, percent

_MAP_HEIGHT, _PANEL_HEIGHT = 356, 560
_TABLE_HEIGHT = 560


@dataclass(eq=False)
class Walk:
    """`Session.picked` when the page was drawn last."""

    picked: int | None = None


def show() -> None:
    """Draw the page from the current screen."""
    current = session()
    screen = current.screen
    if screen is None:
        st.info("The first fit is under way.", icon=":material/hourglass_top:")
        st.skeleton(_MAP_HEIGHT)
        return
    with st.container():
        groups = screen.analysis.groups
        for message in screen.analysis.warnings:
            if groups is None or groups.offer is None or message != groups.in_words:
                plain_warning(message)
                continue
            with warning_with(message), st.container(horizontal_alignment="right"):
                offer_button(groups.offer, "offer_groups")
        found = drift(screen.analysis)
        if found is not None and found.found:
            plain_warning(found.in_words)
    _cockpit(current, screen)


def _cockpit(current: Session, screen: Screen) -> None:
    """Headline; map and threshold on the left, tabs on the right; all samples below."""
    _headline(current, screen)
    left, right = st.columns([1.08, 1], gap="medium")
    with left, st.container(gap="xsmall"):
        asked = map_controls(current, screen)
        map_place, threshold_place = st.container(), st.container(gap="xsmall")
    panel, table_place = right.container(gap="xsmall"), st.container()
    parts = {
        map_place: partial(show_map, current, screen, *asked, _MAP_HEIGHT),
        panel: partial(show_tabs, current, screen, _PANEL_HEIGHT),
        threshold_place: partial(show_threshold, current, screen),
        table_place: partial(show_table, current, screen, _TABLE_HEIGHT),
    }
    # Whoever walks from sample to sample waits for the panel first.
    walk = current.own(Walk)
    walking, walk.picked = walk.picked != current.picked, current.picked
    for place in sorted(parts, key=lambda place: place is not panel) if walking else parts:
        with place:
            parts[place]()


def _headline(current: Session, screen: Screen) -> None:
    """The four numbers, and the way from sample to sample."""
    decision, expected = screen.decision, screen.decision.expected_alarms
    auroc = decision.auroc
    with st.container(key="headline"):
        columns = st.columns([0.9, 1.25, 1.1, 0.75, 2.1], vertical_alignment="center")
    columns[0].metric(
        "Flagged",
        f"{count(decision.n_flagged)} of {count(len(decision.flagged))}",
        help=f"Samples whose log density is below the threshold of {decision.threshold:.6g} nats.",
    )
    columns[1].metric(
        "Expected false alarms",
        percent(expected.rate),
        help="Share of the training samples that would be flagged, each judged by a model that has not "
        f"seen it: about {number(1000 * expected.rate)} in 1 000 normal samples.",
    )
    columns[2].metric(
        "Separation (AUROC)",
        "no labels" if auroc is None else number(auroc),
        help="The chance that a random anomalous sample scores lower than a random normal one: 1 is perfect, "
        "0.5 is guessing. Needs labels of both kinds." + ("" if auroc is None else f" Exactly {auroc:.6f}."),
    )
    columns[3].metric(
        "Fit and score",
        duration(sum(screen.analysis.timings.values())),
        help=f"Time to fit the model and score every sample, on {screen.analysis.provenance['device']} "
        f"({screen.kernel}).",
    )
    with columns[4]:
        show_walk(current, screen)
