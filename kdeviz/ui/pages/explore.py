"""Explore: the map and the threshold, beside them the sample that is looked at, and below all samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kdeviz.analysis import Preview, drift
from kdeviz.model import KERNEL_WORDS
from kdeviz.settings import Settings, name_of
from kdeviz.ui.panels.charts import show_tabs
from kdeviz.ui.panels.help_menu import STEPS
from kdeviz.ui.panels.map import map_controls, show_map
from kdeviz.ui.panels.model import can_use, offer_button, use_settings
from kdeviz.ui.panels.preflight import Checks
from kdeviz.ui.panels.sample import show_walk
from kdeviz.ui.panels.table import show_table
from kdeviz.ui.panels.threshold import show_threshold
from kdeviz.ui.state import Screen, Session, session
from kdeviz.ui.widgets.text import plain_warning, warning_with
from kdeviz.ui.widgets.tour import show_tour
from kdeviz.ui.work.fitting import say_nothing_yet
from kdeviz.ui.work.loaded import Loaded
from kdeviz.wording import capital, count, duration, number, percent

_MAP_HEIGHT, _PANEL_HEIGHT = 356, 560
_TABLE_HEIGHT = 560


class Separation(NamedTuple):
    """How well some settings separate the labelled samples."""

    settings: Settings
    auroc: float
    data: Loaded
    labels: NDArray[np.int8]

    def compares(self, other: Separation) -> bool:
        """Whether both are about the same samples and labels."""
        return self.data is other.data and np.array_equal(self.labels, other.labels)


@dataclass(eq=False)
class Separations:
    """That of the settings in use when the page was drawn last, and that of those before, if it compares."""

    now: Separation | None = None
    before: Separation | None = None

    def see(self, now: Separation | None) -> None:
        """Take note of the present one."""
        last = self.now
        if now is None or last is None or not now.compares(last):
            self.before = None
        elif now.settings != last.settings:
            self.before = last
        self.now = now


@dataclass(eq=False)
class Walk:
    """`Session.picked` when the page was drawn last."""

    picked: int | None = None


def show() -> None:
    """Draw the page from the current screen."""
    current = session()
    screen = current.screen
    if screen is None:
        if say_nothing_yet(current):
            st.skeleton(_MAP_HEIGHT)
        return
    with st.container():
        if screen.preview is not None:
            _say_preview(screen, screen.preview)
        groups, told = screen.analysis.groups, current.own(Checks).page == ""
        for message in screen.analysis.warnings:
            of_groups = groups is not None and message == groups.in_words
            if told and (of_groups or message == screen.fitted.contamination):  # the checks above say so
                continue
            if groups is None or groups.offer is None or not of_groups:
                named = message.startswith(screen.data.train.name)
                plain_warning(message if named else capital(message))
                continue
            with warning_with(message), st.container(horizontal_alignment="right"):
                offer_button(groups.offer, "offer_groups")
        found = drift(screen.analysis)
        if found is not None and found.found:
            plain_warning(found.in_words)
    _cockpit(current, screen)
    show_tour(STEPS)


def _cockpit(current: Session, screen: Screen) -> None:
    """Headline; map and threshold on the left, tabs on the right; all samples below."""
    _headline(current, screen)
    left, right = st.columns([1.08, 1], gap="medium")
    with left, st.container(gap="xsmall"):
        asked = map_controls(current, screen)
        map_place, threshold_place = st.container(), st.container(gap="xsmall")
    panel, table_place = right.container(gap="xsmall"), st.container()
    parts = {
        map_place: partial(show_map, current, screen, asked, _MAP_HEIGHT),
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


def _say_preview(screen: Screen, preview: Preview) -> None:
    """What is known so far, and of how much."""
    used, points = len(screen.analysis.fitted_on), len(screen.data.train.to_fit)
    points = min(points, screen.key[1].max_training_points)
    learnt = "" if used == points else f", learnt from {count(used)} of {count(points)}"
    with st.container(key="preview"):
        st.markdown(
            f"**Preview: {preview.words}{learnt};** figures will move a little.",
            help="A random sample of the rows. Below a figure stands its 95 % interval.",
        )


def _ends(screen: Screen, ends: Sequence[str]) -> dict[str, Any]:
    """An interval below a figure of a preview."""
    if screen.preview is None or not ends or "–" in ends:
        return {}
    return {"delta": " to ".join(ends), "delta_color": "off", "delta_arrow": "off"}


def _headline(current: Session, screen: Screen) -> None:
    """The four numbers, and the way from sample to sample."""
    decision, expected, whole = screen.decision, screen.decision.expected_alarms, screen.preview
    flagged, about = decision.flagged_in_all, "" if whole is None else "about "
    of = f" of {count(len(decision.flagged))}" if whole is None else ""
    remark = f" {decision.alarms_remark}." if decision.alarms_remark else ""
    with st.container(key="headline"):
        columns = st.columns(
            [0.9, 1.25, 1.1, 0.75, 2.1], vertical_alignment="center" if whole is None else "top"
        )
    columns[0].metric(
        "Flagged",
        about + count(flagged.value) + of,
        help=f"Samples whose log density is below the threshold of {decision.threshold:.6g} nats. A nat is "
        "the unit of log density: one nat lower is a density 2.72 times smaller.",
        **_ends(screen, (count(flagged.low), count(flagged.high))),
    )
    columns[1].metric(
        "Expected false alarms",
        percent(expected.rate) if expected.known else "not known",
        help="Share of the training samples that would be flagged, each judged by a model that has not "
        f"seen it: about {number(1000 * expected.rate)} in 1 000 normal samples.{remark}"
        if expected.known
        else "This model was not tried on samples that it has not seen.",
        **_ends(screen, (percent(expected.low), percent(expected.high)) if expected.known else ()),
    )
    with columns[2]:
        _separation(current, screen)
    columns[3].metric(
        "Fit and score",
        duration(sum(screen.analysis.timings.values())) if whole is None else "…",
        help=f"Time to fit the model and score every sample, on {screen.analysis.provenance['device']} "
        f"(by {KERNEL_WORDS[screen.kernel]}).",
    )
    with columns[4]:
        show_walk(current, screen)


def _separation(current: Session, screen: Screen) -> None:
    """The AUROC; after a change of settings also what it was, and the way back."""
    auroc, labels, seen = screen.decision.auroc, screen.decision.labels, current.own(Separations)
    whole, metrics = screen.preview, screen.decision.metrics
    if whole is None:
        known = None if auroc is None or labels is None else (auroc, labels)
        seen.see(known and Separation(screen.analysis.settings, known[0], screen.data, known[1]))
    before = seen.before if whole is None else None
    with st.container(key="separation", gap=None):
        st.metric(
            "Separation (AUROC)",
            "no labels" if auroc is None else ("" if whole is None else "about ") + number(auroc),
            help="The chance that a random anomalous sample scores lower than a random normal one: 1 is "
            "perfect, 0.5 is guessing. Needs labels of both kinds. AUROC: area under the receiver operating "
            "characteristic." + ("" if auroc is None or whole is not None else f" Exactly {auroc:.6f}."),
            **_ends(screen, () if metrics is None else tuple(map(number, metrics.auroc.interval))),
        )
        if before is not None and auroc is not None and number(before.auroc) != number(auroc):
            st.button(
                f"was {number(before.auroc)}",
                icon=":material/undo:",
                key="separation_before",
                type="tertiary",
                on_click=use_settings,
                args=(before.settings,),
                disabled=not can_use(before.settings, current.data),
                help=f"Before the change: {name_of(before.settings)}. Press to go back to these settings.",
            )
