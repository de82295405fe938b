"""sweep: one analysis for every setting of a grid, boiled down to the numbers that settings are chosen by."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, OnProgress, analyse, known_points, log_densities
from kdeviz.data import EmbeddingSet, Rows, row_keys
from kdeviz.decision import Estimate, Interval, ThresholdRule, bootstrap, has_both_labels
from kdeviz.errors import Cancelled, DataError, KdevizError
from kdeviz.model import ProbabilityCurve, near_points
from kdeviz.settings import Settings
from kdeviz.sweep.grid import Grid
from kdeviz.sweep.held_out import held_out_alarms
from kdeviz.sweep.recall import recall_at_fpr
from kdeviz.sweep.stability import most_anomalous

RESAMPLES = 100
"""Of the labelled samples, for each interval: they hold its width to some 7 per cent."""

TOP = 20
"""So many of the most anomalous samples are kept of each setting, or as many as there are."""

_FPR = 0.01
_COMPARED_ROWS = 4096
_TWO_SIDED_95 = NormalDist().inv_cdf(0.975)


class SweepRow(NamedTuple):
    """What one setting gives; the metrics of labels are None unless there are both labels."""

    settings: Settings
    components: int = 0
    """Kept; fewer than asked for where the rank is lower, as a warning then says."""
    training_points: int = 0
    """Rows the model was fitted on."""
    explained_variance: float = math.nan
    """Share of the variance that the components kept carry, of the same rows whatever the cap."""
    log_density: Estimate | None = None
    """Mean log density of training rows that the model has not seen, nats, in the units of the features.

    Held-out scores, and under a cap the scores of the rows that it left out: the same rows for every cap.

    Under "scale" the model divides by the largest length L seen in training; a density of the undivided PCA
    scores is lower by k log L, which is taken off here, so that caps and seeds compare. It compares only
    settings with equal components and equal scaling, and either all standardised or none: otherwise it is
    the density of another space. The interval is the 95 % one of a mean, 1.96 standard errors either way."""
    alarm_share: Estimate | None = None
    """Of training rows that neither the model nor its threshold had seen; see `held_out_alarms`."""
    auroc: Estimate | None = None
    average_precision: Estimate | None = None
    recall: Estimate | None = None
    """At 1 % false positives; see `recall_at_fpr`."""
    fit_seconds: float = math.nan
    """Without the principal axes, where an analysis of the same rows had found them before."""
    score_seconds: float = math.nan
    """Of all training and all inspected rows."""
    model_bytes: int = 0
    """Of the tensors in the model file."""
    top: tuple[int, ...] = ()
    """Numbers of the `TOP` inspected rows of lowest score, or of half the rows, the lowest first."""
    warnings: tuple[str, ...] = ()
    error: str | None = None
    """Why there are no numbers, or None."""


class Sweep(NamedTuple):
    """The finished rows, in the order of the grid."""

    rows: tuple[SweepRow, ...]
    asked: int
    """How many settings the grid has; more than there are rows after a cancelled sweep."""
    rule: ThresholdRule
    labelled: bool
    """Whether the inspected rows have normal and anomalous labels."""

    @property
    def cancelled(self) -> bool:
        """Whether it ended before all settings were done."""
        return len(self.rows) < self.asked


def sweep(
    train: EmbeddingSet,
    score: EmbeddingSet | None,
    grid: Grid,
    rule: ThresholdRule | None = None,
    device: str | torch.device = "auto",
    on_row: Callable[[SweepRow], None] | None = None,
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
    curve: ProbabilityCurve | None = None,
    known: Iterable[SweepRow] = (),
) -> Sweep:
    """`analyse` for each setting of the grid; to the last bit what separate calls give.

    Principal axes are found once for each cap and seed, standardised or not; where there are near copies,
    once more for every way in which these have to be held out together.
    Where a cap is not reached it and the seed change nothing: the row of an equal model is given again, times
    and all. A setting that fails gives a row that says why, and the others go on.

    Args:
        train: as for `analyse`.
        score: as for `analyse`; None inspects the training rows, each by a model without it.
        grid: the settings.
        rule: the threshold whose alarms are counted; the default rule if None.
        device: as for `analyse`.
        on_row: given each row as it is done.
        on_progress: told (setting in words, fraction of the whole grid done), several times for each.
        cancelled: asked after every block of rows; when it says yes, the rows that are done are returned.
        curve: for the probability rule.
        known: rows of an earlier sweep of the same data, labels and rule, which are given again.

    Raises:
        DataError: the rule needs labels that are not there, or every training row is excluded.
        OptionError: there is no such device.
    """
    rule, inspected = rule or ThresholdRule(), train if score is None else score
    labelled = has_both_labels(inspected.labels)
    rule.rule.check_labels(inspected.labels)
    n, asked = len(train.to_fit), len(grid)
    work = _Work(train, score, rule, curve, device, cancelled)
    done = {_same_model(row.settings, n): row for row in known if row.error is None}
    rows: list[SweepRow] = []
    for number, settings in enumerate(grid.settings):
        tell = _tell(on_progress, number, asked)
        tell(0.0)
        model = _same_model(settings, n)
        try:
            if model not in done:
                done[model] = work.row(settings)
        except Cancelled:
            break
        rows.append(done[model]._replace(settings=settings))
        tell(1.0)
        if on_row is not None:
            on_row(rows[-1])
    return Sweep(tuple(rows), asked, rule, labelled)


def _same_model(settings: Settings, n: int) -> Settings:
    """Settings that all models equal to this one share."""
    if settings.max_training_points < n:
        return settings
    return replace(settings, max_training_points=max(n, 2), seed=0)


def _tell(on_progress: OnProgress | None, number: int, asked: int) -> Callable[[float], None]:
    """Progress within one setting, told as progress in the grid."""

    def tell(part: float) -> None:
        if on_progress is not None:
            on_progress(f"Setting {number + 1} of {asked}", (number + part) / asked)

    return tell


class _Work(NamedTuple):
    train: EmbeddingSet
    score: EmbeddingSet | None
    rule: ThresholdRule
    curve: ProbabilityCurve | None
    device: str | torch.device
    cancelled: Callable[[], bool] | None

    def row(self, settings: Settings) -> SweepRow:
        """One setting; what goes wrong is told in the row."""
        try:
            analysis = analyse(self.train, self.score, settings, self.device, None, self.cancelled)
            alarms, remarks = _alarms(analysis, self.rule, self.curve)
            return _row(analysis)._replace(alarm_share=alarms, warnings=(*analysis.warnings, *remarks))
        except Cancelled:
            raise
        # A matrix that cannot be factorised and memory that runs out are the setting's fault as well.
        except (KdevizError, RuntimeError, MemoryError, np.linalg.LinAlgError) as error:
            return SweepRow(settings, error=_words(error))


def _alarms(
    analysis: Analysis, rule: ThresholdRule, curve: ProbabilityCurve | None
) -> tuple[Estimate | None, tuple[str, ...]]:
    try:
        return held_out_alarms(analysis, rule, curve), ()
    except DataError as error:
        return None, (f"no share of held-out alarms: {_words(error)}",)


def _row(analysis: Analysis) -> SweepRow:
    classifier, labels, scores = analysis.classifier, analysis.inspected.labels, analysis.scores
    row = SweepRow(
        analysis.settings,
        classifier.n_components_,
        len(analysis.fitted_on),
        _explained_variance(analysis),
        _mean_log_density(analysis),
        fit_seconds=analysis.timings["fit"],
        score_seconds=analysis.timings["hold_out"] + analysis.timings["score"],
        model_bytes=sum(tensor.nbytes for tensor in classifier.state_dict().values()),
        top=tuple(most_anomalous(scores, min(TOP, max(len(scores) // 2, 1))).tolist()),
    )
    if labels is None or not has_both_labels(labels):
        return row
    ranking = bootstrap(scores, labels, resamples=RESAMPLES)
    return row._replace(
        auroc=ranking.auroc,
        average_precision=ranking.average_precision,
        recall=recall_at_fpr(scores, labels, _FPR),
    )


@torch.no_grad()
def _explained_variance(analysis: Analysis) -> float:
    """Of all training rows, also where a cap left rows out of the fit."""
    pca, rows = analysis.classifier.pca_model, Rows(analysis.train.to_fit.features)
    if len(analysis.fitted_on) == len(rows):
        return float(pca.explained_variance_ratio.sum())
    mean, axes, unit = pca.mean, pca.singular_vectors, analysis.classifier.max_length
    sums = torch.zeros_like(mean)
    squares, kept = mean.new_zeros(()), mean.new_zeros(())
    for _, block in rows.stream(mean.dtype, mean.device):
        block = pca.centred(block).div_(unit)
        sums += block.sum(0)
        squares += block.square().sum()
        kept += (block @ axes).square().sum()
    n = len(rows)
    return float((kept - (sums @ axes).square().sum() / n) / (squares - sums.square().sum() / n))


def _unseen_scores(analysis: Analysis) -> NDArray[np.float64]:
    """Log densities of training rows under models that have not seen them; equal rows count once.

    Where a cap left rows out of the fit, of these rows too: so caps are compared on the same rows, or on some
    thousands of them, and a model of five rows is not judged by those five. Near copies of rows of the fit
    have the held-out scores of those.
    """
    fitted, train = analysis.calibration.astype(np.float64), analysis.train.to_fit
    if len(fitted) < 2 or len(analysis.fitted_on) == len(train):
        return fitted
    some = train.take(np.unique(np.linspace(0, len(train) - 1, _COMPARED_ROWS).astype(np.int64)))
    first = np.unique(row_keys(Rows(some.features)), axis=0, return_index=True)[1]
    scored = some.take(np.sort(first))
    points = known_points(analysis.classifier, scored)
    new = np.flatnonzero(points < 0)  # rows of the fit, at no distance from it, would look like near copies
    points[new] = near_points(analysis.classifier, scored.features[new])
    return log_densities(analysis.classifier, scored, points).astype(np.float64)


def _mean_log_density(analysis: Analysis) -> Estimate | None:
    classifier, scores = analysis.classifier, _unseen_scores(analysis)
    if len(scores) < 2:
        return None
    volume = classifier.settings.scaling.log_volume(classifier.n_components_, classifier.max_length)
    mean = float(scores.mean()) + volume
    half_width = _TWO_SIDED_95 * float(scores.std(ddof=1)) / math.sqrt(len(scores))
    return Estimate(mean, Interval(mean - half_width, mean + half_width))


def _words(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
