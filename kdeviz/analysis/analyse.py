"""analyse: settings and data in, scores out. The one function that the app, the CLI and the exports call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.analysis.analysis import Analysis, Places
from kdeviz.analysis.opened import made_by
from kdeviz.analysis.progress import OnProgress, Watch
from kdeviz.analysis.scoring import hold_out_rows, known_note, known_points, log_densities, points_at
from kdeviz.data import ANOMALOUS, EmbeddingSet, Features, Rows, aligned
from kdeviz.errors import DataError
from kdeviz.model import (
    AxesCache,
    Groups,
    KDEClassifier,
    device_name,
    is_out_of_memory,
    resolve_device,
    separate_groups,
)
from kdeviz.settings import Settings

_AXES = AxesCache()

FITTING = "Finding the principal components"
HOLDING_OUT = "Scoring the training samples, each by a model without it"
SCORING = "Scoring the other samples"


def analyse(
    train: EmbeddingSet | Features,
    score: EmbeddingSet | Features | None = None,
    settings: Settings | None = None,
    device: str | torch.device = "auto",
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Analysis:
    """Fit on `train`, score `score` (or, without one, `train` itself, each row by a model without it).

    Args:
        train: (N, D) rows, mostly normal.
        score: (M, D) rows to inspect; their dimensions are matched by name where both sets have names. Rows
            of the fit among them are known by their content, and have their held-out scores.
        settings: the model's knobs; the defaults if None.
        device: "auto" picks CUDA, then Apple's GPU, then the CPU. When a GPU's memory runs out, blocks are
            halved first, and then the CPU takes over, with a warning.
        on_progress: told after every block of rows.
        cancelled: asked after every block of rows.

    Raises:
        DataError: the data cannot be fitted or scored.
        Cancelled: `cancelled` said yes.
        ForkError: this process was forked from one that had computed.
    """
    train, score = _as_set(train, "training data"), None if score is None else _as_set(score, "scored data")
    settings = settings or Settings()
    chosen = resolve_device(device)
    notes: tuple[str, ...] = ()
    if score is not None and (train.feature_names or score.feature_names):
        score, notes = aligned(score, train.feature_names, train.features.shape[1], train.name)
    watch = Watch(on_progress, cancelled)
    try:
        return _analyse(train, score, settings, chosen, watch, notes)
    except RuntimeError as error:
        if chosen.type == "cpu" or not is_out_of_memory(error):
            raise
        note = f"{device_name(chosen)} ran out of memory: computed on the CPU"
    return _analyse(train, score, settings, torch.device("cpu"), watch, (*notes, note))


def _analyse(
    train: EmbeddingSet,
    score: EmbeddingSet | None,
    settings: Settings,
    device: torch.device,
    watch: Watch,
    notes: tuple[str, ...],
) -> Analysis:
    timings: dict[str, float] = {}
    classifier, fitted = KDEClassifier(**settings.to_dict()).to(device), train.to_fit
    if score is not None and len(score) == 0:
        raise DataError(f"{score.name}: there are no rows to score: load some, or score the training rows")
    with _timed(timings, "fit"), watch.stage(FITTING) as on_block:
        subset = (settings.max_training_points, settings.seed)
        axes_of = _AXES.of((fitted.digest, subset if len(fitted) > subset[0] else None))
        report = classifier.fit_report(
            fitted.features,
            axes_of=axes_of,
            digest=fitted.digest,
            feature_names=fitted.feature_names,
            on_block=on_block,
            with_folds=True,
        )
    if report.axes is None:
        raise DataError(
            f"{train.name}: {len(fitted)} rows are fewer than {settings.n_pca_components} components: "
            "load more rows or lower the number of components"
        )
    fitted_on = _array(classifier.training_rows)
    if fitted is not train and train.excluded is not None:
        fitted_on = np.flatnonzero(~train.excluded)[fitted_on]
    with _timed(timings, "hold_out"), watch.stage(HOLDING_OUT) as on_block:
        fold_axes, remarks = hold_out_rows(
            classifier, Rows(fitted.features).select(_array(classifier.training_rows)), report.axes, on_block
        )
        groups = None if report.points is None else separate_groups(classifier, report.points)
    inspected = train if score is None else score
    with _timed(timings, "score"), watch.stage(SCORING) as on_block:
        points = _points(classifier, inspected, fitted_on if score is None else None)
        scores = log_densities(classifier, inspected, points, on_block)
    if score is not None and (note := known_note(classifier, points)):
        notes = (*notes, note)
    places = None if report.points is None else _array(report.points.to(classifier.result_dtype))
    return Analysis(
        settings=settings,
        classifier=classifier,
        train=train,
        inspected=inspected,
        fitted_on=fitted_on,
        scores=scores,
        held_out_scores=_array(classifier.held_out_scores),
        points=points,
        warnings=(*notes, *report.warnings, *_contamination(train, fitted_on), *remarks, *_words(groups)),
        timings=timings,
        provenance=_provenance(classifier, train, score),
        places=Places(classifier, train, inspected, fitted_on, places),
        fold_axes=fold_axes,
        groups=groups,
    )


def _words(groups: Groups | None) -> tuple[str, ...]:
    return () if groups is None else (groups.in_words,)


def _contamination(train: EmbeddingSet, fitted_on: NDArray[np.int64]) -> tuple[str, ...]:
    labelled = 0 if train.labels is None else int((train.labels[fitted_on] == ANOMALOUS).sum())
    if not labelled:
        return ()
    return (
        f"{labelled} of the {len(fitted_on)} training rows are labelled anomalous: the model learns them as "
        "normal, and the alarm budget counts them",
    )


def _points(
    classifier: KDEClassifier, inspected: EmbeddingSet, fitted_on: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """See `known_points`; of equal rows that are known to be fitted on, each has its own point."""
    if fitted_on is None:
        return known_points(classifier, inspected)
    own = points_at(fitted_on, len(inspected))
    return own if (own >= 0).all() else np.where(own < 0, known_points(classifier, inspected), own)


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[name] = time.perf_counter() - start


def _as_set(rows: EmbeddingSet | Features, name: str) -> EmbeddingSet:
    if isinstance(rows, EmbeddingSet):
        return rows
    if isinstance(rows, Tensor):
        # numpy has no bfloat16.
        rows = (rows.float() if rows.dtype == torch.bfloat16 else rows).detach().cpu().numpy()
    return EmbeddingSet.from_array(np.atleast_1d(rows), name)


def _array(values: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = values.cpu().numpy()
    return array


def _provenance(classifier: KDEClassifier, train: EmbeddingSet, score: EmbeddingSet | None) -> dict[str, Any]:
    return {
        "train_name": train.name,
        "train_digest": classifier.data_digest,
        "train_shape": list(train.features.shape),
        "train_changes": list(train.changes),
        "score_name": None if score is None else score.name,
        "score_digest": None if score is None else score.digest,
        **made_by(classifier),
    }
