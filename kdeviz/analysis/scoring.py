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
    fitted_on: NDArray[np.int64],
    on_block: OnBlock | None = None,
    left_out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """(M,) log densities, leave-one-out for the rows the model was fitted on.

    With its own kernel in the sum, every one of those rows would look normal.

    Args:
        classifier: the fitted model.
        data: M rows.
        fitted_on: which of them are the model's `training_rows`, in that order; empty when none is.
        on_block: called after each block of rows.
        left_out: the model's leave-one-out scores, when they are known already.

    Raises:
        DataError: wrong shape, NaN or infinity.
    """
    if not len(fitted_on):
        return np.asarray(classifier.log_density(data.features, on_block=on_block).cpu().numpy())
    Rows(data.features).check_finite()  # here, where rows have the numbers that people know them by
    others = np.setdiff1d(np.arange(len(data)), fitted_on)
    total = len(others) if left_out is not None else len(data)
    if left_out is None:
        left_out = classifier.leave_one_out_scores(on_block=_part(on_block, 0, total)).cpu().numpy()
    scores = np.empty(len(data), dtype=left_out.dtype)
    scores[fitted_on] = left_out
    for start in range(0, len(others), _GATHERED):
        block = others[start : start + _GATHERED]
        progress = _part(on_block, total - len(others) + start, total)
        scores[block] = classifier.log_density(data.features[block], on_block=progress).cpu().numpy()
    return scores


def _part(on_block: OnBlock | None, before: int, total: int) -> OnBlock | None:
    """Progress in a part, told as progress in the whole."""
    return None if on_block is None else lambda done, _: on_block(before + done, total)
