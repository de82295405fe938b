"""What is told of a model beside its numbers: what happened in its fit, its threshold, its axes' rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from kdeviz.model.principal_axes import PrincipalAxes
from kdeviz.settings import Settings


class FitReport(NamedTuple):
    """What happened in a fit."""

    fitted: bool
    """False when there were fewer rows than components."""
    warnings: tuple[str, ...]
    """What is not quite as it was asked for, one sentence each."""
    points: Tensor | None = None
    """(n, k) scaled PCA scores of the training rows."""
    axes: PrincipalAxes | None = None
    """All principal axes of the training rows."""


def fit_warnings(settings: Settings, scores: Tensor) -> Iterator[str]:
    """What (n, k) PCA scores of the training rows show not to be as it was asked for."""
    asked, n, kept = settings.n_pca_components, *scores.shape
    if isinstance(asked, int) and kept < asked:
        yield (
            f"{asked} components were asked for, but the {n} training rows vary along {kept} directions "
            f"only: kept {kept} components"
        )
    yield from settings.scaling.remarks(scores)


class Told:
    """Facts that a model file keeps.

    Attributes:
        threshold: a log density below which samples are flagged, or None.
        threshold_rule: (name, value) of the rule that chose the threshold; None if that is not known, and
            again when another threshold is set.
        axes_rows: how many rows the principal axes come from, where those are more than the model holds; None
            where they are its own.
    """

    threshold_rule: tuple[str, float] | None = None
    axes_rows: int | None = None
    _threshold: float | None = None

    @property
    def threshold(self) -> float | None:
        """See above."""
        return self._threshold

    @threshold.setter
    def threshold(self, value: float | None) -> None:
        self._threshold, self.threshold_rule = None if value is None else float(value), None
