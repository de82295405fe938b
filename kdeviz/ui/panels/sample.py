"""The sample that is looked at: what it is, its verdict, why, and what a person makes of it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import streamlit as st

from kdeviz import charts, explain
from kdeviz.data import EmbeddingSet, sound_type
from kdeviz.decision import Decision, SampleView, sample_view
from kdeviz.ui.panels.looked_at import Trail, go_back, looked_at
from kdeviz.ui.panels.marking import show_marking
from kdeviz.ui.panels.sample_parts import show_part
from kdeviz.ui.panels.shown_text import text_column
from kdeviz.ui.state import Screen, Session, session, theme
from kdeviz.ui.widgets.plots import show_figure
from kdeviz.ui.work.found import found
from kdeviz.wording import NAMELESS, count, number, one_line, percent, plain_number, score_this_low

_ROWS_PER_FEATURE, _NEIGHBOURS = 10, 6
_LONGEST_VALUE = 80
_LARGE = 1e6


def show_sample(current: Session, screen: Screen, height: int) -> None:
    """Draw the panel of the sample that is looked at; without one, how to pick."""
    seen = looked_at(current, screen)
    if seen is None:
        st.caption("Pick a sample on the map or in the table, or press N for the most anomalous one.")
        figure = charts.scree(screen.decision, theme())
        show_figure(figure, "scree", "Variance per component", height - 120, screen.key)
        return
    explanation = explain.explain(seen.decision.analysis, seen.row, neighbours=_NEIGHBOURS)
    _facts(seen.decision, seen.row, screen, seen.training)
    _reason(seen.decision, seen.row, explanation)
    if not seen.training:
        show_marking(seen.row, screen)
    show_part(seen, explanation, screen, height)


def show_walk(current: Session, screen: Screen) -> None:
    """Buttons, and keys, that go through the table's samples in its order, and back from a neighbour."""
    looked_at(current, screen)
    rows = found(current, screen).rows
    place = np.flatnonzero(rows == current.picked)
    at = int(place[0]) if len(place) else None
    back = None if at is None or at == 0 else int(rows[at - 1])
    on = None if not len(rows) or at == len(rows) - 1 else int(rows[0 if at is None else at + 1])
    with st.container(horizontal=True, horizontal_alignment="right", key="walk", gap="xsmall"):
        st.button(
            "Back",
            icon=":material/arrow_back:",
            shortcut="B",
            on_click=go_back,
            key="Back",
            disabled=not current.own(Trail).past,
            help="To the sample whose neighbour this is.",
        )
        for name, key, icon, target in (
            ("Previous", "P", ":material/arrow_upward:", back),
            ("Next", "N", ":material/arrow_downward:", on),
        ):
            st.button(
                name,
                icon=icon,
                shortcut=key,
                disabled=target is None,
                on_click=current.pick,
                args=(target,),
                key=name,
            )


def _go(row: int) -> None:
    session().pick(row)


def _facts(decision: Decision, row: int, screen: Screen, training: bool) -> None:
    """What it is, beside its picture or below its text, and what the model says of it."""
    samples = decision.analysis.inspected
    picture = samples.thumbnail_uri(row, every_pixel=True)
    if (sound := _sound(samples, row, screen)) is not None:
        st.audio(sound, format=sound_type(sound))
    (text,) = samples.texts([row], text_column())
    if text:
        with st.container(key="sample_text"):
            st.text(text)
    with st.container(horizontal=True, key="sample_facts"):
        if picture is not None:
            st.image(picture, width=104)
        with st.container(gap="xxsmall"):
            _in_words(decision, row, screen, training)
            _columns(samples, row)


def _in_words(decision: Decision, row: int, screen: Screen, training: bool) -> None:
    sample = sample_view(decision, row)
    with st.container(key="sample_name"):
        st.text(sample.name)
    flagged = ":orange[:material/flag: **flagged**]" if sample.flagged else "**not flagged**"
    told = [f"Verdict {flagged}"]
    if sample.label:
        told.append(f"label **{sample.label}**")
    if training:
        told.append("a training sample")
    elif mark := screen.book.get(screen.keys[row]).verdict:
        told.append(f"mark **{mark}**")
    st.markdown(" · ".join(told))
    with st.container(key="sample_rarity"):
        st.markdown(_rarity(sample, decision.analysis.preview is not None))
    curve = decision.curve
    with st.container(horizontal=True, gap="xxsmall", key="sample_score"):  # each part stays on one line
        st.markdown(_density(sample), width="content")
        probability = f"{curve.name} **{number(sample.probability)}**"
        st.markdown(probability, width="content", help=curve.about if curve.is_default else None)


def _rarity(sample: SampleView, so_far: bool) -> str:
    rank = f"Rank **{count(sample.rank)}** of {count(sample.total)}{' so far' if so_far else ''}"
    if sample.p_value is None:
        return f"{rank} · more unusual than {percent(sample.more_unusual_than)} of the training samples"
    return f"{rank} · **{score_this_low(sample.p_value)}** :small[(p-value {number(sample.p_value)})]"


def _density(sample: SampleView) -> str:
    away = sample.above_threshold
    if math.isinf(away):  # nothing is below the threshold, or everything
        return f"Log density **{number(sample.log_density)}** ·"
    side = "above" if away >= 0 else "below"
    return f"Log density **{number(sample.log_density)}**, {number(abs(away))} nats {side} the threshold ·"


def _columns(samples: EmbeddingSet, row: int) -> None:
    """What the file says of it beside its text, a line for each column."""
    if samples.metadata is None:
        return
    lines = []
    for place, name in enumerate(map(str, samples.metadata.columns)):
        (value,) = samples.texts([row], name)
        value = _short_fraction(samples.metadata.iloc[row, place]) or value
        if value and name not in (samples.sound_column, *samples.text_columns[:1]):
            lines.append(f"{one_line(name or NAMELESS, 40)}: {one_line(value, _LONGEST_VALUE)}")
    if lines:
        with st.container(key="sample_columns"):
            st.text("\n".join(lines))


def _short_fraction(value: object) -> str:
    """A fraction without the digits that only a computer adds; "" for all else, and for large numbers."""
    if not isinstance(value, float | np.floating):
        return ""
    exact = float(value)
    return plain_number(exact) if abs(exact) < _LARGE and exact % 1 > 0 else ""


def _sound(samples: EmbeddingSet, row: int, screen: Screen) -> bytes | None:
    folder = screen.data.said.images or st.session_state.get("images_folder")
    return samples.sound(row, None if folder is None else Path(folder)) or None


def _reason(decision: Decision, row: int, explanation: explain.Explanation) -> None:
    with st.container(key="sample_reason"):
        st.text(explain.reason(decision, row, explanation))
    residual = explanation.residual
    if residual.unusual and _enough_for_residuals(decision):
        with st.container(key="sample_residual"):
            st.markdown(
                f":orange[:material/warning:] What the components leave out measures "
                f"{number(residual.norm)}, more than in 99 % of the training samples "
                f"({number(residual.limit)}): the model does not see it.",
                help="More components might.",
            )


def _enough_for_residuals(decision: Decision) -> bool:
    """With few rows for many features, the axes fit the training rows so well that new rows stand out."""
    n, d = len(decision.analysis.fitted_on), decision.analysis.train.features.shape[1]
    return n >= _ROWS_PER_FEATURE * int(d)
