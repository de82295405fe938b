"""The decision that a model file holds, without any rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from kdeviz.analysis import opened_analysis
from kdeviz.data import EmbeddingSet
from kdeviz.decision import Decision, stored_decision
from kdeviz.model import KDEClassifier


def decision_of_model(model: KDEClassifier) -> Decision:
    """Its threshold, or that of the default rule; its curve and its held-out scores; nothing inspected."""
    nothing = EmbeddingSet.from_array(np.empty((0, len(model.pca_model.mean)), np.float32), "no rows")
    held_out = model.held_out_scores.cpu().numpy()
    provenance = {"torch_version": str(torch.__version__)}
    empty = np.empty(0, held_out.dtype)
    return stored_decision(opened_analysis(model, None, nothing, empty, held_out, provenance=provenance))


def read_decision(path: str | Path) -> Decision:
    """The decision in a model file that kdeviz wrote.

    Raises:
        ModelFileError: it is none.
    """
    return decision_of_model(KDEClassifier.load(path, "cpu"))
