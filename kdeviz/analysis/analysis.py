"""Analysis: a fitted model and everything it says about the data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.data import ANOMALOUS, EmbeddingSet
from kdeviz.model import FoldAxes, Groups, KDEClassifier
from kdeviz.settings import Settings
from kdeviz.wording import count


class Preview(NamedTuple):
    """Of what an analysis is a preview: it is about a random sample of the rows that are to be scored."""

    whole: EmbeddingSet
    """All the rows to score."""
    rows: NDArray[np.int64]
    """(m,) which of them the inspected rows are. Larger samples begin with the rows of smaller ones."""
    of_training: bool
    """Whether the rows to score are the training rows themselves."""

    @property
    def words(self) -> str:
        """How much of the whole this is."""
        return f"{count(len(self.rows))} of {count(len(self.whole))} rows"


@dataclass(frozen=True, eq=False)
class Analysis:
    """A fitted model and everything it says about the data.

    Attributes:
        settings: what was asked for.
        classifier: the fitted model.
        train: the rows given for training; a set without rows where a model file or a kept run was opened
            and they are not here.
        inspected: the rows that `scores` are about: the score set, or the training rows if there was none.
        fitted_on: (n,) which of `train` the model was fitted on, in the order of its points; empty where
            they are not here.
        scores: (M,) log densities of the inspected rows; held-out scores for those the model was fitted on.
        held_out_scores: (n,) log densities of the rows the model was fitted on, in its order, each under a
            model of the rows outside its fold; none where there are none (see `warnings`). A run that an
            older kdeviz kept has leave-one-out scores here.
        points: (M,) which row of the fit each inspected row is, -1 for none.
        warnings: what a person should know about this fit, one sentence each.
        timings: seconds per stage.
        provenance: data digests, seed, versions, device and time, ready for JSON.
        places: where the model sees the rows.
        fold_axes: the axes of each fold's model, as far as they are known.
        groups: of training rows that lie too far apart for this model, if there are; also in `warnings`.
        preview: of what this is a preview; None once all rows are scored.
    """

    settings: Settings
    classifier: KDEClassifier
    train: EmbeddingSet
    inspected: EmbeddingSet
    fitted_on: NDArray[np.int64]
    scores: NDArray[Any]
    held_out_scores: NDArray[Any]
    points: NDArray[np.int64]
    warnings: tuple[str, ...]
    timings: dict[str, float]
    provenance: dict[str, Any]
    places: Places
    fold_axes: tuple[FoldAxes | None, ...] = ()
    groups: Groups | None = None
    preview: Preview | None = None

    @cached_property
    def calibration(self) -> NDArray[Any]:
        """(c,) held-out scores, ascending; equal rows, which are not independent, count once."""
        scores = self.held_out_scores
        return np.sort(scores[self.distinct]) if len(scores) else scores

    @property
    def distinct(self) -> NDArray[np.bool_]:
        """(n,) True for the first of each group of copies among the training rows."""
        return np.asarray(self.first_copies == np.arange(len(self.first_copies)))

    @cached_property
    def first_copies(self) -> NDArray[np.int64]:
        """(n,) of each training row and its copies, equal or near, the first: it counts for all of them."""
        copies = self.classifier.copies
        if len(copies) != len(self.held_out_scores):  # of a run that does not fit its model
            return np.arange(len(self.held_out_scores))
        first, place = np.unique(copies, return_index=True, return_inverse=True)[1:]
        return first[place]

    @cached_property
    def in_calibration(self) -> NDArray[np.bool_]:
        """(M,) whether the calibration holds a score, at or below the row's, of the row itself or of a copy.

        Of near copies only the first one's score is there, and it may be above the row's.
        """
        found = (self.points >= 0) & (self.points < len(self.held_out_scores))
        points = self.points[found]
        found[found] = self.held_out_scores[self.first_copies[points]] <= self.scores[found]
        return found

    @property
    def reference(self) -> NDArray[Any]:
        """Scores to read others against: held-out ones, or the inspected rows' where there are none."""
        return self.held_out_scores if len(self.held_out_scores) else self.scores

    @property
    def calibrated(self) -> bool:
        """Whether new normal rows score like the calibration: not where nothing was held out."""
        return bool(self.classifier.held_out_scores.numel())

    @property
    def contamination(self) -> str:
        """That training rows are labelled anomalous, also among `warnings`; empty where none is."""
        labelled = self.learned_anomalous
        if not labelled:
            return ""
        return (
            f"{count(labelled)} of the {count(len(self.fitted_on))} training rows are labelled anomalous: "
            "the model learns them as normal, and the alarm budget counts them"
        )

    @property
    def learned_anomalous(self) -> int:
        """How many rows of the fit are labelled anomalous; the model learns them as normal."""
        labels = self.train.labels
        return 0 if labels is None else int((labels[self.fitted_on] == ANOMALOUS).sum())

    @property
    def inspects_training(self) -> bool:
        """Whether the inspected rows are the training rows themselves."""
        return self.inspected is self.train

    @property
    def scores_training(self) -> bool:
        """Whether the rows to score are the training rows themselves, or in a preview some of them."""
        return self.inspects_training or (self.preview is not None and self.preview.of_training)

    @property
    def scored(self) -> EmbeddingSet | None:
        """The rows that were given to be scored; None if the training rows themselves are inspected."""
        return None if self.inspects_training else self.inspected

    @property
    def coordinates(self) -> NDArray[Any]:
        """(M, k) scaled PCA scores of the inspected rows: where the model sees them."""
        return self.places.inspected

    @property
    def train_coordinates(self) -> NDArray[Any]:
        """(n, k) scaled PCA scores of the rows the model was fitted on."""
        return self.places.fitted

    @cached_property
    def training_view(self) -> Analysis:
        """The same model with all training rows as the inspected ones; itself where they are already.

        Those that the model was fitted on have their held-out scores, the others NaN: nobody has scored them.
        """
        if self.inspects_training:
            return self
        scores = np.full(len(self.train), np.nan, self.scores.dtype)
        points = np.full(len(self.train), -1)
        points[self.fitted_on] = np.arange(len(self.fitted_on))
        if len(self.held_out_scores):
            scores[self.fitted_on] = self.held_out_scores
        return self.inspecting(self.train, scores, points)

    def inspecting(
        self, inspected: EmbeddingSet, scores: NDArray[Any], points: NDArray[np.int64], **others: Any
    ) -> Analysis:
        """The same model about other (M, D) rows, with their scores and points; other fields as given."""
        places = Places(self.classifier, self.train, inspected, self.fitted_on, self.places.fitted)
        return replace(self, inspected=inspected, scores=scores, points=points, places=places, **others)

    def of_others(
        self, inspected: EmbeddingSet, scores: NDArray[Any], points: NDArray[np.int64], *warnings: str
    ) -> Analysis:
        """The same model about other (M, D) rows, with their scores and points; its calibration is kept."""
        places = Places(self.classifier, self.train, inspected, self.fitted_on)
        others = replace(
            self, inspected=inspected, scores=scores, points=points, warnings=warnings, places=places
        )
        for name in ("calibration", "first_copies"):  # as cached_property keeps them
            vars(others)[name] = getattr(self, name)
        return others

    def relabelled(self, labels: NDArray[np.int8]) -> Analysis:
        """The same analysis with other (M,) labels of the inspected rows."""
        inspected = replace(self.inspected, labels=labels)
        train = inspected if self.inspects_training else self.train
        return replace(self, inspected=inspected, train=train)


class Places:
    """Where the model sees the rows, projected when somebody asks.

    Args:
        classifier: the fitted model.
        train: the rows given for training.
        inspected: the inspected rows; `train` itself if those are the training rows.
        fitted_on: (n,) which of `train` the model was fitted on.
        fitted: (n, k) scaled PCA scores of those, when they are known already.
    """

    def __init__(
        self,
        classifier: KDEClassifier,
        train: EmbeddingSet,
        inspected: EmbeddingSet,
        fitted_on: NDArray[np.int64],
        fitted: NDArray[Any] | None = None,
    ) -> None:
        self._classifier, self._train, self._inspected = classifier, train, inspected
        self._fitted_on, self._known = fitted_on, fitted

    @cached_property
    def fitted(self) -> NDArray[Any]:
        """(n, k) of the rows the model was fitted on; where they are not here, as the model has them."""
        if self._known is not None:
            return self._known
        if not len(self._fitted_on):  # they are not here, and the model knows where they lie
            return np.asarray(self._classifier.kde_model.points.cpu().numpy())
        return self._project(self._train.features[self._fitted_on])

    @cached_property
    def inspected(self) -> NDArray[Any]:
        """(M, k) of the inspected rows."""
        if self._inspected is not self._train:
            return self._project(self._inspected.features)
        known, others = self.fitted, np.ones(len(self._train), dtype=bool)
        if np.array_equal(self._fitted_on, np.arange(len(others))):
            return known
        others[self._fitted_on] = False
        coordinates = np.empty((len(others), known.shape[1]), known.dtype)
        coordinates[self._fitted_on] = known
        if others.any():
            coordinates[others] = self._project(self._train.features[others])
        return coordinates

    def _project(self, features: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(self._classifier.transform(features).cpu().numpy())
