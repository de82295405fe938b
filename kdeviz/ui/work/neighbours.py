"""Neighbour maps in the background: one arrangement per fit, kept for every session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import cachetools
import streamlit as st

from kdeviz.analysis import Analysis, OnProgress
from kdeviz.charts import NeighbourAxes, NeighbourFit, neighbour_fit, neighbour_places
from kdeviz.settings import Settings
from kdeviz.ui.state import Screen, Session
from kdeviz.ui.widgets.text import failure_words
from kdeviz.ui.work.jobs import job_board
from kdeviz.ui.work.tasks import Task

_MOST_FITS, _MOST_MAPS = 16, 16
_SECONDS_PER_ROW = 0.004

_FitKey = tuple[str, Settings]
"""Digest of the training rows, settings."""
_MapKey = tuple[_FitKey, str]
"""And a digest of the samples on the map."""


class _Known(NamedTuple):
    """What every session shares."""

    fits: cachetools.LRUCache[_FitKey, NeighbourFit]
    maps: cachetools.LRUCache[_MapKey, NeighbourAxes]


@st.cache_resource(show_spinner=False)
def _known() -> _Known:
    return _Known(cachetools.LRUCache(_MOST_FITS), cachetools.LRUCache(_MOST_MAPS))


@dataclass(eq=False)
class Arranging:
    """The map that this session waits for.

    Attributes:
        key: which one.
        task: the work on it.
    """

    key: _MapKey | None = None
    task: Task[NeighbourAxes] | None = None

    def again(self) -> None:
        """Give a map that was cancelled, or failed, another try."""
        self.key = self.task = None

    @property
    def problem(self) -> str:
        """Why there is no map and none is coming; empty while one may come."""
        if self.task is None or self.task.running:
            return ""
        try:
            done = self.task.result()
        except Exception as error:
            return failure_words(error)
        return "" if done is not None else "Cancelled."


def neighbour_axes(current: Session, screen: Screen) -> NeighbourAxes | Arranging:
    """The map of what is on the screen; or the work on it, which is begun here."""
    analysis = screen.fitted
    classifier, arranging = analysis.classifier, current.own(Arranging)
    fit_key = classifier.data_digest, analysis.settings
    key = fit_key, analysis.inspected.digest
    done = _known().maps.get(key)
    if done is not None:
        return done
    if arranging.key != key:
        leave(current)
        expected = _SECONDS_PER_ROW * min(len(analysis.fitted_on) + len(analysis.scores), 15_000)
        arranging.key = key
        arranging.task = job_board().start(_work(analysis, fit_key, key), expected)
    return arranging


def leave(current: Session) -> None:
    """Nobody waits for the map any more."""
    arranging = current.own(Arranging)
    if arranging.task is not None:
        arranging.task.cancel()
    arranging.again()


def _work(
    analysis: Analysis, fit_key: _FitKey, key: _MapKey
) -> Callable[[OnProgress, Callable[[], bool]], NeighbourAxes]:
    known = _known()

    def work(report: OnProgress, cancelled: Callable[[], bool]) -> NeighbourAxes:
        fit = known.fits.get(fit_key)
        if fit is None:
            fit = known.fits[fit_key] = neighbour_fit(analysis, report, cancelled)
        made = known.maps[key] = NeighbourAxes(neighbour_places(fit, analysis, report, cancelled))
        return made

    return work
