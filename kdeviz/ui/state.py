"""What one browser session remembers, in one place and with types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.charts import DARK, LIGHT, Theme
from kdeviz.comparison import Comparison
from kdeviz.data import MarkBook, sample_keys
from kdeviz.decision import Decision, ThresholdRule
from kdeviz.model import ProbabilityCurve
from kdeviz.settings import Settings
from kdeviz.ui.work.jobs import Job, Key
from kdeviz.ui.work.loaded import Loaded, sample
from kdeviz.ui.work.mark_books import book_of
from kdeviz.ui.work.stability_run import StabilityRun
from kdeviz.ui.work.sweep_run import SweepRun
from kdeviz.ui.work.tasks import Task


@dataclass(frozen=True, eq=False)
class Screen:
    """Everything a page needs to draw itself: one decision on some data."""

    key: Key
    data: Loaded
    decision: Decision
    kernel: str
    fitted: Analysis
    """`analysis` as it was computed, with the labels of the file."""

    @property
    def analysis(self) -> Analysis:
        """The model and its scores, with the labels that are in use."""
        return self.decision.analysis

    @property
    def rule(self) -> ThresholdRule:
        """How the threshold was chosen."""
        assert self.decision.rule is not None  # the sidebar always has one
        return self.decision.rule

    @property
    def threshold(self) -> float:
        """On log density, in nats."""
        return self.decision.threshold

    @property
    def curve(self) -> ProbabilityCurve:
        """Log density to probability."""
        return self.decision.curve

    @property
    def book(self) -> MarkBook:
        """The marks of its data."""
        return book_of(self.data)

    @property
    def labelled(self) -> bool:
        """Whether there are labels of both kinds."""
        return self.decision.labelled

    @property
    def keys(self) -> list[str]:
        """(M,) names of the inspected samples in the book of marks."""
        return _keys(self.fitted)


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
        first_listed: where the table starts in the ranking.
        listed_picks: `picks` when the table was drawn last.
        drawn_pick: `picked` when the page was drawn last.
        region: the inspected rows selected on the map.
        cell: which of `decision.CELLS` is selected; never together with a region.
        sliders: how many sliders of the threshold there were; one is replaced when something else decides.
        slider_range: lowest and highest log density of the present one.
        slider_start: where it stood when it was made.
        slid_to: where it was moved, or what it was made for.
        before: the data before each fix that was applied to it, to undo them.
        checked: the data whose checks were looked at last.
        fix_error: why the last fix could not be applied.
        checks_shown: whether the checks of the file are open.
        mark_error: why the last mark could not be kept.
        swept: the last sweep.
        repeated: the last check of stability.
        remembered: values of widgets for when their page is drawn again.
        clamped: a component count that was asked for, and what the data allow.
        metric_of: the sweep whose metric was chosen last.
        proposed_grid: what the fields of the grid were filled with.
        chosen_row: the settings of the row of the sweep that is selected.
        applied: the settings that were taken over from elsewhere, and those before, to undo it.
        kept: what of the screen was kept last.
        keep_error: why the last run was not kept.
        runs_error: why the last change of a kept run failed.
        logging: a run on its way to MLflow; it gives what went wrong, or nothing.
        sides: the keys of the two models that are compared.
        compared: the last comparison, and of what.
        model_files: uploaded model files, by what stands for their content.
        model_file_error: why the uploaded model file cannot be used.
        flip: the number of the common sample that is looked at in the comparison.
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
    first_listed: int = 0
    listed_picks: int = 0
    drawn_pick: int | None = None
    region: NDArray[np.int64] | None = field(default=None)
    cell: str | None = None
    sliders: int = 0
    slider_range: tuple[float, float] = (0.0, 0.0)
    slider_start: float = 0.0
    slid_to: float | None = None
    before: tuple[Loaded, ...] = ()
    checked: Loaded | None = None
    fix_error: str = ""
    checks_shown: bool = False
    mark_error: str = ""
    swept: SweepRun | None = None
    repeated: StabilityRun | None = None
    remembered: dict[str, Any] = field(default_factory=dict)
    clamped: tuple[int, int] | None = None
    metric_of: SweepRun | None = None
    proposed_grid: dict[str, str] = field(default_factory=dict)
    chosen_row: Settings | None = None
    applied: tuple[Settings, Settings] | None = None
    kept: tuple[object, ...] | None = None
    keep_error: str = ""
    runs_error: str = ""
    logging: Task[str] | None = None
    sides: tuple[str, ...] = ()
    compared: tuple[object, Task[Comparison]] | None = None
    model_files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    model_file_error: str = ""
    flip: int | None = None

    def use(self, data: Loaded, before: tuple[Loaded, ...] = ()) -> None:
        """Look at other data: picks, regions and errors were about the old one."""
        self.data, self.before = data, before
        self.load_error = self.fix_error = ""
        self.select(None)
        self.pick(None)

    def relabelled(self, fitted: Analysis, book: MarkBook) -> Analysis:
        """The analysis with marks in place of labels, where that is wished."""
        if not st.session_state.get("marks_as_labels") or not len(book):
            return fitted
        labels = book.labels(_keys(fitted), fitted.inspected.labels)
        if self.screen is not None and self.screen.fitted is fitted:
            shown = self.screen.analysis.inspected.labels
            if shown is not None and np.array_equal(shown, labels):
                return self.screen.analysis
        return fitted.relabelled(labels)

    def select(self, region: NDArray[np.int64] | None, cell: str | None = None) -> None:
        """Narrow the table down to these inspected rows, or to a cell of the confusion table."""
        self.region, self.cell, self.first_listed = region, cell, 0

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


@cached
def _keys(analysis: Analysis) -> list[str]:
    return sample_keys(analysis.inspected.ids)


def session() -> Session:
    """This browser's session, with the sample set at first."""
    if "session" not in st.session_state:
        st.session_state["session"] = Session(sample())
    kept: Session = st.session_state["session"]
    return kept


def theme() -> Theme:
    """Light or dark, as the page is now."""
    return DARK if st.context.theme.type == "dark" else LIGHT
