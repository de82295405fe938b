"""kdeviz's own model file, and the decision that it holds, without any rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz import __version__
from kdeviz.analysis import opened_analysis
from kdeviz.data import EmbeddingSet
from kdeviz.decision import Decision, p_values, stored_decision
from kdeviz.errors import ExportError
from kdeviz.model import KDEClassifier
from kdeviz.output.formats.model_format import ModelFormat, Scored


class Native(ModelFormat):
    """safetensors with JSON metadata."""

    name = "native"
    title = "kdeviz's own model file"
    suffix = ".safetensors"
    for_kdeviz = True
    words = (
        "A safetensors file: numbers only, no code. It carries the whole decision: model, threshold, "
        "probability curve, held-out scores for p-values, and the names of the features. "
        "`KDEClassifier.load` reads it back and gives the very scores on this screen. Training samples are "
        "judged here by models that have not seen them; `kdeviz score` does the same."
    )

    def loading(self, decision: Decision, file: str) -> str:
        """See `ModelFormat`."""
        return f"""\
import kdeviz
model = kdeviz.KDEClassifier.load({file!r})
log_density = model.log_density(rows)
flagged = log_density < model.threshold"""

    def write(self, decision: Decision, path: Path) -> None:
        """See `ModelFormat`."""
        path.write_bytes(model_bytes(decision))

    def check(self, decision: Decision, path: Path, rows: NDArray[np.float32]) -> Scored:
        """See `ModelFormat`; the file must give back the very same bytes."""
        found = read_decision(path)
        if model_bytes(found) != path.read_bytes():
            raise ExportError("what was read back is not what was written")
        scores: NDArray[Any] = found.fitted_model.log_density(rows.astype(np.float64)).numpy()
        p_value = p_values(found.analysis.calibration, scores)
        flagged = scores < found.threshold
        return Scored("kdeviz", __version__, scores, found.curve(scores), p_value, flagged)


def model_bytes(decision: Decision) -> bytes:
    """The content of a model file; `KDEClassifier.load` reads it."""
    return decision.fitted_model.to_bytes()


def read_decision(path: str | Path) -> Decision:
    """The decision in a model file that kdeviz wrote.

    Raises:
        ModelFileError: it is none.
    """
    return decision_of_model(KDEClassifier.load(path, "cpu"))


def decision_of_model(model: KDEClassifier) -> Decision:
    """Its threshold, or that of the default rule; its curve and its held-out scores; nothing inspected."""
    nothing = EmbeddingSet.from_array(np.empty((0, len(model.pca_model.mean)), np.float32), "no rows")
    held_out = model.held_out_scores.cpu().numpy()
    provenance = {"torch_version": str(torch.__version__)}
    empty = np.empty(0, held_out.dtype)
    return stored_decision(opened_analysis(model, None, nothing, empty, held_out, provenance=provenance))
