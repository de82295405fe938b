"""Log densities of a data set that the model may have been fitted on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.data import ANOMALOUS, EmbeddingSet, Features, OnBlock, Rows
from kdeviz.errors import DataError
from kdeviz.model import FoldAxes, KDEClassifier, NearTraining, PrincipalAxes, hold_out, some_of

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
    for chosen in _possible_training_rows(data):
        if Rows(data.features).select(np.flatnonzero(chosen)).digest() == classifier.data_digest:
            return np.flatnonzero(chosen)[used]
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
    copy is a guess.

    Args:
        near: of the fitted model.
        features: (M, D) finite rows.
        points: (M,) which training row each is, -1 for none.
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


def _possible_training_rows(data: EmbeddingSet) -> Iterator[NDArray[np.bool_]]:
    """Masks of some of the rows: what may have been fitted when not all were."""
    train = data.in_training
    without = train if data.labels is None else train & (data.labels != ANOMALOUS)
    for chosen in (train, without):
        if chosen.any() and not chosen.all():
            yield chosen


def hold_out_rows(
    classifier: KDEClassifier, rows: Rows, axes: PrincipalAxes, on_block: OnBlock | None = None
) -> tuple[tuple[FoldAxes | None, ...], tuple[str, ...]]:
    """Give a classifier the held-out scores of its rows, as far as there can be any.

    Args:
        classifier: the fitted model.
        rows: (n, D) those it was fitted on, in its order.
        axes: all their principal axes.
        on_block: called after each block of rows.

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
    scores has no other score for them; see `known_note`.

    Args:
        classifier: the fitted model.
        data: M rows.
        points: (M,) which training row each is, -1 for none; see `known_points`.
        on_block: called after each block of rows.

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
