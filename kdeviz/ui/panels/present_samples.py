"""Samples for a room: the typical ones, and the one that is spoken of beside the normal one most like it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from kdeviz import charts, explain
from kdeviz.decision import rank_order
from kdeviz.output import why
from kdeviz.ui.panels.shown_text import text_column
from kdeviz.ui.state import Screen, session, theme
from kdeviz.ui.widgets.plots import clicked_number, show_figure
from kdeviz.ui.widgets.portraits import Portrait, show_portraits
from kdeviz.ui.widgets.tiles import Tile, show_tiles, tiles_of
from kdeviz.wording import count, one_line

if TYPE_CHECKING:
    from kdeviz.data import EmbeddingSet
    from kdeviz.ui.panels.present_pictures import Talk

_TOP, _LONGEST_TEXT, _SHORT_TEXT = 8, 300, 60
_TOP_KEY = "present_top"
_TOP_HEIGHT = 92
"""Pixels for names of the most unusual samples."""


def shows_samples(samples: EmbeddingSet) -> bool:
    """Whether there is anything to see of a sample but numbers."""
    return samples.thumbnails is not None or bool(samples.text_columns)


def has_portraits(talk: Talk) -> bool:
    """Whether the samples to judge have pictures or texts."""
    return shows_samples(talk.screen.analysis.inspected)


def has_features(talk: Talk) -> bool:
    """Whether the numbers have names."""
    return talk.screen.analysis.inspected.feature_names is not None


def top_rows(screen: Screen, picked: int | None) -> list[int]:
    """The most unusual samples, and the one that is spoken of."""
    rows: list[int] = rank_order(screen.analysis).rows[:_TOP].tolist()
    return rows if picked is None or picked in rows else [*rows[: _TOP - 1], picked]


def show_typical(screen: Screen, wanted: int) -> None:
    """Draw typical samples with the numbers that they have on the map."""
    analysis = screen.analysis
    rows = analysis.fitted_on[explain.typical(analysis, wanted)].tolist()
    notes = [str(place + 1) for place in range(len(rows))]
    tiles = [tile._replace(name="") for tile in tiles_of(analysis.train, rows, notes, text_column())]
    with st.container(key="present_typical"):
        show_tiles(tiles, "present_tiles", "Typical normal samples", screen.key, _nothing)


def show_samples(talk: Talk) -> None:
    """Draw one sample and the normal one most like it, above the most unusual ones."""
    screen, row = talk.screen, _spoken_of(talk)
    analysis = screen.analysis
    explanation = explain.beside_normal(screen.decision, row)
    nearest = int(explanation.neighbours.rows[0])
    words = why(screen.decision, row, explanation)
    here = _portrait(analysis.inspected, row, _verdict(screen, row), words)
    there = _portrait(analysis.train, nearest, "The normal sample most like it", ())
    with st.container(key="present_portraits"):
        show_portraits((here, there), "portraits")
    _show_top(screen, row)


def show_features(talk: Talk) -> None:
    """Draw which measurements of one sample are unusual, above the most unusual ones."""
    screen, row = talk.screen, _spoken_of(talk)
    name, words = _name(screen, row), why(screen.decision, row)
    with st.container(key="present_words"):
        st.text(" ".join((f"{name}: {_verdict(screen, row).lower()}.", *words)))
    figure = charts.plain_features(screen.decision, row, theme())
    below = talk.below + _TOP_HEIGHT
    show_figure(figure, "present_features", f"Measurements of {name}", 300, screen.key, below=below)
    _show_top(screen, row)


def _spoken_of(talk: Talk) -> int:
    return int(rank_order(talk.screen.analysis).rows[0]) if talk.picked is None else talk.picked


def _name(screen: Screen, row: int) -> str:
    return one_line(str(screen.analysis.inspected.ids[row]), 40)


def _verdict(screen: Screen, row: int) -> str:
    order = rank_order(screen.analysis)
    flagged = "Flagged" if screen.decision.flagged[row] else "Not flagged"
    return f"{flagged}, number {count(int(order.ranks[row]))} of {count(len(order.rows))}"


def _portrait(samples: EmbeddingSet, row: int, title: str, words: tuple[str, ...]) -> Portrait:
    picture = samples.thumbnail_uri(row, every_pixel=True)
    (text,) = samples.texts([row], text_column()) if picture is None else ("",)
    return Portrait(title, one_line(str(samples.ids[row]), 40), picture, one_line(text, _LONGEST_TEXT), words)


def _show_top(screen: Screen, row: int) -> None:
    """The most unusual samples, to choose the one that is spoken of."""
    rows = top_rows(screen, row)
    ranks = rank_order(screen.analysis).ranks
    inspected = screen.analysis.inspected
    notes = [f"number {count(int(ranks[each]))}" for each in rows]
    tiles = [_short(tile) for tile in tiles_of(inspected, rows, notes, text_column())]
    with st.container(key="present_top_tiles"):
        show_tiles(tiles, _TOP_KEY, "The most unusual samples", screen.key, _pick, row)


def _short(tile: Tile) -> Tile:
    """Its picture or its text; where it has neither, its name."""
    seen = tile.picture or tile.text
    return tile._replace(text=one_line(tile.text, _SHORT_TEXT), name="" if seen else one_line(tile.name, 16))


def _pick() -> None:
    row = clicked_number(_TOP_KEY)
    if row is not None:
        session().pick(int(row))


def step_sample(by: int) -> None:
    """Speak of the sample that is one more or one less unusual."""
    current = session()
    if current.screen is None:
        return
    rows = rank_order(current.screen.analysis).rows
    at = 0 if current.picked is None else int(np.flatnonzero(rows == current.picked)[0])
    current.pick(int(rows[min(max(at + by, 0), len(rows) - 1)]))


def _nothing() -> None:
    """The typical samples are there to be seen."""
