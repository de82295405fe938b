"""Samples that can be clicked: pictures side by side, or texts one below the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from kdeviz.data import EmbeddingSet
from kdeviz.wording import one_line

_LONGEST_TEXT = 160
_tiles = st.components.v2.component(
    "kdeviz.tiles", js=Path(__file__).with_name("tiles.js").read_text("utf-8"), isolate_styles=False
)


class Tile(NamedTuple):
    """One sample; its name and text are what a file says, and are shown as nothing but text."""

    point: int
    """What a click tells."""
    name: str
    note: str
    text: str
    picture: str | None
    """A data URI."""


def tiles_of(
    samples: EmbeddingSet, rows: Sequence[int], notes: Sequence[str], text_column: str | None = None
) -> list[Tile]:
    """Tiles of some rows with a note each; with pictures where there are any, else with texts."""
    pictures = [samples.thumbnail_uri(row) for row in rows]
    texts = [""] * len(rows) if any(pictures) else samples.texts(rows, text_column)
    return [
        Tile(row, str(samples.ids[row]), note, one_line(text, _LONGEST_TEXT), picture)
        for row, note, text, picture in zip(rows, notes, texts, pictures, strict=True)
    ]


def show_tiles(
    tiles: Sequence[Tile],
    key: str,
    alt: str,
    about: object,
    on_click: Callable[[], None],
    at: int | None = None,
) -> None:
    """Draw them; in `on_click`, `plots.clicked_number` says which one was clicked.

    Args:
        tiles: what is drawn.
        key: of the tiles, on their page.
        alt: what a screen reader says of all of them.
        about: what they depend on; clicks on what was drawn about something else do not count.
        on_click: called when one is clicked.
        at: the `point` of the one that is looked at; None for no such choice.
    """
    st.session_state[f"about_{key}"] = repr(about)
    content = {"tiles": [tile._asdict() for tile in tiles], "about": repr(about), "alt": alt, "at": at}
    _tiles(key=key, data=json.dumps(content).encode(), on_clicked_change=on_click)
