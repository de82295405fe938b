"""Groups of training rows that lie too far apart for one covariance."""

from __future__ import annotations

import numpy as np

from kdeviz.data import EmbeddingSet, Rows
from kdeviz.errors import DataError
from kdeviz.model import KDEClassifier, hold_out, separate_groups
from kdeviz.preflight.findings import Finding
from kdeviz.settings import Settings

_MOST_ROWS = 2000
_FINE = Finding("groups", "ok", "The training rows form no groups that lie too far apart for one model.")


def group_finding(data: EmbeddingSet, settings: Settings) -> Finding:
    """See `separate_groups`; by a model of at most 2 000 of the training rows.

    Args:
        data: as for `preflight`, without errors.
        settings: what a fit will be asked for.
    """
    chosen = np.flatnonzero(data.in_training)
    if len(chosen) > _MOST_ROWS:
        chosen = chosen[np.linspace(0, len(chosen) - 1, _MOST_ROWS).astype(np.int64)]
    classifier, rows = KDEClassifier(**settings.to_dict()), Rows(data.features).select(chosen)
    try:
        report = classifier.fit_report(data.features[chosen], digest="some rows", with_folds=True)
        if report.axes is None or report.points is None:
            return _FINE
        index = classifier.training_rows.numpy()
        held_out = hold_out(classifier, rows.select(index), classifier.folds, report.axes)
    except DataError:  # another check says so
        return _FINE
    classifier.held_out_scores = held_out.scores
    found = separate_groups(classifier, report.points)
    if found is None:
        return _FINE
    return Finding("groups", "warning", found.in_words, offer=found.offer)
