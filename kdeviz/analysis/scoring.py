"""Log densities of a data set that the model may have been fitted on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.data import ANOMALOUS, EmbeddingSet, OnBlock, Rows
from kdeviz.model import KDEClassifier

_GATHERED = 8192


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


def known_note(points: NDArray[np.int64]) -> str | None:
    """How many rows the model was fitted on, in a sentence; None when there is none."""
    known = int((points >= 0).sum())
    if not known:
        return None
    return f"the model was fitted on {known} of these {len(points)} rows: each is left out of its own score"


def _possible_training_rows(data: EmbeddingSet) -> Iterator[NDArray[np.bool_]]:
    """Masks of some of the rows: what may have been fitted when not all were."""
    train = data.in_training
    without = train if data.labels is None else train & (data.labels != ANOMALOUS)
    for chosen in (train, without):
        if chosen.any() and not chosen.all():
            yield chosen


def log_densities(
    classifier: KDEClassifier,
    data: EmbeddingSet,
    points: NDArray[np.int64],
    on_block: OnBlock | None = None,
    left_out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """(M,) log densities, leave-one-out for the rows the model was fitted on.

    With its own kernel in the sum, every one of those rows would look normal.

    Args:
        classifier: the fitted model.
        data: M rows.
        points: (M,) which training row each is, -1 for none; see `known_points`.
        on_block: called after each block of rows.
        left_out: the model's leave-one-out scores, when they are known already.

    Raises:
        DataError: wrong shape, NaN or infinity.
    """
    known = points >= 0
    if not known.any():
        return np.asarray(classifier.log_density(data.features, on_block=on_block).cpu().numpy())
    Rows(data.features).check_finite()  # here, where rows have the numbers that people know them by
    others = np.flatnonzero(~known)
    total = len(others) + (0 if left_out is not None else len(classifier.training_rows))
    if left_out is None:
        left_out = classifier.leave_one_out_scores(on_block=_part(on_block, 0, total)).cpu().numpy()
    scores = np.empty(len(data), dtype=left_out.dtype)
    scores[known] = left_out[points[known]]
    for start in range(0, len(others), _GATHERED):
        block = others[start : start + _GATHERED]
        progress = _part(on_block, total - len(others) + start, total)
        scores[block] = classifier.log_density(data.features[block], on_block=progress).cpu().numpy()
    return scores


def _part(on_block: OnBlock | None, before: int, total: int) -> OnBlock | None:
    """Progress in a part, told as progress in the whole."""
    return None if on_block is None else lambda done, _: on_block(before + done, total)
