"""Which sample is picked and which are selected, in the page's address."""

from __future__ import annotations

import streamlit as st

from kdeviz.decision import CELLS
from kdeviz.ui.state import Session
from kdeviz.ui.widgets.address import say
from kdeviz.ui.widgets.parameters import Possible, among, whole
from kdeviz.ui.work.loaded import Loaded
from kdeviz.ui.work.reading import FileReading
from kdeviz.ui.work.row_text import rows_of, text_of

_PICKED, _NEIGHBOUR, _SELECTED, _CELL = "sample", "neighbour", "selected", "cell"


def address(data: Loaded) -> dict[str, Possible]:
    """What the address may say of samples: a picked one and its neighbour, a selection, a confusion cell."""
    total = len(data.inspected)
    training = 0 if data.score is None else len(data.train)
    return {
        _PICKED: whole(0, total - 1),
        _NEIGHBOUR: whole(0, training - 1),
        _SELECTED: lambda text: rows_of(text, total) is not None,
        _CELL: among(CELLS),
    }


def follow_address(current: Session) -> None:
    """Once the data are on the screen, pick and select what the address says; later, let it say what is.

    After the browser's Back and Forward the address is asked again.
    """
    if current.screen is None or current.screen.data is not current.data:
        return
    if current.unread and current.own(FileReading).task is not None:
        return  # what it says may be about the rows as they are being read
    if current.unread:
        current.unread = False
        _read(current)
    else:
        write_address(current)


def write_address(current: Session) -> None:
    """Let the address say what is picked and selected now."""
    total, region, picked = len(current.data.inspected), current.region_numbers, current.picked_number
    say(_PICKED, None if picked is None else str(picked))
    say(_NEIGHBOUR, None if current.neighbour is None else str(current.neighbour))
    say(_SELECTED, None if region is None else text_of(region, total))
    say(_CELL, current.cell)


def forget() -> None:
    """Other data were chosen: what the address says is about those before."""
    for name in (_PICKED, _NEIGHBOUR, _SELECTED, _CELL):
        say(name, None)


def _read(current: Session) -> None:
    said = {name: st.query_params[name] for name in address(current.data) if name in st.query_params}
    text = said.get(_SELECTED)
    current.select_numbers(None if text is None else rows_of(text, len(current.data.inspected)))
    current.select_cell(said.get(_CELL))
    current.pick_number(int(said[_PICKED]) if _PICKED in said else None)
    current.neighbour = int(said[_NEIGHBOUR]) if _NEIGHBOUR in said else None
