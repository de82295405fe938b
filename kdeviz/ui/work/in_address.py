"""Which sample is picked and which are selected, in the page's address."""

from __future__ import annotations

import base64
import hashlib
import zlib
from functools import lru_cache

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kdeviz.decision import CELLS
from kdeviz.ui.state import Session
from kdeviz.ui.widgets.address import say
from kdeviz.ui.widgets.parameters import Possible, among, whole
from kdeviz.ui.work.loaded import Loaded
from kdeviz.ui.work.reading import FileReading
from kdeviz.ui.work.shared import SharedCache

_PICKED, _NEIGHBOUR, _SELECTED, _CELL = "sample", "neighbour", "selected", "cell"
_LONGEST = 4000
"""Characters; of a longer one the server keeps the rows, and the address their digest."""
_DIGEST = "digest-"
_MOST_KEPT = 200


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
        _write(current)


def _read(current: Session) -> None:
    said, text = st.query_params, st.query_params.get(_SELECTED)
    current.select_numbers(None if text is None else rows_of(text, len(current.data.inspected)))
    current.select_cell(said.get(_CELL))
    current.pick_number(int(said[_PICKED]) if _PICKED in said else None)
    current.neighbour = int(said[_NEIGHBOUR]) if _NEIGHBOUR in said else None


def _write(current: Session) -> None:
    total, region, picked = len(current.data.inspected), current.region_numbers, current.picked_number
    say(_PICKED, None if picked is None else str(picked))
    say(_NEIGHBOUR, None if current.neighbour is None else str(current.neighbour))
    say(_SELECTED, None if region is None else text_of(region, total))
    say(_CELL, current.cell)


def forget() -> None:
    """Other data were chosen: what the address says is about those before."""
    for name in (_PICKED, _NEIGHBOUR, _SELECTED, _CELL):
        say(name, None)


def text_of(rows: NDArray[np.int64], total: int) -> str:
    """What `rows_of` reads back: the selected rows of so many.

    It is a bit for each row, packed. Where that is too long for an address, it is good on this server only,
    and while that runs.
    """
    mask = np.zeros(total, bool)
    mask[rows] = True
    packed = zlib.compress(np.packbits(mask).tobytes(), 9)
    text = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    if len(text) <= _LONGEST:
        return text
    digest = _DIGEST + hashlib.blake2b(packed, digest_size=16).hexdigest()
    _long_ones()[digest] = packed
    return digest


def rows_of(text: str, total: int) -> NDArray[np.int64] | None:
    """The rows, ascending; None if the text says nothing about so many rows."""
    packed = _long_ones().get(text) if text.startswith(_DIGEST) else _decoded(text)
    return None if packed is None else _unpacked(packed, total)


@lru_cache(64)
def _unpacked(packed: bytes, total: int) -> NDArray[np.int64] | None:
    wanted = -(-total // 8)
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(packed, wanted + 1)  # an address may ask for any amount of memory
    except zlib.error:
        return None
    bits = np.unpackbits(np.frombuffer(content, np.uint8)).astype(bool)
    if len(content) != wanted or bits[total:].any():
        return None
    rows = np.flatnonzero(bits)
    rows.flags.writeable = False  # whoever asks next gets the same
    return rows


def _decoded(text: str) -> bytes | None:
    if len(text) > _LONGEST:
        return None
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError:
        return None


@st.cache_resource(show_spinner=False)
def _long_ones() -> SharedCache[str, bytes]:
    """The last selections that are too long for an address."""
    return SharedCache(_MOST_KEPT)
