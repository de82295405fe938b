"""A sweep in the background: its rows are there as they come, and stay when it is cancelled."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from kdeviz.analysis import Analysis, OnProgress
from kdeviz.calibration import ProbabilityCurve, ThresholdRule
from kdeviz.data import EmbeddingSet
from kdeviz.errors import OptionError
from kdeviz.metrics import has_both_labels
from kdeviz.sweep import Grid, Sweep, SweepRow, sweep, sweep_table
from kdeviz.tracking import log_sweep
from kdeviz.ui.jobs import JobBoard
from kdeviz.ui.tasks import Task

__all__ = ["SweepRun"]

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class SweepRun:
    """One sweep over the data of an analysis.

    Attributes:
        token: of the data, as in `Loaded`.
        train: the rows fitted on.
        grid: the settings.
        rule: the threshold whose alarms are counted.
        labelled: whether the inspected rows have both labels.
        rows: what is finished; it grows.
        log_problem: why it is not in MLflow.
    """

    token: str
    train: EmbeddingSet
    grid: Grid
    rule: ThresholdRule
    labelled: bool
    task: Task[None] = field(init=False)
    rows: list[SweepRow] = field(default_factory=list)
    log_problem: str = ""

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
        mlflow: str | None = None,
    ) -> SweepRun:
        """Queue a sweep over the rows, and with the labels, of an analysis."""
        run = cls(token, analysis.train, grid, rule, has_both_labels(analysis.inspected.labels))
        score = None if analysis.inspects_training else analysis.inspected

        def work(report: OnProgress, cancelled: Callable[[], bool]) -> None:
            sweep(analysis.train, score, grid, rule, device, run.rows.append, report, cancelled, curve)
            if mlflow is not None and run.rows:
                report("Logging to MLflow", 1.0)
                run._log(mlflow)

        run.task = board.start_long(work)
        return run

    @property
    def found(self) -> Sweep:
        """What is finished."""
        return Sweep(tuple(self.rows), len(self.grid), self.rule, self.labelled)

    def _log(self, uri: str) -> None:
        try:
            log_sweep(uri, sweep_table(self.found))
        except OptionError as error:
            self.log_problem = str(error)
        except Exception as error:  # of any server's making
            logger.exception("a sweep was not logged")
            self.log_problem = f"{type(error).__name__}: {error}"
