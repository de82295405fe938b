"""The pictures of the five steps, by what people are offered."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import plotly.graph_objects as go

from kdeviz import charts, explain
from kdeviz.charts import ComponentAxes, MapAxes, SeparatingAxes
from kdeviz.errors import KdevizError
from kdeviz.sweep import Stability
from kdeviz.ui.panels.present_samples import (
    has_features,
    has_portraits,
    show_features,
    show_samples,
    shows_samples,
)
from kdeviz.ui.state import Screen, session, theme
from kdeviz.ui.widgets.plots import MOST_FLAGGED, clicked_number, show_figure
from kdeviz.ui.widgets.text import plain_warning
from kdeviz.wording import capital

N_TYPICAL = 8
_KEY = "present_chart"


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
    show_figure(figure, _KEY, talk.alt, 300, talk.screen.key, _pick if clickable else None, below=talk.below)


def _pick() -> None:
    row = clicked_number(_KEY)
    if row is not None:
        session().pick(int(row))


def _normal(talk: Talk) -> None:
    analysis = talk.screen.analysis
    ringed = explain.typical(analysis, N_TYPICAL).tolist() if shows_samples(analysis.train) else []
    _chart(talk, lambda: charts.normal_map(talk.screen.decision, ComponentAxes(), ringed, theme()))


def _found(axes: MapAxes, talk: Talk) -> None:
    _map(charts.found_map, axes, talk)


def _shaded(talk: Talk) -> None:
    _map(charts.shaded_map, ComponentAxes(), talk)


def _map(draw: Callable[..., go.Figure], axes: MapAxes, talk: Talk) -> None:
    about = talk.screen.decision, axes, talk.picked, theme()
    _chart(talk, lambda: draw(*about, most_flagged=MOST_FLAGGED), clickable=True)


def _histogram(talk: Talk) -> None:
    _chart(talk, lambda: charts.plain_histogram(talk.screen.decision, talk.picked, theme()))


def _line(talk: Talk) -> None:
    _chart(talk, lambda: charts.plain_line(talk.screen.decision, theme()))


def _dots(talk: Talk) -> None:
    _chart(talk, lambda: charts.dots(talk.screen.decision, theme()))


def _roc(talk: Talk) -> None:
    _chart(talk, lambda: charts.plain_roc(talk.screen.decision, theme()))


def _alike(talk: Talk) -> None:
    _chart(talk, lambda: charts.alike(talk.screen.decision, theme()))


def _again(talk: Talk) -> None:
    if (found := talk.stability) is not None:
        inspected = talk.screen.analysis.inspected
        _chart(talk, lambda: charts.without_title(charts.strip(found, inspected, theme())))


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
        "Map": Picture(_shaded, _has_map, samples=True),
    },
    {"The line": Picture(_line, _always), "As dots": Picture(_dots, _is_calibrated)},
    {
        "Samples": Picture(show_samples, has_portraits, samples=True),
        "Measurements": Picture(show_features, has_features, samples=True),
        "Map": Picture(partial(_found, ComponentAxes()), _has_map, samples=True),
        "Map pulled apart": Picture(partial(_found, SeparatingAxes()), _has_separating_map, samples=True),
        "All scores": Picture(_histogram, lambda talk: not _has_map(talk), samples=True),
    },
    {
        "Caught and false alarms": Picture(_roc, lambda talk: talk.screen.decision.labelled),
        "Found again": Picture(_again, lambda talk: talk.stability is not None and not talk.stability.unseen),
        "Still alike": Picture(_alike, _is_scored),
        "As dots": Picture(_dots, _is_calibrated),
        "All scores": Picture(_histogram, lambda talk: not _is_calibrated(talk)),
    },
)
"""Of each step, by the name on the button; the first that is offered is shown at first."""
