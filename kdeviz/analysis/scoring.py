"""Log densities of a data set that the model may have been fitted on, and which model gave them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis.analysis import Analysis
from kdeviz.analysis.cache import cached
from kdeviz.data import ANOMALOUS, EmbeddingSet, Features, OnBlock, Rows
from kdeviz.errors import DataError
from kdeviz.model import FoldAxes, KDEClassifier, NearTraining, PrincipalAxes, fold_model, hold_out, some_of

_FLAT = (
    "the bandwidth is so wide that one bump covers most training samples: expected alarms and p-values do "
    "not hold; choose a smaller one"
)


def rows_fitted_on(classifier: KDEClassifier, data: EmbeddingSet) -> NDArray[np.int64]:
    """Which rows of `data` the model was fitted on, in the order of its `training_rows`.

    Known when the digest of the model is that of all rows, or of those to fit on (see
    `EmbeddingSet.in_training`), with or without the rows labelled anomalous; otherwise none.
    """
    used: NDArray[np.int64] = classifier.training_rows.cpu().numpy()
    if data.digest == classifier.data_digest:
        return used
    train = data.in_training
    without = train if data.labels is None else train & (data.labels != ANOMALOUS)
    for chosen in (train, without):
        rows = np.flatnonzero(chosen)
        if 0 < len(rows) < len(data) and Rows(data.features).select(rows).digest() == classifier.data_digest:
            return rows[used]
    return used[:0]


def known_points(classifier: KDEClassifier, data: EmbeddingSet) -> NDArray[np.int64]:
    """(M,) which training row of the model each row is, in the order of `training_rows`; -1 for none.

    Rows are recognised by content, wherever they stand. A model file of an older kdeviz tells only whether
    all rows it was given are there; see `rows_fitted_on`.
    """
    if classifier.training_keys.numel():
        return classifier.recognised(data.features)
    return points_at(rows_fitted_on(classifier, data), len(data))


def points_at(fitted_on: NDArray[np.int64], rows: int) -> NDArray[np.int64]:
    """(M,) the same for rows of which it is known at which places the training rows stand."""
    points = np.full(rows, -1)
    points[fitted_on] = np.arange(len(fitted_on))
    return points


def known_note(classifier: KDEClassifier, points: NDArray[np.int64]) -> str | None:
    """How many of the rows the model was fitted on, in a sentence; None when there is none."""
    known = int((points >= 0).sum())
    if not known:
        return None
    found = f"the model was fitted on {known} of these {len(points)} rows"
    if classifier.held_out_scores.numel():
        return f"{found}: each is scored by a model that has not seen it"
    return f"{found}, and has no held-out scores: they look more normal than they are; fit again"


def notes_on_known(
    classifier: KDEClassifier, data: EmbeddingSet, points: NDArray[np.int64], are_training: bool = False
) -> tuple[str, ...]:
    """Which of M scored rows the model knows, exactly or nearly: a sentence each, if there is one.

    Of the training rows themselves it goes without saying that it knows some.
    """
    known = None if are_training else known_note(classifier, points)
    return tuple(filter(None, (known, near_note(NearTraining(classifier), data.features, points))))


def near_note(near: NearTraining, features: Features, points: NDArray[np.int64]) -> str | None:
    """That new rows are near copies of rows of the fit, in a sentence; None where they are not.

    Rounded rows are not recognised, and would have no held-out scores if they were: of what row they are a
    copy is a guess. The (M, D) features are finite; `points` tells which training row each is, -1 for none.
    """
    new = np.flatnonzero(points < 0)
    how_many = near.how_many(features[new[some_of(len(new))]]) if len(new) else ""
    if not how_many:
        return None
    others = "the others" if len(new) < len(points) else "the scored rows"
    return (
        f"{how_many} of {others} are near copies of rows that the model was fitted on, as rounded "
        "ones are: they look more normal than they are"
    )


def hold_out_rows(
    classifier: KDEClassifier, rows: Rows, axes: PrincipalAxes, on_block: OnBlock | None = None
) -> tuple[tuple[FoldAxes | None, ...], tuple[str, ...]]:
    """Give a classifier the held-out scores of its (n, D) rows, in its order, as far as there can be any.

    Returns:
        The axes of the folds, and what a person should know.
    """
    try:
        found = hold_out(classifier, rows, classifier.folds, axes, on_block)
    except DataError as error:
        return (), (
            f"{error}: there are no held-out scores, so no alarm can be expected and training rows look more "
            "normal than they are; use fewer components or more rows",
        )
    classifier.held_out_scores = found.scores
    return found.axes, (_FLAT,) if classifier.kde_model.is_flat else ()


def log_densities(
    classifier: KDEClassifier,
    data: EmbeddingSet,
    points: NDArray[np.int64],
    on_block: OnBlock | None = None,
) -> NDArray[Any]:
    """(M,) log densities, held-out for the rows the model was fitted on.

    Under the model that has learnt them every one of those rows looks normal. A classifier without held-out
    scores has no other score for them; see `known_note`. `points` are those of `known_points`.

    Raises:
        DataError: wrong shape, NaN or infinity.
    """
    rows = Rows(data.features, len(classifier.pca_model.mean))
    rows.check_finite()  # here, where rows have the numbers that people know them by
    return scores_of(classifier, rows, points, on_block)


def scores_of(
    classifier: KDEClassifier, rows: Rows, points: NDArray[np.int64], on_block: OnBlock | None = None
) -> NDArray[Any]:
    """`log_densities` of M rows that are known to be finite."""
    held_out = classifier.held_out_scores.cpu().numpy()
    known = (points >= 0) & bool(len(held_out))
    if not known.any():
        return np.asarray(classifier.log_density_of(rows, on_block).cpu().numpy())
    scores = np.empty(len(rows), dtype=held_out.dtype)
    scores[known] = held_out[points[known]]
    others = rows.select(np.flatnonzero(~known))
    scores[~known] = classifier.log_density_of(others, on_block).cpu().numpy()
    return scores


class Judge(NamedTuple):
    """A fitted model that scores a row: the whole one, or that of the rows outside its fold."""

    classifier: KDEClassifier
    fitted_on: NDArray[np.int64]
    """(n,) which rows of `Analysis.train`, in the order of the model's points."""


def judge_of(analysis: Analysis, row: int) -> Judge:
    """The model that has seen neither an inspected row nor its copies, as far as there can be one."""
    point = int(analysis.points[row])
    known = len(analysis.classifier.training_keys) and len(analysis.fitted_on)
    if point < 0 or not known or not len(analysis.held_out_scores):
        return Judge(analysis.classifier, analysis.fitted_on)
    return _fold_judge(analysis, int(analysis.classifier.folds[point]))


@cached
def _fold_judge(analysis: Analysis, fold: int) -> Judge:
    others = analysis.fitted_on[analysis.classifier.folds != fold]
    axes = analysis.fold_axes[fold] if analysis.fold_axes else None
    return Judge(fold_model(analysis.classifier, Rows(analysis.train.features).select(others), axes), others)
