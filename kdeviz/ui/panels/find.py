"""Finding samples: a search over all of them, filters of single columns, and the order they are listed in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import streamlit as st

from kdeviz.decision import BY_RANK, Between, Column, Filter, Holds, Mask, Numbers, OneOf, Order, Values
from kdeviz.ui.state import Screen, Session, session
from kdeviz.ui.widgets.help import HELP
from kdeviz.ui.widgets.parameters import Possible, shorter
from kdeviz.ui.widgets.text import literal
from kdeviz.ui.work.filter_texts import filter_of, order_of
from kdeviz.ui.work.found import FILTER, LONGEST_SEARCH, ORDER, SEARCH, Finding, Found
from kdeviz.wording import count, plain_number

_ADD, _COLUMN, _SORT = "add_filter", "filter_column", "sort_by"
_NO_VALUE = "no value"
_SORTED_FIRST = ("rank", "id", "verdict", "label", "mark", "note")
_FILTERED_FIRST = ("verdict", "label", "mark")


def address() -> dict[str, Possible]:
    """What the address may ask for."""
    return {
        SEARCH: shorter(LONGEST_SEARCH),
        FILTER: lambda text: filter_of(text) is not None,
        ORDER: lambda text: order_of(text) is not None,
    }


def show_find(current: Session, screen: Screen, found: Found) -> None:
    """Draw the search field, filters and order, and what is asked for so far, each to be taken back."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="find_row"):
        st.text_input(
            "Search all samples",
            key=SEARCH,
            type="search",
            placeholder=f"Search all {count(len(found.kept))} samples: id, text, any column",
            bind="query-params",
            live="400ms",
            label_visibility="collapsed",
            help=HELP["find"],
        )
        _add_filter(current, screen, found.samples.columns)
        _sort(current.own(Finding), found.samples.columns)
    _chips(current, screen, found)


# --- filters


def _add_filter(current: Session, screen: Screen, columns: Mapping[str, Column]) -> None:
    with st.popover("Add filter", icon=":material/filter_list:", key=_ADD, on_change="rerun"):
        if not st.session_state.get(_ADD):
            return
        name = st.selectbox("Column", _in_order(columns, _FILTERED_FIRST), key=_COLUMN, help=HELP[_COLUMN])
        if name in columns:
            _ask(name, columns[name], current.own(Finding).kept_but_for(name, current, screen))
            args = (name, columns[name])
            st.button("Add", type="primary", width="stretch", on_click=_put, args=args, key="put_filter")


def _in_order(columns: Mapping[str, Column], first: tuple[str, ...]) -> list[str]:
    return [*(name for name in first if name in columns), *(name for name in columns if name not in first)]


def _ask(name: str, column: Column, kept: Mask) -> None:
    """Draw what can be asked of this column, of the samples that pass everything else."""
    if isinstance(column, Values):
        names = zip((*column.names, ""), column.counts(kept), strict=True)
        counts = {value: count(int(n)) for value, n in names if n}
        st.pills(
            "Values",
            list(counts),
            selection_mode="multi",
            format_func=lambda value: literal(f"{value or _NO_VALUE} ({counts.get(value, 0)})"),
            key=f"values_{name}",
            help=HELP["filter_values"],
        )
    elif isinstance(column, Numbers):
        ends = zip(st.columns(2), ("From", "To"), map(plain_number, column.ends(kept)), strict=True)
        for place, side, end in ends:
            place.number_input(
                side,
                value=None,
                placeholder=end,
                key=f"{side}_{name}",
                format="%g",
                help=HELP["filter_end"],
            )
    else:
        st.text_input("Holds", key=f"holds_{name}", help=HELP["filter_text"])


def _said(name: str, column: Column) -> Filter | None:
    """What is asked of it now, if anything."""
    state = st.session_state
    if isinstance(column, Values):
        chosen = state.get(f"values_{name}")
        return OneOf(name, tuple(chosen)) if chosen else None
    if isinstance(column, Numbers):
        low, high = state.get(f"From_{name}"), state.get(f"To_{name}")
        ends = (-math.inf if low is None else low, math.inf if high is None else high)
        return None if low is None and high is None else Between(name, *ends)
    text = (state.get(f"holds_{name}") or "").strip()[:LONGEST_SEARCH]
    return Holds(name, text) if text else None


def _put(name: str, column: Column) -> None:
    """Take over what was asked; until something was, the popover stays open."""
    if (one := _said(name, column)) is not None:
        st.session_state[_ADD] = False
        session().own(Finding).put(one)


# --- order


def _sort(finding: Finding, columns: Mapping[str, Column]) -> None:
    names = _in_order(columns, _SORTED_FIRST)
    order = finding.order if finding.order.column in columns else BY_RANK
    st.session_state[_SORT] = order.column
    st.selectbox(
        "Sort by",
        names,
        key=_SORT,
        format_func=lambda name: f"Sort by {name}",
        on_change=_sort_by,
        label_visibility="collapsed",
        width=190,
        help=HELP[_SORT],
    )
    st.button(
        "Descending" if order.descending else "Ascending",
        icon=":material/arrow_downward:" if order.descending else ":material/arrow_upward:",
        key="sort_direction",
        on_click=finding.sort,
        args=(Order(order.column, not order.descending),),
        help="Press to turn the order round. Samples without a value come last either way.",
    )


def _sort_by() -> None:
    session().own(Finding).sort(Order(st.session_state[_SORT]))


# --- what is asked for


def _chips(current: Session, screen: Screen, found: Found) -> None:
    """A small button for each filter and selection, which takes it back; the search field clears itself."""
    asked = list(_asked(current, screen, found))
    if not asked:
        return
    with st.container(horizontal=True, gap="xsmall", key="chips", vertical_alignment="center"):
        for place, (words, take_back) in enumerate(asked):
            st.button(
                literal(words),
                key=f"chip_{place}",
                icon=":material/close:",
                icon_position="right",
                on_click=take_back[0],
                args=take_back[1:],
                help="Press to remove.",
            )
        st.button("Clear all", key="clear_all", type="tertiary", on_click=clear_all)


def _asked(current: Session, screen: Screen, found: Found) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for one in found.query.filters:
        yield one.words, (current.own(Finding).drop, one)
    if current.region is not None:
        yield f"{count(len(current.region))} selected on the map", (current.select, None)
    if current.cell is not None and screen.decision.labelled:
        yield current.cell.capitalize(), (current.select_cell, None)


def clear_all() -> None:
    """Ask for all samples again: no search, no filter, no selection."""
    current = session()
    st.session_state[SEARCH] = ""
    current.own(Finding).clear()
    current.select(None)
    current.select_cell(None)
