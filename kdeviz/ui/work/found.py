"""Which samples the table lists: those that pass search, filters, map selection and confusion cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kdeviz.decision import (
    BY_RANK,
    Filter,
    Mask,
    Order,
    Query,
    Samples,
    in_order,
    matching,
    possible,
    rank_order,
    sample_columns,
)
from kdeviz.ui.state import Screen, Session
from kdeviz.ui.widgets.address import say, say_all
from kdeviz.ui.widgets.history import is_going_back
from kdeviz.ui.work.filter_texts import MOST_FILTERS, filter_of, order_of, order_text, text_of

SEARCH, FILTER, ORDER = "find", "filter", "sort"
"""Keys in the address: of the search field's widget, of the filters, and of the order."""
LONGEST_SEARCH = 200


class Said(NamedTuple):
    """What the address says of filters and order."""

    filters: tuple[str, ...] = ()
    order: str | None = None


class Found(NamedTuple):
    """The samples that pass everything."""

    samples: Samples
    kept: Mask
    """(M,) True for those that pass."""
    rows: NDArray[np.int64]
    """Those, as they are listed."""
    query: Query
    """What was asked of them, without filters that the data cannot answer."""
    narrowed: bool
    """Whether anything was asked or selected."""


@dataclass(eq=False)
class Finding:
    """What a session asks for, and the last answer.

    Attributes:
        filters: of single columns.
        order: how what is found is listed.
        asked: how often any of this changed.
        origin: the data that the filters are about.
        told: filters and order as the address had them last.
    """

    filters: tuple[Filter, ...] = ()
    order: Order = BY_RANK
    asked: int = 0
    origin: str | None = None
    told: Said | None = None
    _about: tuple[Any, ...] = ()
    _latest: Found | None = None

    def put(self, *filters: Filter) -> None:
        """Add filters; of a column that has one already, in its place."""
        new = {one.column for one in filters}
        kept = tuple(one for one in self.filters if one.column not in new)
        self._use((*kept, *filters)[-MOST_FILTERS:])

    def drop(self, one: Filter) -> None:
        """Do without this filter."""
        self._use(tuple(other for other in self.filters if other != one))

    def clear(self) -> None:
        """Do without any filter."""
        self._use(())

    def sort(self, order: Order) -> None:
        """List what is found in this order."""
        self._use(self.filters, order)

    def follow_address(self, origin: str) -> None:
        """Take over filters and order of the address that are not those written last; other data begin anew.

        Streamlit empties the address where another page is opened: that takes nothing away.
        """
        said = Said(tuple(st.query_params.get_all(FILTER)), st.query_params.get(ORDER))
        if self.told is None or is_going_back() or said not in (Said(), self.told):
            self.told = said
            read = (one for one in map(filter_of, said.filters) if one is not None)
            self.filters = tuple(read)[:MOST_FILTERS]
            self.order = order_of(said.order or "") or BY_RANK
            self.asked += 1
        elif self.origin not in (None, origin):
            self._use((), BY_RANK)
        elif said != self.told:
            self._tell()
        self.origin = origin

    def _use(self, filters: tuple[Filter, ...], order: Order | None = None) -> None:
        self.filters, self.order = filters, order or self.order
        self.asked += 1
        self._tell()

    def _tell(self) -> None:
        """Write filters and order into the address."""
        order = None if self.order == BY_RANK else order_text(self.order)
        self.told = Said(tuple(map(text_of, self.filters)), order)
        say(ORDER, order)
        say_all(FILTER, self.told.filters)

    def answer(self, current: Session, screen: Screen) -> Found:
        """What is found on this screen; the same again while nothing has changed."""
        self.follow_address(current.data.origin)  # which may still be fitted
        text = str(st.session_state.get(SEARCH, st.query_params.get(SEARCH, ""))).strip()[:LONGEST_SEARCH]
        decision = screen.decision  # a new one in each run of the page
        decided = (decision.analysis, decision.threshold, decision.curve, screen.fitted)
        about = (*decided, screen.book.changes, text, self.asked, current.selections)
        if self._latest is None or about != self._about:
            self._about, self._latest = about, self._find(current, screen, text)
        return self._latest

    def _find(self, current: Session, screen: Screen, text: str) -> Found:
        samples = sample_columns(screen.decision, screen.fitted, screen.marks)
        filters = tuple(one for one in self.filters if possible(samples.columns, one))
        query, selections = Query(text, filters), _selections(current, screen)
        kept = _kept(samples, query, selections)
        by_rank = rank_order(screen.analysis).rows
        rows, column = by_rank[kept[by_rank]], samples.columns.get(self.order.column)
        if column is not None and self.order != BY_RANK:
            rows = in_order(column, rows, self.order.descending)
        return Found(samples, kept, rows, query, bool(query) or bool(selections))

    def kept_but_for(self, column: str, current: Session, screen: Screen) -> Mask:
        """(M,) True for the samples that pass everything but the filter of this column."""
        answer = self.answer(current, screen)
        others = tuple(one for one in answer.query.filters if one.column != column)
        if others == answer.query.filters:
            return answer.kept
        return _kept(answer.samples, Query(answer.query.text, others), _selections(current, screen))


def _selections(current: Session, screen: Screen) -> list[NDArray[np.int64]]:
    """The rows selected on the map and in the confusion table."""
    cell = current.cell if screen.decision.labelled else None
    chosen = [current.region, None if cell is None else screen.decision.rows_in_cell(cell)]
    return [rows for rows in chosen if rows is not None]


def _kept(samples: Samples, query: Query, selections: list[NDArray[np.int64]]) -> Mask:
    kept = matching(*samples, query)
    for selection in selections:
        kept &= np.isin(np.arange(len(kept)), selection, kind="table")
    return kept


def found(current: Session, screen: Screen) -> Found:
    """The samples that the table lists, and how they were asked for."""
    return current.own(Finding).answer(current, screen)
