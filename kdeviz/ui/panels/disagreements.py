"""Samples that only one of two models flags, and why each of the two does or does not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from streamlit.elements.lib.column_types import ColumnConfig

from kdeviz import charts, explain
from kdeviz.comparison import Comparison, Scored, decision_with_data, disagreement_table, why_words
from kdeviz.data import EmbeddingSet
from kdeviz.ui.panels.shown_text import text_column
from kdeviz.ui.state import Screen, Session, session, theme
from kdeviz.ui.widgets.plots import show_figure
from kdeviz.wording import count, one_line

_LONGEST_TEXT = 80


@dataclass(eq=False)
class LookedAt:
    """The number of the common sample that is looked at."""

    sample: int | None = None


def show_disagreements(current: Session, screen: Screen, comparison: Comparison) -> None:
    """Draw who is flagged by only one of the two, and why the chosen one is."""
    st.subheader("Whose verdict flips")
    for column, side, rows in zip(
        st.columns(2, gap="medium"), ("first", "second"), comparison.disagreements, strict=True
    ):
        with column:
            st.caption(f"Flagged only by the {side}: {count(len(rows))}")
            if len(rows):
                _flip_table(comparison, side, screen.analysis.inspected)
    sample = current.own(LookedAt).sample
    if sample is not None and sample < len(comparison.ids):
        _why_of_each(comparison, sample, screen)
    elif any(map(len, comparison.disagreements)):
        st.caption("Choose a sample in a table, or click one in the rank chart, to see why.")
    else:
        st.caption("Both flag the same samples. The rank chart shows where they still differ.")


def _flip_table(comparison: Comparison, side: str, inspected: EmbeddingSet) -> None:
    table = disagreement_table(comparison, side)
    shown = table[[name for name in ("id", "label", "first_rank", "second_rank") if name in table]]
    columns: dict[str, ColumnConfig] = {
        # So that both ranks are in sight beside any id.
        "id": st.column_config.TextColumn("Sample", width=100),
        "label": st.column_config.TextColumn("Label", width=82),
        "first_rank": st.column_config.NumberColumn("First rank", width=84),
        "second_rank": st.column_config.NumberColumn("Second rank", width=98),
    }
    rows = _rows_in(inspected, comparison)
    texts = [""] if rows is None else inspected.texts(rows[table["sample"]], text_column())
    if any(texts):
        shown.insert(1, "text", [one_line(text, _LONGEST_TEXT) for text in texts])
        columns["text"] = st.column_config.TextColumn("Text", width="medium")
    if rows is not None and inspected.thumbnails is not None:
        images = [inspected.thumbnail_uri(int(row)) for row in rows[table["sample"]]]
        shown.insert(0, "picture", pd.Series(images, dtype=object))
        columns["picture"] = st.column_config.ImageColumn("", width=54)
    key = f"flips_{side}_{id(comparison)}"
    st.dataframe(
        shown,
        key=key,
        hide_index=True,
        height=min(38 + 48 * len(shown), 300),
        row_height=48 if "picture" in shown else None,
        column_config={name: columns[name] for name in map(str, shown)},
        on_select=partial(_flip_chosen, key, table["sample"].to_numpy()),
        selection_mode="single-row",
    )


def _flip_chosen(key: str, samples: NDArray[np.int64]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    session().own(LookedAt).sample = int(samples[rows[0]]) if rows else None


def _rows_in(inspected: EmbeddingSet, comparison: Comparison) -> NDArray[np.int64] | None:
    """(C,) where the common samples are among those loaded; None if neither side has scored these."""
    same = (rows for scored, rows in _sides(comparison) if scored.inspected_digest == inspected.digest)
    return next(same, None)


def _sides(comparison: Comparison) -> tuple[tuple[Scored, NDArray[np.int64]], ...]:
    """Each of the two, and (C,) which of its rows the common samples are."""
    return (comparison.first, comparison.first_rows), (comparison.second, comparison.second_rows)


def _why_of_each(comparison: Comparison, sample: int, screen: Screen) -> None:
    inspected, rows = screen.analysis.inspected, _rows_in(screen.analysis.inspected, comparison)
    with st.container(horizontal=True, vertical_alignment="center"):
        picture = None if rows is None else inspected.thumbnail_uri(int(rows[sample]), every_pixel=True)
        if picture is not None:
            st.image(picture, width=80)
        with st.container(key="sample_flipped"):
            st.text(str(comparison.ids[sample]))
            (text,) = [""] if rows is None else inspected.texts([rows[sample]], text_column())
            if text:
                st.text(text)
    columns = st.columns(2, gap="medium")
    for column, title, (scored, own) in zip(columns, ("first", "second"), _sides(comparison), strict=True):
        with column:
            _why(scored, int(own[sample]), title, screen)


def _why(scored: Scored, row: int, title: str, screen: Screen) -> None:
    flagged = (
        ":orange[:material/flag: **flagged**]" if scored.flagged[row] else ":material/check: not flagged"
    )
    st.markdown(f"By the {title}: {flagged}")
    decision = decision_with_data(scored, screen.data.train, screen.data.inspected)
    if decision is None:
        st.caption("Why: load the data that this model was fitted on and has scored.")
        return
    reasons = explain.explain(decision.analysis, row)
    with st.container(gap="xxsmall"):
        for sentence in why_words(decision, row, reasons):
            st.text(sentence)
    figure = charts.sample(decision, row, theme())
    show_figure(figure, f"why_{title}", f"Components, by the {title}", 300, (id(scored), row))
