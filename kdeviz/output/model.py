"""The model of a decision as a file, with its threshold and curve."""

from __future__ import annotations

import copy

from kdeviz.decision import Decision
from kdeviz.model import KDEClassifier


def fitted_model(decision: Decision) -> KDEClassifier:
    """The classifier with this threshold and curve; the one in the analysis keeps its own."""
    model = copy.copy(decision.analysis.classifier)
    model.threshold, model.curve = decision.threshold, decision.curve
    return model


def model_bytes(decision: Decision) -> bytes:
    """The content of a model file; `KDEClassifier.load` reads it."""
    return fitted_model(decision).to_bytes()
