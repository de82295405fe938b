"""Analysis: a fitted model and everything it says about the data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.data import EmbeddingSet
from kdeviz.model import KDEClassifier
from kdeviz.settings import Settings


@dataclass(frozen=True, eq=False)
class Analysis:
    """A fitted model and everything it says about the data.

    Attributes:
        settings: what was asked for.
        classifier: the fitted model.
        train: the rows given for training.
        inspected: the rows that `scores` are about: the score set, or the training rows if there was none.
        fitted_on: (n,) which of `train` the model was fitted on, in the order of its points.
        train_scores: (n,) leave-one-out log densities of those rows.
        scores: (M,) log densities of the inspected rows; leave-one-out for those the model was fitted on.
        warnings: what a person should know about this fit, one sentence each.
        timings: seconds per stage.
        provenance: data digests, seed, versions, device and time, ready for JSON.
    """

    settings: Settings
    classifier: KDEClassifier
    train: EmbeddingSet
    inspected: EmbeddingSet
    fitted_on: NDArray[np.int64]
    train_scores: NDArray[Any]
    scores: NDArray[Any]
    warnings: tuple[str, ...]
    timings: dict[str, float]
    provenance: dict[str, Any]

    @property
    def inspects_training(self) -> bool:
        """Whether the inspected rows are the training rows themselves."""
        return self.inspected is self.train

    @property
    def scored(self) -> EmbeddingSet | None:
        """The rows that were given to be scored; None if the training rows themselves are inspected."""
        return None if self.inspects_training else self.inspected

    @cached_property
    def coordinates(self) -> NDArray[Any]:
        """(M, k) scaled PCA scores of the inspected rows: where the model sees them."""
        if not self.inspects_training:
            return _array(self.classifier.transform(self.inspected.features))
        known, others = self.train_coordinates, np.ones(len(self.train), dtype=bool)
        if np.array_equal(self.fitted_on, np.arange(len(others))):
            return known
        others[self.fitted_on] = False
        coordinates = np.empty((len(others), known.shape[1]), known.dtype)
        coordinates[self.fitted_on] = known
        if others.any():
            coordinates[others] = _array(self.classifier.transform(self.train.features[others]))
        return coordinates

    @cached_property
    def train_coordinates(self) -> NDArray[Any]:
        """(n, k) scaled PCA scores of the rows the model was fitted on."""
        return _array(self.classifier.transform(self.train.features[self.fitted_on]))

    def relabelled(self, labels: NDArray[np.int8]) -> Analysis:
        """The same analysis with other (M,) labels of the inspected rows."""
        inspected = replace(self.inspected, labels=labels)
        other = replace(self, inspected=inspected, train=inspected if self.inspects_training else self.train)
        for name in ("coordinates", "train_coordinates"):
            if name in vars(self):
                vars(other)[name] = vars(self)[name]
        return other


def _array(values: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = values.cpu().numpy()
    return array
