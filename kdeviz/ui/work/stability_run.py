"""A check of stability in the background."""

from __future__ import annotations

from dataclasses import dataclass

from kdeviz.data import EmbeddingSet
from kdeviz.sweep import Stability
from kdeviz.ui.work.tasks import Task


@dataclass(frozen=True, eq=False)
class StabilityRun:
    """Repeats of one fit.

    Attributes:
        token: of the data, as in `Loaded`.
        inspected: the samples.
        task: gives the outcome.
    """

    token: str
    inspected: EmbeddingSet
    task: Task[Stability]
