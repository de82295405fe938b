"""What one browser session remembers, in one place and with types."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kdeviz.analysis import Analysis
from kdeviz.calibration import ProbabilityCurve, ThresholdRule
from kdeviz.theme import DARK, LIGHT, Mark, Theme
from kdeviz.ui.jobs import Job, Key
from kdeviz.ui.loaded import Loaded, sample

__all__ = ["Screen", "Session", "session", "theme"]


@dataclass(frozen=True, eq=False)
class Screen:
    """Everything a page needs to draw itself: one analysis, one threshold, one curve."""

    key: Key
    data: Loaded
    analysis: Analysis
    kernel: str
    rule: ThresholdRule
    threshold: float
    curve: ProbabilityCurve


@dataclass(eq=False)
class Session:
    """State of one browser session beside its widgets.

    Attributes:
        data: what is being looked at.
        uploaded: which uploaded files were read last, whether or not they could be.
        load_error: why the last file is not on the screen.
        screen: the last good result, which stays until the next is ready.
        wanted: the analysis that the present settings ask for.
        job: the analysis that is under way.
        failed: the last analysis that failed, and why.
        picked: the inspected row that is ringed; see `pick`.
        picks: how often something other than the table has picked, which asks for a fresh table.
        region: the inspected rows selected on the map.
    """

    data: Loaded
    uploaded: tuple[str | None, ...] = (None, None, None)
    load_error: str = ""
    screen: Screen | None = None
    wanted: Key | None = None
    job: Job | None = None
    failed: tuple[Key, str] | None = None
    picked: int | None = None
    picks: int = 0
    region: NDArray[np.int64] | None = field(default=None)

    def use(self, data: Loaded) -> None:
        """Look at other data: picks, regions and errors were about the old one."""
        self.data, self.region, self.load_error = data, None, ""
        self.pick(None)

    def pick(self, row: int | None) -> None:
        """Ring this inspected row, and highlight it in the table."""
        self.picked = row
        self.picks += 1

    def has_failed(self, key: Key) -> bool:
        """Whether this very analysis failed or was cancelled."""
        return self.failed is not None and self.failed[0] == key

    def forget_failure(self) -> None:
        """Allow a failed analysis another try."""
        self.failed = None

    def mark(self, screen: Screen) -> Mark | None:
        """The picked sample as the charts show it."""
        if self.picked is None:
            return None
        analysis = screen.analysis
        return Mark(
            str(analysis.inspected.ids[self.picked]),
            float(analysis.scores[self.picked]),
            float(screen.curve(analysis.scores[self.picked : self.picked + 1])[0]),
            analysis.coordinates[self.picked],
        )


def session() -> Session:
    """This browser's session, with the sample set at first."""
    if "session" not in st.session_state:
        st.session_state["session"] = Session(sample())
    kept: Session = st.session_state["session"]
    return kept


def theme() -> Theme:
    """Light or dark, as the page is now."""
    return DARK if st.context.theme.type == "dark" else LIGHT
