"""What one browser session remembers, in one place and with types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, Preview, cached
from kdeviz.charts import DARK, LIGHT, Theme
from kdeviz.data import EmbeddingSet, MarkBook, SampleMark, sample_keys
from kdeviz.decision import Decision, ThresholdRule
from kdeviz.ui.numbering import Numbering, Renumbered
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
    def preview(self) -> Preview | None:
        """Of what this is a preview; None once all rows are scored."""
        return self.fitted.preview

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
    def told(self) -> tuple[object, ...]:
        """Equal for screens of which a kept run, or a report, would tell the same."""
        decision = self.decision
        return self.key, decision.rule, decision.threshold, decision.curve, self.analysis, self.book.changes

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
        screen: the last good result about it, which stays until the next is ready.
        sweeps: all that were started here or named by the address, the newest first.
        swept: the one that is looked at.
        picked: the inspected row that is ringed; see `pick`.
        neighbour: the training row that is looked at, and ringed, in place of it.
        picks: how often something other than the table has picked, which asks for a fresh table.
        region: the inspected rows selected on the map.
        missed: the number of a picked row that is not in the preview on the screen; see `Numbering`.
        chosen: the numbers of the selected rows, where the preview on the screen has not all of them.
        cell: which of `CELLS` is selected.
        selections: how often something was selected, or a selection was taken back.
        unread: whether the address has yet to say what is picked and selected, see `in_address`.
    """

    data: Loaded
    screen: Screen | None = None
    sweeps: list[SweepRun] = field(default_factory=list)
    swept: SweepRun | None = None
    picked: int | None = None
    neighbour: int | None = None
    picks: int = 0
    region: NDArray[np.int64] | None = None
    cell: str | None = None
    selections: int = 0
    unread: bool = True
    missed: int | None = None
    chosen: NDArray[np.int64] | None = None
    _own: dict[type, Any] = field(default_factory=dict)

    def own(self, kind: type[Own]) -> Own:
        """The state of one panel: the one instance of this class that the session has."""
        if kind not in self._own:
            self._own[kind] = kind()
        state: Own = self._own[kind]
        return state

    def use(self, data: Loaded) -> None:
        """Look at other data: what is on the screen, picks and selections were about the old one."""
        self.data, self.screen, self.unread = data, None, False
        self._leave()

    def show(self, screen: Screen | None) -> None:
        """Put this on the screen, or nothing; picks and selections stay if it is about the same data."""
        before, self.screen = self.screen, screen
        if before is not None and screen is not None and before.data is screen.data:
            self._renumber(Numbering(before.preview, screen.preview))
        elif before is not None:
            self._leave()

    def _renumber(self, numbering: Numbering) -> None:
        """Picks and selections are of rows as a preview numbers them, or as the whole does."""
        missed, chosen = self.missed, self.chosen
        if not numbering.stays:
            for state in self._own.values():
                if isinstance(state, Renumbered):
                    state.renumber(numbering)
            if self.region is not None:
                self.region = numbering.rows(self.region)
            if self.picked is not None:
                number = numbering.number(self.picked)
                self.picked = numbering.row(self.picked)
                self.missed = number if self.picked is None else None
        if chosen is not None:
            self.region = numbering.found(chosen)
        if missed is not None and (row := self._numbering.back.row(missed)) is not None:
            self.picked, self.missed = row, None  # a neighbour that the address named with it stays
            self.picks += 1

    @property
    def _numbering(self) -> Numbering:
        """From the rows on the screen to all rows."""
        return Numbering(None if self.screen is None else self.screen.preview, None)

    @property
    def picked_number(self) -> int | None:
        """Which of all rows is picked."""
        return self.missed if self.picked is None else self._numbering.row(self.picked)

    @property
    def region_numbers(self) -> NDArray[np.int64] | None:
        """Which of all rows are selected."""
        if self.region is None or self.chosen is not None:
            return self.chosen
        return self._numbering.rows(self.region)

    def pick_number(self, number: int | None) -> None:
        """Pick one of all rows; in a preview without it, as soon as it is there."""
        row = None if number is None else self._numbering.back.row(number)
        self.pick(row)
        self.missed = number if row is None else None

    def select_numbers(self, numbers: NDArray[np.int64] | None) -> None:
        """Select these of all rows; in a preview, those of them that it has."""
        self.select(None if numbers is None else self._numbering.back.rows(numbers))
        self.chosen = numbers

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
        self.region, self.chosen = region, None
        self.selections += 1

    def select_cell(self, cell: str | None) -> None:
        """Narrow the table down to a cell of the confusion table; None takes that back."""
        self.cell = cell
        self.selections += 1

    def pick(self, row: int | None) -> None:
        """Ring this inspected row, and highlight it in the table."""
        self.pick_listed(row)
        self.picks += 1

    def pick_listed(self, row: int | None) -> None:
        """The same, where the table has it highlighted already."""
        self.picked, self.missed, self.neighbour = row, None, None


@cached
def _keys(analysis: Analysis) -> list[str]:
    if analysis.preview is None:
        return _keys_of(analysis.inspected)
    keys = _keys_of(analysis.preview.whole)
    return [keys[row] for row in analysis.preview.rows.tolist()]


@cached
def _keys_of(samples: EmbeddingSet) -> list[str]:
    return sample_keys(samples.ids)


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
