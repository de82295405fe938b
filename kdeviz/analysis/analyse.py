"""analyse: settings and data in, scores out. The one function that the app, the CLI and the exports call."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.analysis.analysis import Analysis, Places
from kdeviz.analysis.opened import made_by
from kdeviz.analysis.preview import parts_of, preview_of
from kdeviz.analysis.progress import OnProgress, Watch
from kdeviz.analysis.scoring import hold_out_rows, notes_on_known, points_at, scores_of
from kdeviz.data import EmbeddingSet, Features, OnBlock, Rows, aligned, column_names, numbers_of
from kdeviz.errors import DataError
from kdeviz.model import (
    AxesCache,
    AxesOf,
    KDEClassifier,
    device_name,
    is_out_of_memory,
    resolve_device,
    separate_groups,
)
from kdeviz.settings import Settings

_AXES = AxesCache()

OnPreview = Callable[[Analysis], None]
"""Called with analyses that know the scores of some rows; see `Preview`."""
_NOTHING = np.empty(0, np.int64)

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
    *,
    axes_of: AxesOf | None = None,
    on_preview: OnPreview | None = None,
    first: Settings | None = None,
    so_far: Analysis | None = None,
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
        axes_of: gives the principal axes, where they are not those of the training rows; see `AllRows`.
        on_preview: told of analyses of ever larger random samples of the rows to score, where they are many.
            It makes no difference to the result.
        first: the settings of the first preview, with fewer training rows, where the fit takes long.
        so_far: the last preview of the same analysis, which was cancelled: to go on from there.

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
    if score is not None and len(score) == 0:
        raise DataError(f"{score.name}: there are no rows to score: load some, or score the training rows")
    watch = Watch(on_progress, cancelled)
    given = _Given(train, score, settings, watch, notes, axes_of, on_preview, so_far)
    try:
        return _analyse(given, chosen, first)
    except RuntimeError as error:
        if chosen.type == "cpu" or not is_out_of_memory(error):
            raise
        note = f"{device_name(chosen)} ran out of memory: computed on the CPU"
    return _analyse(replace(given, notes=(*notes, note), so_far=None), torch.device("cpu"))


@dataclass(frozen=True)
class _Given:
    """What `analyse` was given, checked."""

    train: EmbeddingSet
    score: EmbeddingSet | None
    settings: Settings
    watch: Watch
    notes: tuple[str, ...]
    axes_of: AxesOf | None
    on_preview: OnPreview | None
    so_far: Analysis | None


def _analyse(given: _Given, device: torch.device, first: Settings | None = None) -> Analysis:
    show = given.on_preview
    if given.so_far is not None:
        return _scored(given, _begun_again(given, given.so_far))
    if show is not None and first not in (None, given.settings):
        quick = replace(given, settings=first)
        show(_scored(quick, _fitted(quick, device), only_first=True))
    return _scored(given, _fitted(given, device))


def _fitted(given: _Given, device: torch.device) -> Analysis:
    """All of the analysis but its scores."""
    train, settings, watch = given.train, given.settings, given.watch
    timings: dict[str, float] = {}
    classifier, fitted = KDEClassifier(**settings.to_dict()).to(device), train.to_fit
    with _timed(timings, "fit"), watch.stage(FITTING) as on_block:
        report = classifier.fit_report(
            fitted.features,
            axes_of=given.axes_of or _remembered_axes(fitted, settings),
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
    used = _array(classifier.training_rows)
    fitted_on = used if fitted is train or train.excluded is None else np.flatnonzero(~train.excluded)[used]
    with _timed(timings, "hold_out"), watch.stage(HOLDING_OUT) as on_block:
        fold_axes, remarks = hold_out_rows(
            classifier, Rows(fitted.features).select(used), report.axes, on_block
        )
        groups = None if report.points is None else separate_groups(classifier, report.points)
    inspected = train if given.score is None else given.score
    places = None if report.points is None else _array(report.points.to(classifier.result_dtype))
    found = Analysis(
        settings=settings,
        classifier=classifier,
        train=train,
        inspected=inspected,
        fitted_on=fitted_on,
        scores=_NOTHING,
        held_out_scores=_array(classifier.held_out_scores),
        points=_NOTHING,
        warnings=report.warnings,
        timings=timings,
        provenance=_provenance(classifier, train, given.score),
        places=Places(classifier, train, inspected, fitted_on, places),
        fold_axes=fold_axes,
        groups=groups,
    )
    notes = found.contamination, *remarks, "" if groups is None else groups.in_words
    return replace(found, warnings=(*report.warnings, *filter(None, notes)))


def _scored(given: _Given, fitted: Analysis, only_first: bool = False) -> Analysis:
    """With scores: of all rows, or of the first part of them."""
    show, total = given.on_preview, len(fitted.inspected)
    for rows, points, scores in _in_parts(given, fitted):
        if only_first:
            return _preview(given, fitted, rows, points, scores)
        if show is not None and len(rows) < total:
            show(_preview(given, fitted, rows, points, scores))
    places = np.argsort(rows)
    points, scores = points[places], scores[places]
    known = notes_on_known(fitted.classifier, fitted.inspected, points, given.score is None)
    warnings = (*given.notes, *known, *fitted.warnings)
    return replace(fitted, points=points, scores=scores, warnings=warnings)


def _preview(given: _Given, fitted: Analysis, *scored: NDArray[Any]) -> Analysis:
    return replace(preview_of(fitted, *scored), warnings=(*given.notes, *fitted.warnings))


def _in_parts(
    given: _Given, fitted: Analysis
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]]:
    """The rows that are scored so far, which rows of the fit they are, and their scores; after each part.

    The parts do not depend on whether somebody sees previews: neither do the last digits.
    """
    so_far, timings = given.so_far, fitted.timings
    features = Rows(fitted.inspected.features, fitted.train.features.shape[1])
    features.check_finite()  # here, where rows have the numbers that people know them by
    parts = parts_of(len(features), given.settings.seed)
    order, ends = np.concatenate(parts), np.cumsum([len(part) for part in parts]).tolist()
    found = [] if so_far is None else [(so_far.points, so_far.scores)]
    done, began = 0 if so_far is None else len(so_far.scores), time.perf_counter() - timings.get("score", 0.0)
    with given.watch.stage(SCORING) as on_block:
        for end in ends[bisect_right(ends, done) :]:
            some = order[done:end]
            rows = features if len(parts) == 1 else features.select(some)
            points = _points(fitted, rows, some)
            told = on_block if len(parts) == 1 else _within(on_block, done, len(order))
            found.append((points, scores_of(fitted.classifier, rows, points, told)))
            done, timings["score"] = end, time.perf_counter() - began
            all_points, all_scores = map(np.concatenate, zip(*found, strict=True))
            yield order[:end], all_points, all_scores


def _within(on_block: OnBlock, before: int, total: int) -> OnBlock:
    """Progress in a part, told as progress in the whole."""
    return lambda done, _: on_block(before + done, total)


def _remembered_axes(fitted: EmbeddingSet, settings: Settings) -> AxesOf:
    subset = (settings.max_training_points, settings.seed)
    return _AXES.of((fitted.digest, subset if len(fitted) > subset[0] else None))


def _points(fitted: Analysis, rows: Rows, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """(m,) which row of the fit each of these inspected rows is, -1 for none.

    Of equal rows that are known to be fitted on, each has its own point.
    """
    classifier = fitted.classifier
    if not fitted.inspects_training:
        return classifier.recognised(rows)
    own = points_at(fitted.fitted_on, len(fitted.inspected))[numbers]
    return own if (own >= 0).all() else np.where(own < 0, classifier.recognised(rows), own)


def _begun_again(given: _Given, so_far: Analysis) -> Analysis:
    """What a preview was made from."""
    whole = replace(
        so_far,
        train=given.train,
        timings=dict(so_far.timings),
        warnings=so_far.warnings[len(given.notes) :],
        preview=None,
    )
    inspected = given.train if given.score is None else given.score
    return whole.inspecting(inspected, so_far.scores, so_far.points)


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[name] = time.perf_counter() - start


def _as_set(rows: EmbeddingSet | Features, name: str) -> EmbeddingSet:
    if isinstance(rows, EmbeddingSet):
        return rows
    names, numbers = column_names(rows), numbers_of(rows)
    if isinstance(numbers, Tensor):
        # numpy has no bfloat16.
        numbers = (numbers.float() if numbers.dtype == torch.bfloat16 else numbers).cpu().numpy()
    return replace(EmbeddingSet.from_array(np.atleast_1d(numbers), name), feature_names=names)


def _array(values: Tensor) -> NDArray[Any]:
    return np.asarray(values.cpu().numpy())


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
