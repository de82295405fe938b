"""Explore: the map, the densities, the threshold, the most anomalous samples, and why one of them is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kdeviz.analysis import drift
from kdeviz.ui.panels.charts import show_chart
from kdeviz.ui.panels.map import MapView, map_controls, show_map
from kdeviz.ui.panels.table import show_table
from kdeviz.ui.panels.threshold import show_threshold
from kdeviz.ui.panels.why import show_why
from kdeviz.ui.state import Screen, Session, session
from kdeviz.ui.widgets.text import plain_warning
from kdeviz.wording import count, duration, number, percent

_CHART_HEIGHT = 380
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
        st.skeleton(_CHART_HEIGHT)
        return
    with st.container():
        for message in screen.analysis.warnings:
            plain_warning(message)
        found = drift(screen.analysis)
        if found is not None and found.found:
            plain_warning(found.in_words)
    asked = _headline(current, screen)
    charts, samples = st.container(), st.container()
    draw_charts = partial(_charts, charts, current, screen, asked)
    draw_samples = partial(_samples, samples, current, screen)
    # Whoever walks from sample to sample looks at the lower half.
    walk = current.own(Walk)
    walking, walk.picked = walk.picked != current.picked, current.picked
    for draw in (draw_samples, draw_charts) if walking else (draw_charts, draw_samples):
        draw()


def _charts(place: DeltaGenerator, current: Session, screen: Screen, asked: MapView) -> None:
    with place:
        left, right = st.columns([1.15, 1], gap="medium")
        with left:
            show_map(current, screen, *asked, _CHART_HEIGHT)
        with right:
            show_chart(current, screen, _CHART_HEIGHT)
        show_threshold(current, screen)


def _samples(place: DeltaGenerator, current: Session, screen: Screen) -> None:
    with place:
        left, right = st.columns([1.12, 1], gap="medium")
        with left:
            show_table(current, screen, _TABLE_HEIGHT)
        with right:
            show_why(current, screen, _CHART_HEIGHT)


def _headline(current: Session, screen: Screen) -> MapView:
    """The four numbers, and what the map is asked to show."""
    decision, expected = screen.decision, screen.decision.expected_alarms
    auroc = decision.auroc
    columns = st.columns([1, 1, 1, 0.8, 0.9], vertical_alignment="center")
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
        return map_controls(current, screen)
