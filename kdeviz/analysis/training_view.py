"""The same model, looked at from the rows it was fitted on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kdeviz.analysis.analysis import Analysis, Places
from kdeviz.analysis.cache import cached


@cached
def training_view(analysis: Analysis) -> Analysis:
    """The analysis with all training rows as the inspected ones.

    Those that the model was fitted on have their held-out scores, the others NaN: nobody has scored them.
    It is the analysis itself where the training rows are inspected already.
    """
    if analysis.inspects_training:
        return analysis
    train, fitted_on = analysis.train, analysis.fitted_on
    scores = np.full(len(train), np.nan, analysis.scores.dtype)
    points = np.full(len(train), -1, np.int64)
    points[fitted_on] = np.arange(len(fitted_on))
    if len(analysis.held_out_scores):
        scores[fitted_on] = analysis.held_out_scores
    places = Places(analysis.classifier, train, train, fitted_on, analysis.places.fitted)
    return replace(analysis, inspected=train, scores=scores, points=points, places=places)
