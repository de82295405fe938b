"""The pictures of the five steps, by what people are offered: charts, samples, and measurements of one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from kdeviz import charts, explain
from kdeviz.charts import ComponentAxes, MapAxes, SeparatingAxes, Theme
from kdeviz.data import EmbeddingSet
from kdeviz.decision import Decision, rank_order
from kdeviz.errors import KdevizError
from kdeviz.output import why
from kdeviz.sweep import Stability
from kdeviz.ui.panels.looked_at import pick_clicked
from kdeviz.ui.panels.shown_text import text_column
from kdeviz.ui.state import Screen, session, theme
from kdeviz.ui.widgets.plots import MOST_FLAGGED, show_figure
from kdeviz.ui.widgets.portraits import Portrait, show_portraits
from kdeviz.ui.widgets.text import plain_warning
from kdeviz.ui.widgets.tiles import Tile, show_tiles, tiles_of
from kdeviz.wording import capital, count, one_line

_N_TYPICAL = 8
_KEY = "present_chart"
_TOP, _LONGEST_TEXT, _SHORT_TEXT, _LONGEST_NAME = 8, 300, 60, 40
_TOP_KEY = "present_top"
_TOP_HEIGHT = 92
"""Pixels for names of the most unusual samples."""


class Talk(NamedTuple):
    """What is told, and about which sample."""

    screen: Screen
    picked: int | None
    stability: Stability | None
    alt: str
    """What a screen reader says of a chart: the sentences above it."""
    below: int
    """Pixels to leave free below a chart."""


class Picture(NamedTuple):
    """One way to show a step."""

    show: Callable[[Talk], None]
    offered: Callable[[Talk], bool]
    samples: bool = False
    """Whether people go from sample to sample on it."""


def _chart(talk: Talk, draw: Callable[[], go.Figure], clickable: bool = False) -> None:
    try:
        figure = draw()
    except KdevizError as error:
        plain_warning(f"{capital(str(error))}.")
        return
    on_click = partial(pick_clicked, _KEY) if clickable else None
    show_figure(figure, _KEY, talk.alt, 300, talk.screen.key, on_click, below=talk.below)


def _drawn(talk: Talk, draw: Callable[[Decision, Theme], go.Figure]) -> None:
    _chart(talk, lambda: draw(talk.screen.decision, theme()))


def _normal(talk: Talk) -> None:
    analysis = talk.screen.analysis
    ringed = explain.typical(analysis, _N_TYPICAL).tolist() if shows_samples(analysis.train) else []
    _chart(talk, lambda: charts.normal_map(talk.screen.decision, ComponentAxes(), ringed, theme()))


def _map(talk: Talk, draw: Callable[..., go.Figure], axes: MapAxes) -> None:
    about = talk.screen.decision, axes, talk.picked, theme()
    _chart(talk, lambda: draw(*about, most_flagged=MOST_FLAGGED), clickable=True)


def _histogram(talk: Talk) -> None:
    _chart(talk, lambda: charts.plain_histogram(talk.screen.decision, talk.picked, theme()))


def _again(talk: Talk) -> None:
    if (found := talk.stability) is not None:
        inspected = talk.screen.analysis.inspected
        _chart(talk, lambda: charts.without_title(charts.strip(found, inspected, theme())))


def show_typical(screen: Screen) -> None:
    """Draw typical samples with the numbers that they have on the map."""
    analysis = screen.analysis
    rows = analysis.fitted_on[explain.typical(analysis, _N_TYPICAL)].tolist()
    notes = [str(place + 1) for place in range(len(rows))]
    tiles = [tile._replace(name="") for tile in tiles_of(analysis.train, rows, notes, text_column())]
    with st.container(key="present_typical"):
        show_tiles(tiles, "present_tiles", "Typical normal samples", screen.key, _nothing)


def _nothing() -> None:
    """The typical samples are there to be seen."""


def _samples(talk: Talk) -> None:
    """One sample and the normal one most like it, above the most unusual ones."""
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


def _measurements(talk: Talk) -> None:
    """Which measurements of one sample are unusual, above the most unusual ones."""
    screen, row = talk.screen, _spoken_of(talk)
    name, words = _name(screen.analysis.inspected, row), why(screen.decision, row)
    with st.container(key="present_words"):
        st.text(" ".join((f"{name}: {_verdict(screen, row).lower()}.", *words)))
    figure = charts.plain_features(screen.decision, row, theme())
    below = talk.below + _TOP_HEIGHT
    show_figure(figure, "present_features", f"Measurements of {name}", 300, screen.key, below=below)
    _show_top(screen, row)


def _spoken_of(talk: Talk) -> int:
    return int(rank_order(talk.screen.analysis).rows[0]) if talk.picked is None else talk.picked


def _name(samples: EmbeddingSet, row: int) -> str:
    return one_line(str(samples.ids[row]), _LONGEST_NAME)


def _verdict(screen: Screen, row: int) -> str:
    order = rank_order(screen.analysis)
    flagged = "Flagged" if screen.decision.flagged[row] else "Not flagged"
    return f"{flagged}, number {count(int(order.ranks[row]))} of {count(len(order.rows))}"


def _portrait(samples: EmbeddingSet, row: int, title: str, words: tuple[str, ...]) -> Portrait:
    picture = samples.thumbnail_uri(row, every_pixel=True)
    (text,) = samples.texts([row], text_column()) if picture is None else ("",)
    return Portrait(title, _name(samples, row), picture, one_line(text, _LONGEST_TEXT), words)


def _show_top(screen: Screen, row: int) -> None:
    """The most unusual samples, and the one that is spoken of, to choose another one."""
    order, inspected = rank_order(screen.analysis), screen.analysis.inspected
    rows: list[int] = order.rows[:_TOP].tolist()
    if row not in rows:
        rows[-1] = row
    notes = [f"number {count(int(order.ranks[each]))}" for each in rows]
    tiles = [_short(tile) for tile in tiles_of(inspected, rows, notes, text_column())]
    about, on_click = "The most unusual samples", partial(pick_clicked, _TOP_KEY)
    with st.container(key="present_top_tiles"):
        show_tiles(tiles, _TOP_KEY, about, screen.key, on_click, row)


def _short(tile: Tile) -> Tile:
    """Its picture or its text; where it has neither, its name."""
    seen = tile.picture or tile.text
    return tile._replace(text=one_line(tile.text, _SHORT_TEXT), name="" if seen else one_line(tile.name, 16))


def step_sample(by: int) -> None:
    """Speak of the sample that is one more or one less unusual."""
    current = session()
    if current.screen is None:
        return
    rows = rank_order(current.screen.analysis).rows
    at = 0 if current.picked is None else int(np.flatnonzero(rows == current.picked)[0])
    current.pick(int(rows[min(max(at + by, 0), len(rows) - 1)]))


def shows_samples(samples: EmbeddingSet) -> bool:
    """Whether there is anything to see of a sample but numbers."""
    return samples.thumbnails is not None or bool(samples.text_columns)


def _has_portraits(talk: Talk) -> bool:
    return shows_samples(talk.screen.analysis.inspected)


def _has_features(talk: Talk) -> bool:
    return talk.screen.analysis.inspected.feature_names is not None


def _has_map(talk: Talk) -> bool:
    return talk.screen.analysis.classifier.n_components_ > 1


def _has_separating_map(talk: Talk) -> bool:
    return _has_map(talk) and 0 < talk.screen.decision.n_flagged < len(talk.screen.decision.flagged)


def _always(_: Talk) -> bool:
    return True


def _is_calibrated(talk: Talk) -> bool:
    return talk.screen.analysis.calibrated


def _is_scored(talk: Talk) -> bool:
    return not talk.screen.analysis.inspects_training and _is_calibrated(talk)


PICTURES: tuple[dict[str, Picture], ...] = (
    {
        "Map": Picture(_normal, _has_map),
        "All scores": Picture(_histogram, lambda talk: not _has_map(talk)),
    },
    {
        "All scores": Picture(_histogram, _always, samples=True),
        "Map": Picture(lambda talk: _map(talk, charts.shaded_map, ComponentAxes()), _has_map, samples=True),
    },
    {
        "The line": Picture(lambda talk: _drawn(talk, charts.plain_line), _always),
        "As dots": Picture(lambda talk: _drawn(talk, charts.dots), _is_calibrated),
    },
    {
        "Samples": Picture(_samples, _has_portraits, samples=True),
        "Measurements": Picture(_measurements, _has_features, samples=True),
        "Map": Picture(lambda talk: _map(talk, charts.found_map, ComponentAxes()), _has_map, samples=True),
        "Map pulled apart": Picture(
            lambda talk: _map(talk, charts.found_map, SeparatingAxes()), _has_separating_map, samples=True
        ),
        "All scores": Picture(_histogram, lambda talk: not _has_map(talk), samples=True),
    },
    {
        "Caught and false alarms": Picture(
            lambda talk: _drawn(talk, charts.plain_roc), lambda talk: talk.screen.decision.labelled
        ),
        "Found again": Picture(_again, lambda talk: talk.stability is not None and not talk.stability.unseen),
        "Still alike": Picture(lambda talk: _drawn(talk, charts.alike), _is_scored),
        "As dots": Picture(lambda talk: _drawn(talk, charts.dots), _is_calibrated),
        "All scores": Picture(_histogram, lambda talk: not _is_calibrated(talk)),
    },
)
"""Of each step, by the name on the button; the first that is offered is shown at first."""
