"""Neighbour maps in the background: one arrangement per fit, kept for every session."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import streamlit as st

from kdeviz.analysis import Analysis, OnProgress
from kdeviz.charts import NeighbourAxes, NeighbourFit, neighbour_fit, neighbour_places
from kdeviz.settings import Settings
from kdeviz.ui.state import Screen, Session
from kdeviz.ui.widgets.text import failure_words
from kdeviz.ui.work.jobs import job_board
from kdeviz.ui.work.shared import SharedCache
from kdeviz.ui.work.tasks import Latest

_MOST_FITS, _MOST_MAPS = 16, 16
_SECONDS_PER_ROW = 0.004

_FitKey = tuple[str, Settings]
"""Digest of the training rows, settings."""
_MapKey = tuple[_FitKey, str]
"""And a digest of the samples on the map."""


class _Known(NamedTuple):
    """What every session shares."""

    fits: SharedCache[_FitKey, NeighbourFit]
    maps: SharedCache[_MapKey, NeighbourAxes]


@st.cache_resource(show_spinner=False)
def _known() -> _Known:
    return _Known(SharedCache(_MOST_FITS), SharedCache(_MOST_MAPS))


class Arranging(Latest[NeighbourAxes]):
    """The map that this session waits for."""

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
    analysis, known, arranging = screen.fitted, _known(), current.own(Arranging)
    key = (analysis.classifier.data_digest, analysis.settings), analysis.inspected.digest
    done = known.maps.get(key)
    if done is not None:
        return done
    if arranging.wanted != key:
        arranging.drop()
        expected = _SECONDS_PER_ROW * min(len(analysis.fitted_on) + len(analysis.scores), 15_000)
        work = partial(_arranged, known, key, analysis)
        arranging.wanted, arranging.task = key, job_board().start(work, expected)
    return arranging


def _arranged(
    known: _Known, key: _MapKey, analysis: Analysis, report: OnProgress, cancelled: Callable[[], bool]
) -> NeighbourAxes:
    fit = known.fits.get(key[0])
    if fit is None:
        fit = known.fits[key[0]] = neighbour_fit(analysis, report, cancelled)
    made = known.maps[key] = NeighbourAxes(neighbour_places(fit, analysis, report, cancelled))
    return made
