"""The scores of a decision as a table: one row per inspected sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdeviz.data import MARK_LABELS, present_mark
from kdeviz.decision import Decision, ranking
from kdeviz.output.tables import Table, table_bytes

Rows = NDArray[np.integer[Any]]
"""Numbers of inspected rows."""
Marks = Mapping[str, Sequence[str]]
"""Columns "mark" and "note" of the inspected rows, as `MarkBook.columns` gives them."""


def score_bytes(
    decision: Decision, suffix: str, rows: Rows | None = None, marks: Marks | None = None
) -> bytes:
    """`scores_table` as a file with this suffix; see `tables.TABLE_WRITERS`."""
    return table_bytes(scores_table(decision, rows, marks), suffix)


def scores_table(decision: Decision, rows: Rows | None = None, marks: Marks | None = None) -> Table:
    """The inspected samples of a decision in the order of the data; `rank` 1 is the most anomalous.

    Args:
        decision: what to tell.
        rows: only these inspected rows; ranks still count all of them. None takes all.
        marks: what was decided about all (M,) inspected rows, however few are taken. When there is any mark
            or note, the columns "mark" and "note" follow "flagged". A column of the data that already has
            such a name gets "_in_file" added, unless kdeviz wrote it: a "mark" that holds nothing but
            marks was read as marks, so the present ones stand for it.
    """
    frame = ranking(decision).sort_values("row", ignore_index=True)
    if marks is not None:
        frame = _with_marks(frame, marks)
    if rows is not None:
        frame = frame[frame["row"].isin(rows)]
    about = {
        "settings": decision.analysis.settings.to_dict(),
        "threshold": decision.threshold,
        "curve": asdict(decision.curve),
        "provenance": decision.analysis.provenance,
    }
    return Table(frame, about)


def _with_marks(frame: pd.DataFrame, marks: Marks) -> pd.DataFrame:
    frame = frame.drop(columns=_marks_in_file(frame, marks))
    if not any(map(any, marks.values())):
        return frame
    names = {}
    for name in marks:
        names[name] = f"{name}_in_file"
        while names[name] in frame:
            names[name] += "_in_file"
    frame = frame.rename(columns=names)
    first = list(frame.columns).index("flagged") + 1
    for place, (name, column) in enumerate(marks.items()):
        frame.insert(first + place, name, list(column))
    return frame


def _marks_in_file(frame: pd.DataFrame, marks: Marks) -> list[str]:
    """Which columns of a table that kdeviz wrote hold marks, and notes that say nothing beyond them."""
    found, notes = list(map(present_mark, _texts(frame, "mark"))), _texts(frame, "note")
    if not {"", *MARK_LABELS}.issuperset(found):
        return []
    told = zip(notes, found, marks["note"], strict=False)
    if any(note and not mark and note != ours for note, mark, ours in told):
        return ["mark"] if any(found) else []
    return [name for name in marks if name in frame and "mark" in frame]


def _texts(frame: pd.DataFrame, name: str) -> list[str]:
    """A column as text; empty when there is none."""
    return ["" if pd.isna(value) else str(value) for value in frame[name]] if name in frame else []
