"""A sweep in the background: its rows are there as they come, and stay when it is cancelled."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import streamlit as st

from kdeviz.analysis import Analysis, OnProgress
from kdeviz.data import EmbeddingSet
from kdeviz.decision import ThresholdRule, has_both_labels
from kdeviz.model import ProbabilityCurve
from kdeviz.output import log_sweep
from kdeviz.sweep import Grid, Sweep, SweepRow, sweep, sweep_table
from kdeviz.ui.widgets.text import failure_words
from kdeviz.ui.work.jobs import JobBoard
from kdeviz.ui.work.shared import SharedCache
from kdeviz.ui.work.tasks import Task

logger = logging.getLogger(__name__)

_MOST_SWEEPS = 40


@dataclass(eq=False)
class SweepRun:
    """One sweep over the data of an analysis.

    Attributes:
        token: of the data, as in `Loaded`.
        rule: the threshold whose alarms are counted.
        inspected: the samples, with the labels of then.
        rows: what is finished; it grows.
        logging: on its way to MLflow; it gives what went wrong, or nothing.
        id: by which it is found again after a reload of the page, which has it in its address.
    """

    token: str
    train: EmbeddingSet
    grid: Grid
    rule: ThresholdRule
    inspected: EmbeddingSet
    name: str
    task: Task[None] = field(init=False)
    rows: list[SweepRow] = field(default_factory=list)
    logging: Task[str] | None = None
    id: str = field(default_factory=partial(secrets.token_urlsafe, 12))

    @classmethod
    def start(
        cls,
        board: JobBoard,
        token: str,
        analysis: Analysis,
        grid: Grid,
        rule: ThresholdRule,
        curve: ProbabilityCurve,
        device: str,
        name: str,
        mlflow: str | None = None,
        known: Sequence[SweepRow] = (),
    ) -> SweepRun:
        """Queue a sweep over the rows, and with the labels, of an analysis; some rows may be known."""
        run = cls(token, analysis.train, grid, rule, analysis.inspected, name)

        def work(report: OnProgress, cancelled: Callable[[], bool]) -> None:
            one = run.rows.append
            sweep(analysis.train, analysis.scored, grid, rule, device, one, report, cancelled, curve, known)
            if mlflow and run.rows:
                run.logging = board.start_aside(lambda report, cancelled: _log(mlflow, run.finished))

        run.task = board.start(work)
        known_sweeps()[run.id] = run
        return run

    @property
    def finished(self) -> Sweep:
        """What is finished."""
        return Sweep(tuple(self.rows), len(self.grid), self.rule, has_both_labels(self.inspected.labels))


@st.cache_resource(show_spinner=False)
def known_sweeps() -> SharedCache[str, SweepRun]:
    """The last sweeps of all sessions, by their id."""
    return SharedCache(_MOST_SWEEPS)


def _log(uri: str, finished: Sweep) -> str:
    """What went wrong, or nothing."""
    try:
        log_sweep(uri, sweep_table(finished))
    except Exception as error:  # of any server's making
        return failure_words(error)
    return ""
