"""The samples found: the most anomalous of all at first, then what is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from streamlit.elements.arrow import DataframeStateInput
from streamlit.elements.lib.column_types import ColumnConfig

from kdeviz.data import EmbeddingSet
from kdeviz.decision import BY_RANK, OWN_COLUMNS, Order, listing, metadata_columns
from kdeviz.model import ProbabilityCurve
from kdeviz.ui.panels.find import clear_all, show_find
from kdeviz.ui.panels.selection import Describing, show_actions, show_description
from kdeviz.ui.panels.shown_text import text_column
from kdeviz.ui.state import Screen, Session, session
from kdeviz.ui.work.found import Finding, Found, found
from kdeviz.wording import capital, count, one_line

_LISTED, _IN_SIGHT = 60, 9
_LONGEST_TEXT, _TEXT_WIDTH = 160, 330
_NAMES = {
    "rank": "rank",
    "id": "id",
    "flagged": "verdict",
    "label": "label",
    "log_density": "log density",
    "p_value": "p-value",
    "probability": "probability",
}
"""Columns of `listing`, by the names that they are searched and sorted by."""


@dataclass(eq=False)
class Listing:
    """Which part of the ranking is listed.

    Attributes:
        first: where it starts.
        picks: `Session.picks` when it was drawn last.
        answer: what was listed then.
        key: of the table that lists it.
    """

    first: int = 0
    picks: int = 0
    answer: Found | None = None
    key: str = ""


def show_table(current: Session, screen: Screen, height: int) -> None:
    """Draw search, filters and the samples found; a click on one picks it everywhere."""
    answer = found(current, screen)
    with st.container(key="samples", gap="small"):
        st.subheader(_heading(current, answer))
        show_find(current, screen, answer)
        start = _first_listed(current, answer)
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="listed"):
            _part_listed(start, len(answer.rows))
            show_actions(current, screen, answer)
        if answer.narrowed and current.own(Describing).on and len(answer.rows):
            left, right = st.columns([1.5, 1], gap="medium")
            with right:
                show_description(screen, answer, height)
        else:
            left = st.container()
        with left:
            if len(answer.rows):
                _list(current, screen, answer.rows[start : start + _LISTED], height)


def _heading(current: Session, answer: Found) -> str:
    so_far = "" if current.screen is None or current.screen.preview is None else " so far"
    if answer.narrowed:
        return f"{count(len(answer.rows))} of {count(len(answer.kept))} samples{so_far}"
    order, all_rows = current.own(Finding).order, f"All {count(len(answer.rows))} samples"
    return ("Most anomalous samples" if order == BY_RANK else all_rows) + so_far


def _part_listed(start: int, total: int) -> None:
    """Which part of what is found is listed, and the ways to the others."""
    end = min(start + _LISTED, total)
    if not total:
        st.caption("No sample passes all of this. Change the search or a filter, or", width="content")
        st.button("list all samples", key="list_all", type="tertiary", on_click=clear_all)
        return
    st.caption(f"{count(start + 1)} to {count(end)} of {count(total)} listed", width="content")
    if start:
        st.button("From the top", on_click=_list_from, args=(0,), type="tertiary")
    if end < total:
        st.button("More", on_click=_list_from, args=(end,), type="tertiary")
    st.space("stretch")


def _list(current: Session, screen: Screen, rows: NDArray[np.int64], height: int) -> None:
    inspected = screen.analysis.inspected
    visible = _cells(screen, rows)
    columns = _columns(visible, _text_name(inspected), screen.decision.curve)
    if screen.preview is not None and "rank" in columns:
        columns["rank"] = st.column_config.NumberColumn("Rank so far", width=84)
    pictures = inspected.thumbnails is not None
    if pictures:
        images = [inspected.thumbnail_uri(row) for row in rows.tolist()]
        # Longer than, so unlike, any other name: an image column fetches the addresses it holds.
        name = "picture".ljust(max(map(len, columns)) + 1)
        visible.insert(0, name, pd.Series(images, dtype=object))
        columns[name] = st.column_config.ImageColumn("", width=58)
    # The table keeps its highlight under one key, also when the row means another sample or none is meant.
    key = f"table_{hash(tuple(rows))}_{current.picks}_{current.own(Finding).order}"
    current.own(Listing).key = key
    chosen = np.flatnonzero(rows == current.picked).tolist()
    row_height = 48 if pictures else 35
    st.dataframe(
        visible,
        key=key,
        hide_index=True,
        height=min(height, row_height * len(rows) + 38),
        row_height=row_height,
        on_select=partial(_selected, key, rows),
        selection_mode=["single-row", "single-column", "single-cell"],
        selection_default=_only(chosen),
        column_config=columns,
    )


def _cells(screen: Screen, rows: NDArray[np.int64]) -> pd.DataFrame:
    """What is known of some rows: ours, the text, then the other columns of the file."""
    inspected = screen.analysis.inspected
    own = listing(screen.decision, rows, file=False)
    visible = own[[name for name in _NAMES if name in own]].rename(columns=_NAMES)
    visible["verdict"] = np.where(visible["verdict"], "flagged", "")
    if len(screen.book):
        marks = screen.book.columns(screen.keys[row] for row in rows.tolist())
        visible.insert(3, "mark", marks["mark"])
    file = {name: cells.iloc[rows] for name, cells in metadata_columns(inspected, OWN_COLUMNS).items()}
    text = _text_name(inspected)
    if text in file:
        shown = [one_line(text, _LONGEST_TEXT) for text in inspected.texts(rows, text)]
        visible.insert(2, text, pd.Series(shown, dtype="str"))
    for name, cells in file.items():
        if name != text:
            visible[name] = cells.reset_index(drop=True)
    return visible


def _text_name(inspected: EmbeddingSet) -> str:
    """The texts that people read; empty without any."""
    return text_column() or next(iter(inspected.text_columns), "")


def _first_listed(current: Session, answer: Found) -> int:
    """Where the list starts: where it did, unless what was picked elsewhere would be out of sight."""
    listing, rows = current.own(Listing), answer.rows
    if listing.answer is not answer:
        listing.answer, listing.first = answer, 0
    if listing.picks != current.picks:
        listing.picks = current.picks
        place = np.flatnonzero(rows == current.picked)
        if len(place) and not listing.first <= place[0] < listing.first + _IN_SIGHT:
            listing.first = max(int(place[0]) - 3, 0)
    return listing.first


def _list_from(first: int) -> None:
    session().own(Listing).first = first


def _columns(table: pd.DataFrame, text: str, curve: ProbabilityCurve) -> dict[str, ColumnConfig]:
    """How each column is shown: ours as we like, the file's texts as nothing but text."""
    columns: dict[str, ColumnConfig] = {}
    for name in map(str, table):
        is_text = pd.api.types.infer_dtype(table[name]) in ("string", "categorical")
        columns[name] = (st.column_config.TextColumn if is_text else st.column_config.Column)(name)
    if text in columns:
        columns[text] = st.column_config.TextColumn(text, width=_TEXT_WIDTH)
    what = "What the file says about this sample, or your mark where marks are used as labels."
    ours = {
        "rank": st.column_config.NumberColumn("Rank", help="1 is the most anomalous.", width=60),
        "id": st.column_config.TextColumn("Sample", width=98),
        "verdict": st.column_config.TextColumn("Verdict", help="What falls below the threshold.", width=78),
        "mark": st.column_config.TextColumn("Your mark", width=90),
        "label": st.column_config.TextColumn("Label", help=what, width=84),
        "log density": st.column_config.NumberColumn(
            "Log density", format="%.3g", help="How usual the sample is, in nats: lower is more anomalous."
        ),
        "probability": st.column_config.NumberColumn(
            capital(curve.name),
            format="%.3g",
            width=150 if curve.is_default else 84,
            help=curve.about,
        ),
        "p-value": st.column_config.NumberColumn(
            "p-value",
            format="%.3g",
            width=78,
            help="The share of new normal samples that score so low or lower.",
        ),
    }
    return {name: ours.get(name, column) for name, column in columns.items()}


def _only(places: list[int]) -> DataframeStateInput:
    """These rows highlighted, and no heading or cell."""
    return {"selection": {"rows": places, "columns": [], "cells": []}}


def _selected(key: str, rows: NDArray[np.int64]) -> None:
    """A row picks its sample, wherever it is pressed; a heading sorts all samples found, either way round."""
    chosen = st.session_state[key]["selection"]
    current = session()
    if not chosen["columns"]:
        pressed = [row for row, _ in chosen["cells"]] or chosen["rows"]
        if not pressed and key != current.own(Listing).key:
            return  # a table that has given way to another tells that nothing is highlighted in it
        current.pick_listed(int(rows[pressed[0]]) if pressed else None)
        st.session_state[key] = _only(pressed)
    elif current.screen is not None:
        finding, name = current.own(Finding), str(chosen["columns"][0])
        if name in found(current, current.screen).samples.columns:
            finding.sort(Order(name, finding.order == Order(name)))
