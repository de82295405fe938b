"""The model of a decision as a file. A new format is a module, and a line in `MODEL_FORMATS`."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import NamedTuple

from kdeviz.decision import Decision
from kdeviz.model import KDEClassifier


class ModelFormat(NamedTuple):
    """One kind of model file."""

    name: str
    """To follow "Download"."""
    write: Callable[[Decision], bytes]
    words: str
    """What a person should know about it, in Markdown."""


def fitted_model(decision: Decision) -> KDEClassifier:
    """The classifier with this threshold and curve; the one in the analysis keeps its own."""
    model = copy.copy(decision.analysis.classifier)
    model.threshold, model.curve = decision.threshold, decision.curve
    return model


def model_bytes(decision: Decision) -> bytes:
    """The content of a model file; `KDEClassifier.load` reads it."""
    return fitted_model(decision).to_bytes()


_NATIVE = ModelFormat(
    "the model",
    model_bytes,
    "One safetensors file: numbers only, no code. `KDEClassifier.load` reads it back and gives the very "
    "scores on this screen; it carries the threshold and the probability curve.",
)
MODEL_FORMATS: dict[str, ModelFormat] = {".safetensors": _NATIVE}
"""Every format of models by the suffix of its files, in the order in which people are offered them."""


def model_format(suffix: str) -> ModelFormat:
    """The format of files with this suffix, in upper or lower case; kdeviz's own where there is none."""
    return MODEL_FORMATS.get(suffix.lower(), _NATIVE)
