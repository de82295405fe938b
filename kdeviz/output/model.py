"""The model of an analysis as a file, with the threshold and the curve that are on the screen."""

from __future__ import annotations

import copy

from kdeviz.analysis import Analysis
from kdeviz.model import KDEClassifier, ProbabilityCurve


def fitted_model(analysis: Analysis, threshold: float, curve: ProbabilityCurve) -> KDEClassifier:
    """The classifier with this threshold and curve; the one in the analysis keeps its own."""
    model = copy.copy(analysis.classifier)
    model.threshold, model.curve = threshold, curve
    return model


def model_bytes(analysis: Analysis, threshold: float, curve: ProbabilityCurve) -> bytes:
    """The content of a model file; `KDEClassifier.load` reads it."""
    return fitted_model(analysis, threshold, curve).to_bytes()
