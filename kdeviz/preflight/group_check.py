"""Groups of training rows that lie too far apart for one covariance."""

from __future__ import annotations

import numpy as np

from kdeviz.data import EmbeddingSet, Rows
from kdeviz.errors import DataError
from kdeviz.model import Groups, KDEClassifier, hold_out, separate_groups
from kdeviz.preflight.checks import preflight
from kdeviz.preflight.findings import Finding, Preflight
from kdeviz.preflight.scan import evenly
from kdeviz.settings import Settings

_MOST_ROWS = 2000
_FINE = Finding("groups", "ok", "The training rows form no groups that lie too far apart for one model.")


def all_checks(data: EmbeddingSet, classifier: KDEClassifier) -> Preflight:
    """Those of `preflight`, for what a fitted model was asked for, and whether its training rows form groups.

    Args:
        data: the whole file that it was fitted on.
        classifier: the model, with held-out scores.
    """
    asked = classifier.settings
    groups = separate_groups(classifier, classifier.kde_model.points)
    return preflight(data, asked.n_pca_components, asked.standardise).and_also(finding_of(groups))


def checks_before_a_fit(data: EmbeddingSet, settings: Settings) -> Preflight:
    """The same where there is no model yet; without errors, some rows are fitted to look for groups."""
    report = preflight(data, settings.n_pca_components, settings.standardise)
    if any(finding.severity == "error" for finding in report.findings):
        return report
    return report.and_also(group_finding(data, settings))


def finding_of(groups: Groups | None) -> Finding:
    """What `separate_groups` found, as the outcome of a check."""
    return _FINE if groups is None else Finding("groups", "warning", groups.in_words, offer=groups.offer)


def group_finding(data: EmbeddingSet, settings: Settings) -> Finding:
    """See `separate_groups`; by a model of at most 2 000 of the training rows.

    Args:
        data: as for `preflight`, without errors.
        settings: what a fit will be asked for.
    """
    chosen = evenly(np.flatnonzero(data.in_training), _MOST_ROWS)
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
    return finding_of(separate_groups(classifier, report.points))
