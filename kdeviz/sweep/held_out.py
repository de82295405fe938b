"""Held-out alarms: what share of new normal samples a threshold will really flag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz.analysis import known_points, log_densities
from kdeviz.data import ANOMALOUS, EmbeddingSet, OnBlock, Rows
from kdeviz.decision import Estimate, ThresholdRule, rate_interval
from kdeviz.errors import DataError
from kdeviz.model import (
    AxesCache,
    KDEClassifier,
    ProbabilityCurve,
    is_out_of_memory,
    resolve_device,
    training_subset,
)
from kdeviz.settings import Settings

FOLDS = 5
MOST_LEFT_OUT = 8192
"""A threshold is taken from at most so many leave-one-out scores of a fold."""

_SHUFFLE_SEED = 0


class Fold(NamedTuple):
    """Row numbers, in random order."""

    fitted: NDArray[np.int64]
    held_out: NDArray[np.int64]


def folds(rows: int, count: int = FOLDS) -> list[Fold]:
    """Each row is held out once; the same for every setting, so that settings compare.

    Raises:
        DataError: fewer rows than folds.
    """
    if rows < count:
        raise DataError(f"{rows} training rows cannot be held out in {count} parts: load more rows")
    parts = np.array_split(np.random.default_rng(_SHUFFLE_SEED).permutation(rows), count)
    return [Fold(np.concatenate(parts[:i] + parts[i + 1 :]), parts[i]) for i in range(count)]


def held_out_alarms(
    train: EmbeddingSet,
    score: EmbeddingSet | None,
    settings: Settings,
    rule: ThresholdRule,
    device: str | torch.device = "auto",
    axes: AxesCache | None = None,
    curve: ProbabilityCurve | None = None,
    on_fold: Callable[[float], None] | None = None,
    on_block: OnBlock | None = None,
) -> Estimate:
    """Share of training rows flagged by models that never saw them, at thresholds that never saw them.

    Five times a model is fitted on four fifths of the training rows, the rule gives it a threshold, and the
    other fifth is scored. Axes, scaling, covariance and threshold are all found anew, so the figure shows
    what leave-one-out scores hide when rows are few. Held-out rows that are labelled anomalous do not count.
    The interval is that of a count, `rate_interval`.

    Rules that look at training scores (quantile, per_1000) see the leave-one-out scores of the fold's own
    rows; above `MOST_LEFT_OUT` rows, those of a random part. Rules that look at the scored rows or their
    labels (top_k, fpr, best_f1) see the score set as this fold's model scores it; without a score set, the
    fold's own rows, each left out of its own score, and top_k then flags the same share of them.

    Args:
        train: as for `analyse`; excluded rows are left out altogether.
        score: as for `analyse`.
        settings: of the model.
        rule: gives the threshold.
        device: as for `analyse`.
        axes: keeps the principal axes of the folds for other settings; of use only with the same `train`.
        curve: for the probability rule; the default curve if None.
        on_fold: told the fraction done after each fold.
        on_block: called after each block of rows; what it raises ends the computation.

    Raises:
        DataError: a fold cannot be fitted, or the rule finds no labels.
    """
    fitted, axes = train.to_fit, axes or AxesCache(0)
    chosen = resolve_device(device)
    normal = np.ones(len(fitted), bool) if fitted.labels is None else fitted.labels != ANOMALOUS
    alarms = 0
    for number, fold in enumerate(folds(len(fitted))):
        held_out = fold.held_out[normal[fold.held_out]]
        work = _FoldWork(fitted, score, settings, rule, curve, axes, number, fold.fitted, held_out, on_block)
        try:
            alarms += work.alarms(chosen)
        except RuntimeError as error:
            if chosen.type == "cpu" or not is_out_of_memory(error):
                raise
            chosen = torch.device("cpu")
            alarms += work.alarms(chosen)
        if on_fold is not None:
            on_fold((number + 1) / FOLDS)
    counted = int(normal.sum())
    if counted == 0:
        raise DataError(f"{train.name}: every training row is labelled anomalous, none is left to hold out")
    return Estimate(alarms / counted, rate_interval(alarms, counted))


class _FoldWork(NamedTuple):
    train: EmbeddingSet
    score: EmbeddingSet | None
    settings: Settings
    rule: ThresholdRule
    curve: ProbabilityCurve | None
    axes: AxesCache
    number: int
    rows: NDArray[np.int64]
    held_out: NDArray[np.int64]
    on_block: OnBlock | None

    def alarms(self, device: torch.device) -> int:
        """How many of the held-out rows the fold's model flags."""
        points = self.rows[training_subset(len(self.rows), self.settings)]
        classifier = KDEClassifier(**self._possible(len(points)).to_dict()).to(device)
        part = (
            (self.settings.max_training_points, self.settings.seed) if len(points) < len(self.rows) else None
        )
        report = classifier.fit_report(
            self.train.features[points],
            axes_of=self.axes.of((self.number, part)),
            digest="a fold",
            on_block=self.on_block,
        )
        if not report.fitted:
            raise DataError(
                f"{len(self.rows)} rows without the held-out fifth are fewer than "
                f"{self.settings.n_pca_components} components"
            )
        threshold = self._threshold(classifier, points)
        scores = classifier.log_density(self.train.features[self.held_out], on_block=self.on_block)
        return int((scores < threshold).sum())

    def _possible(self, points: int) -> Settings:
        """More components than a cap leaves rows are cut to the rank, as in any fit; see `fit_report`."""
        asked = self.settings.n_pca_components
        if isinstance(asked, int) and points < asked <= len(self.rows):
            return replace(self.settings, n_pca_components=points)
        return self.settings

    def _threshold(self, classifier: KDEClassifier, points: NDArray[np.int64]) -> float:
        if self.rule.rule.of_training:
            left_out = _left_out(classifier, MOST_LEFT_OUT, self.on_block)
            return self.rule.threshold(left_out, left_out, None, self.curve)
        if self.score is not None:
            scores = log_densities(
                classifier, self.score, known_points(classifier, self.score), self.on_block
            )
            return self.rule.threshold(scores, scores, self.score.labels)
        scores = _left_out(classifier, len(points), self.on_block)
        rule, labels = self.rule.for_rows(len(points), len(self.train)), self.train.labels
        return rule.threshold(scores, scores, None if labels is None else labels[points])


def _left_out(classifier: KDEClassifier, most: int, on_block: OnBlock | None) -> NDArray[Any]:
    """Leave-one-out scores of the first rows, at most so many; they are in random order."""
    kde = classifier.kde_model
    rows = Rows(kde.dataset)
    if len(rows) > most:
        rows = rows.select(np.arange(most))
    scorer = kde.scorer(classifier.result_dtype)
    parts = [scorer.leave_one_out(*span).cpu() for span in rows.spans(on_block, kde.rows_per_block)]
    scores: NDArray[Any] = torch.cat(parts).numpy()
    return scores
