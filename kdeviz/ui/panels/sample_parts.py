"""Why the sample that is looked at has its score, part by part: neighbours, components, features, a slice."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from kdeviz import charts, explain
from kdeviz.ui.panels.looked_at import Seen, show_training
from kdeviz.ui.state import Screen, theme
from kdeviz.ui.widgets.choices import one_of
from kdeviz.ui.widgets.help import HELP
from kdeviz.ui.widgets.plots import show_figure
from kdeviz.wording import count, number, percent

PARTS = ("Neighbours", "Components", "Meaning", "Features", "Slice")
_ENDS = 4
_HEIGHT = 300


def show_part(seen: Seen, explanation: explain.Explanation, screen: Screen, height: int) -> None:
    """Draw the part that is chosen."""
    part, about = one_of("Why", PARTS, "why", wide=True), (screen.key, seen.training, seen.row)
    if part == "Components":
        _chart(charts.sample(seen.decision, seen.row, theme()), part, about)
    elif part == "Meaning":
        _meaning(seen, explanation.components, screen)
    elif part == "Features":
        _chart(charts.sample_features(seen.decision, seen.row, theme()), part, about)
    elif part == "Slice":
        _slice(seen, explanation.components, screen)
    else:
        _neighbours(explanation.neighbours, screen, about)


def _neighbours(near: explain.Neighbours, screen: Screen, about: object) -> None:
    rows, rest = near.rows.tolist(), ""
    if near.total > len(rows):
        rest = f"; the other {count(near.total - len(rows))} together {percent(near.others)}"
    st.caption(f"Nearest training samples, and their shares of the density here{rest}.")
    notes = [percent(float(share)) for share in near.shares]
    alt = f"The {count(len(rows))} nearest training samples"
    show_training(screen, rows, notes, "neighbours", alt, about)


def _meaning(seen: Seen, components: explain.Components, screen: Screen) -> None:
    """What a component stands for: at first the one that adds most."""
    kept = len(components.contribution)
    strongest = int(components.contribution.argmax()) + 1
    key = f"meaning_{'training_' if seen.training else ''}{seen.row}"
    left, right = st.columns([1, 2], vertical_alignment="center")
    chosen = left.number_input(
        "Component", 1, kept, strongest, key=key, label_visibility="collapsed", help=HELP["component"]
    )
    z = float(components.z[chosen - 1])
    right.caption(f"This sample lies at {number(z, 2)} standard deviations.")
    meaning = explain.component_meaning(screen.analysis, chosen - 1, _ENDS)
    with st.container(key="sample_meaning"):
        st.text(explain.meaning_words(meaning, screen.analysis))
    for name, rows, places in (
        ("High", meaning.high, meaning.high_z),
        ("Low", meaning.low, meaning.low_z),
    ):
        st.caption(f"{name} end: training samples, in standard deviations from the mean")
        notes = [number(float(place), 2) for place in places]
        about, alt = (screen.key, chosen, name), f"{name} end of component {chosen}"
        show_training(screen, rows.tolist(), notes, f"meaning_{name}", alt, about)


def _slice(seen: Seen, components: explain.Components, screen: Screen) -> None:
    kept, row = len(components.contribution), seen.row
    if kept < 2:
        st.info("A slice needs two components: the model kept one.", icon=":material/info:")
        return
    strongest = np.argsort(-np.abs(components.contribution), kind="stable")[:2] + 1
    left, right = st.columns(2)
    suffix = f"{'training_' if seen.training else ''}{row}"
    first, second = (
        place.number_input(
            f"Component along {side}", 1, kept, int(usual), key=f"slice_{side}_{suffix}", help=HELP["slice"]
        )
        for place, side, usual in zip((left, right), "xy", strongest, strict=True)
    )
    if first == second:
        st.caption("Choose two different components.")
        return
    figure = charts.sample_slice(seen.decision, row, (first - 1, second - 1), theme())
    _chart(figure, "Slice", (screen.key, seen.training, row, first, second))


def _chart(figure: go.Figure, part: str, about: object) -> None:
    show_figure(figure, f"why_{part}", part, _HEIGHT, about)
