"""The ranking: the most anomalous samples, or those of a selection."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from streamlit.elements.lib.column_types import ColumnConfig

from kdeviz.decision import ranking
from kdeviz.ui.state import Screen, Session, session
from kdeviz.ui.widgets.downloads import score_downloads
from kdeviz.wording import count

_LISTED, _IN_SIGHT = 60, 9


@dataclass(eq=False)
class Listing:
    """Which part of the ranking is listed.

    Attributes:
        first: where it starts.
        picks: `Session.picks` when it was drawn last.
        selections: `Session.selections` then.
    """

    first: int = 0
    picks: int = 0
    selections: int = 0


def ranked_rows(current: Session, screen: Screen) -> NDArray[np.int64]:
    """Inspected rows as the table lists them: the most anomalous first, and only those selected."""
    ranked = ranking(screen.decision)["row"].to_numpy()
    chosen = chosen_rows(current, screen)
    return ranked if chosen is None else ranked[np.isin(ranked, chosen)]


def chosen_rows(current: Session, screen: Screen) -> NDArray[np.int64] | None:
    """Inspected rows of the selection, on the map or by a cell of the confusion table; None without one."""
    if current.cell is not None and screen.decision.labelled:
        return screen.decision.rows_in_cell(current.cell)
    return current.region


def show_table(current: Session, screen: Screen, height: int) -> None:
    """Draw the ranking; a click on a row picks its sample everywhere."""
    rows = ranked_rows(current, screen)
    table = ranking(screen.decision).set_index("row", drop=False)
    _title(current, screen, rows)
    start = _first_listed(current, rows)
    shown = table.loc[rows[start : start + _LISTED]].reset_index(drop=True)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{count(min(start + 1, len(rows)))} to {count(start + len(shown))} of {count(len(rows))}, "
            "the most anomalous first",
            width="stretch",
        )
        if start:
            st.button("From the top", on_click=_list_from, args=(0,), type="tertiary")
        if start + _LISTED < len(rows):
            st.button("More", on_click=_list_from, args=(start + _LISTED,), type="tertiary")
    inspected = screen.analysis.inspected
    visible = shown.drop(columns=["row", "flagged"])
    if len(screen.book):
        marks = screen.book.columns(screen.keys[row] for row in shown["row"])
        visible.insert(2, "Your mark", marks["mark"])
    columns = _columns(visible, inspected.labels is not None)
    pictures = inspected.thumbnails is not None
    if pictures:
        images = [inspected.thumbnail_uri(int(row)) for row in shown["row"]]
        # Longer than, so unlike, any other name: an image column fetches the addresses it holds.
        name = "picture".ljust(max(map(len, columns)) + 1)
        visible.insert(0, name, pd.Series(images, dtype=object))
        columns[name] = st.column_config.ImageColumn("", width=58)
    # The table keeps its highlight under one key, also when the row means another sample or none is meant.
    key = f"table_{hash(tuple(shown['row']))}_{current.picks}"
    chosen = np.flatnonzero(shown["row"] == current.picked).tolist()
    st.dataframe(
        visible,
        key=key,
        hide_index=True,
        height=height,
        row_height=48 if pictures else None,
        on_select=partial(_row_selected, key, shown["row"].to_numpy()),
        selection_mode="single-row",
        selection_default={"selection": {"rows": chosen, "columns": [], "cells": []}},
        column_config=columns,
    )


def _first_listed(current: Session, rows: NDArray[np.int64]) -> int:
    """Where the list starts: where it did, unless what was picked elsewhere would be out of sight."""
    listing = current.own(Listing)
    if listing.selections != current.selections:
        listing.selections, listing.first = current.selections, 0
    if listing.picks != current.picks:
        listing.picks = current.picks
        place = np.flatnonzero(rows == current.picked)
        if len(place) and not listing.first <= place[0] < listing.first + _IN_SIGHT:
            listing.first = max(int(place[0]) - 3, 0)
    if listing.first >= len(rows):
        listing.first = 0
    return listing.first


def _list_from(first: int) -> None:
    session().own(Listing).first = first


def _columns(table: pd.DataFrame, labelled: bool) -> dict[str, ColumnConfig]:
    """How each column is shown: ours as we like, the file's texts as nothing but text."""
    columns: dict[str, ColumnConfig] = {}
    for name in map(str, table):
        is_text = pd.api.types.infer_dtype(table[name]) in ("string", "categorical")
        columns[name] = (st.column_config.TextColumn if is_text else st.column_config.Column)(name)
    columns |= {
        "rank": st.column_config.NumberColumn("Rank", help="1 is the most anomalous.", width=50),
        "id": st.column_config.TextColumn("Sample", width=98),
        "log_density": st.column_config.NumberColumn(
            "Log density", format="%.2f", help="How usual the sample is, in nats: lower is more anomalous."
        ),
        "probability": st.column_config.NumberColumn(
            "Probability",
            format="%.3f",
            width=84,
            help="Of being anomalous, read off the probability curve.",
        ),
    }
    columns["p_value"] = st.column_config.NumberColumn(
        "p-value", format="%.4f", width=78, help="The share of new normal samples that score so low or lower."
    )
    if labelled:
        what = "What the file says about this sample, or your mark where marks are used as labels."
        columns["label"] = st.column_config.TextColumn("Label", help=what, width=84)
    return columns


def _title(current: Session, screen: Screen, rows: NDArray[np.int64]) -> None:
    name = "selected on the map"
    if current.cell is not None and screen.decision.labelled:
        name = f"labelled samples: {current.cell}"
    elif current.region is None:
        st.subheader("Most anomalous samples")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"{count(len(rows))} {name}", width="stretch")
        st.button("Clear", on_click=_clear)
        score_downloads(screen, "selection", rows)


def _clear() -> None:
    session().select(None)


def _row_selected(key: str, rows: Any) -> None:
    chosen = st.session_state[key]["selection"]["rows"]
    session().picked = int(rows[chosen[0]]) if chosen else None
