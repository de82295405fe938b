"""Which model gave an inspected row its score: the whole one, or that of the rows outside its fold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis.analysis import Analysis
from kdeviz.analysis.cache import cached
from kdeviz.data import Rows
from kdeviz.model import KDEClassifier, fold_model


class Judge(NamedTuple):
    """A fitted model, and what it was fitted on."""

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
