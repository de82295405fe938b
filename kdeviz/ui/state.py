"""What one browser session remembers, in one place and with types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.charts import DARK, LIGHT, Theme
from kdeviz.data import MarkBook, SampleMark, sample_keys
from kdeviz.decision import Decision, ThresholdRule
from kdeviz.ui.work.jobs import Key
from kdeviz.ui.work.loaded import Loaded, sample
from kdeviz.ui.work.mark_books import book_of
from kdeviz.ui.work.sweep_run import SweepRun

Own = TypeVar("Own")


@dataclass(frozen=True, eq=False)
class Screen:
    """Everything a page needs to draw itself: one decision on some data."""

    key: Key
    data: Loaded
    decision: Decision
    kernel: str
    fitted: Analysis
    """`analysis` as it was computed, with the labels of the file."""

    @property
    def analysis(self) -> Analysis:
        """The model and its scores, with the labels that are in use."""
        return self.decision.analysis

    @property
    def rule(self) -> ThresholdRule:
        """How the threshold was chosen."""
        assert self.decision.rule is not None  # the sidebar always has one
        return self.decision.rule

    @property
    def book(self) -> MarkBook:
        """The marks of its data."""
        return book_of(self.data)

    @property
    def keys(self) -> list[str]:
        """(M,) names of the inspected samples in the book of marks."""
        return _keys(self.fitted)

    @property
    def row_of(self) -> Mapping[str, int]:
        """The inspected row of each of these names."""
        return _places(self.fitted)

    @property
    def marks(self) -> dict[int, SampleMark]:
        """The marks by inspected row."""
        marks = self.book.marks
        rows = self.row_of if marks else {}
        return {rows[key]: mark for key, mark in marks.items() if key in rows}


@dataclass(eq=False)
class Session:
    """State of one browser session beside its widgets, as far as several panels share it.

    What only one panel needs is in a small dataclass of its own beside it, see `own`.

    Attributes:
        data: what is being looked at.
        screen: the last good result, which stays until the next is ready.
        sweeps: all that were started here or named by the address, the newest first.
        swept: the one that is looked at.
        picked: the inspected row that is ringed; see `pick`.
        picks: how often something other than the table has picked, which asks for a fresh table.
        region: the inspected rows selected on the map.
        cell: which of `CELLS` is selected.
        selections: how often something was selected, or a selection was taken back.
        unread: whether the address has yet to say what is picked and selected, see `in_address`.
    """

    data: Loaded
    screen: Screen | None = None
    sweeps: list[SweepRun] = field(default_factory=list)
    swept: SweepRun | None = None
    picked: int | None = None
    picks: int = 0
    region: NDArray[np.int64] | None = None
    cell: str | None = None
    selections: int = 0
    unread: bool = True
    _own: dict[type, Any] = field(default_factory=dict)

    def own(self, kind: type[Own]) -> Own:
        """The state of one panel: the one instance of this class that the session has."""
        if kind not in self._own:
            self._own[kind] = kind()
        state: Own = self._own[kind]
        return state

    def use(self, data: Loaded) -> None:
        """Look at other data: picks and selections were about the old one."""
        self.data, self.unread = data, False
        self._leave()

    def show(self, screen: Screen) -> None:
        """Put this on the screen; picks and selections stay if it is about the same data."""
        if self.screen is not None and self.screen.data is not screen.data:
            self._leave()
        self.screen = screen

    def _leave(self) -> None:
        """What was picked and selected is about data that are no longer looked at."""
        self.select(None)
        self.select_cell(None)
        self.pick(None)

    def relabelled(self, fitted: Analysis, book: MarkBook) -> Analysis:
        """The analysis with marks in place of labels, where that is wished."""
        if not st.session_state.get("marks_as_labels") or not len(book):
            return fitted
        labels = book.labels(_keys(fitted), fitted.inspected.labels)
        if self.screen is not None and self.screen.fitted is fitted:
            shown = self.screen.analysis.inspected.labels
            if shown is not None and np.array_equal(shown, labels):
                return self.screen.analysis
        return fitted.relabelled(labels)

    def select(self, region: NDArray[np.int64] | None) -> None:
        """Narrow the table down to these inspected rows; None takes that back."""
        self.region = region
        self.selections += 1

    def select_cell(self, cell: str | None) -> None:
        """Narrow the table down to a cell of the confusion table; None takes that back."""
        self.cell = cell
        self.selections += 1

    def pick(self, row: int | None) -> None:
        """Ring this inspected row, and highlight it in the table."""
        self.picked = row
        self.picks += 1


@cached
def _keys(analysis: Analysis) -> list[str]:
    return sample_keys(analysis.inspected.ids)


@cached
def _places(analysis: Analysis) -> Mapping[str, int]:
    return {key: row for row, key in enumerate(_keys(analysis))}


def session() -> Session:
    """This browser's session, with the sample set at first."""
    if "session" not in st.session_state:
        st.session_state["session"] = Session(sample())
    kept: Session = st.session_state["session"]
    return kept


def theme() -> Theme:
    """Light or dark, as the page is now."""
    return DARK if st.context.theme.type == "dark" else LIGHT
