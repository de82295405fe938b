"""Analyses around a model that is there already: nothing is fitted."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz import __version__
from kdeviz.analysis.analysis import Analysis, Places
from kdeviz.analysis.scoring import (
    hold_out_rows,
    known_points,
    log_densities,
    near_note,
    notes_on_known,
    points_at,
    rows_fitted_on,
)
from kdeviz.data import EmbeddingSet, OnBlock, Rows, aligned, row_keys
from kdeviz.model import KDEClassifier, NearTraining, device_name, hold_together, principal_axes


def analysis_of_model(model: KDEClassifier, data: EmbeddingSet, on_block: OnBlock | None = None) -> Analysis:
    """Score (M, D) rows with a model that was loaded; those that it was fitted on have their held-out scores.

    Dimensions are matched by name where both sides have names, and rows of the fit are known by their
    content; the warnings say what was found. An older model has no held-out scores: where all the rows of its
    fit are here, they are found now. Data that hold the rows of the fit are the training data too.

    Raises:
        DataError: a dimension is missing, wrong shape, NaN or infinity.
    """
    data, notes = aligned(data, model.feature_names, len(model.pca_model.mean), "the model")
    fitted_on, points = rows_fitted_on(model, data), known_points(model, data)
    points[fitted_on] = np.arange(len(fitted_on))  # of equal rows each has its own
    if len(fitted_on) and not model.held_out_scores.numel():
        model, remarks = _held_out_now(model, Rows(data.features).select(fitted_on), on_block)
        notes = (*notes, *remarks)
    scores = log_densities(model, data, points, on_block)
    notes = (*notes, *notes_on_known(model, data, points))
    return opened_analysis(
        model,
        data if len(fitted_on) else None,
        data,
        scores,
        model.held_out_scores.cpu().numpy(),
        fitted_on,
        points=points,
        warnings=notes,
        provenance={
            "train_digest": model.data_digest,
            "score_name": data.name,
            "score_digest": data.digest,
            **made_by(model),
        },
    )


class PartAnalyses:
    """The same for a data set that is read in parts; what depends on the model alone is done once.

    Rows of the fit are known by their content; those of an older model file, which tells them only when all
    are there, are scored like any others.
    """

    def __init__(self, model: KDEClassifier) -> None:
        self._model = model
        self._near = NearTraining(model)
        self._known = model.known_rows if model.training_keys.numel() else None
        nothing = EmbeddingSet.from_array(np.empty((0, len(model.pca_model.mean)), np.float32))
        held_out = model.held_out_scores.cpu().numpy()
        self.of_nothing = opened_analysis(model, None, nothing, held_out[:0], held_out)
        """Without rows, for what depends on the model alone."""

    def of(self, data: EmbeddingSet, first_row: int = 0) -> Analysis:
        """Of (M, D) rows; `first_row` is the number of the first one in the whole data set, for errors.

        Raises:
            DataError: a dimension is missing, wrong shape, NaN or infinity.
        """
        model = self._model
        data, notes = aligned(data, model.feature_names, len(model.pca_model.mean), "the model")
        Rows(data.features).check_finite(first_row)
        none = points_at(np.empty(0, np.int64), len(data))
        points = none if self._known is None else self._known.find(data.features)
        scores, near = log_densities(model, data, points), near_note(self._near, data.features, points)
        notes = notes if near is None else (*notes, near)
        return self.of_nothing.of_others(data, scores, points, *notes)


def _held_out_now(
    model: KDEClassifier, rows: Rows, on_block: OnBlock | None
) -> tuple[KDEClassifier, tuple[str, ...]]:
    """A copy of the model with the held-out scores of its rows; and what a person should know."""
    model = copy.deepcopy(model)
    if not model.training_keys.numel():
        model.training_keys = torch.from_numpy(row_keys(rows)).to(model.device)
    together = hold_together(model, on_block)
    standardise, k = model.settings.standardise, model.n_components_
    axes = principal_axes(rows, model.device, k, on_block, folds=model.folds, standardise=standardise)
    remarks = hold_out_rows(model, rows, axes, on_block)[1]
    return model, (together, *remarks) if together else remarks


def opened_analysis(
    model: KDEClassifier,
    train: EmbeddingSet | None,
    inspected: EmbeddingSet,
    scores: NDArray[Any],
    held_out_scores: NDArray[Any],
    fitted_on: NDArray[np.int64] | None = None,
    points: NDArray[np.int64] | None = None,
    **about: Any,
) -> Analysis:
    """An analysis of known scores; nothing is computed.

    Args:
        model: the fitted model.
        train: the rows given for training; None if they are not here.
        inspected: the M scored rows; features without columns if those are not here.
        scores: (M,) their log densities.
        held_out_scores: (n,) of the rows the model was fitted on, or none.
        fitted_on: (n,) which of `train` the model was fitted on.
        points: (M,) which row of the fit each of `inspected` is, -1 for none; from `fitted_on` if None.
        about: warnings, timings and provenance, if they are known.
    """
    if train is None or fitted_on is None:
        nothing = np.empty((0, len(model.pca_model.mean)), np.float32)
        train, fitted_on = EmbeddingSet.from_array(nothing, "training rows"), np.empty(0, np.int64)
    if points is None:
        points = points_at(fitted_on if train is inspected else fitted_on[:0], len(inspected))
    return Analysis(
        settings=model.settings,
        classifier=model,
        train=train,
        inspected=inspected,
        fitted_on=fitted_on,
        scores=scores,
        held_out_scores=held_out_scores,
        points=points,
        places=Places(model, train, inspected, fitted_on),
        **{"warnings": (), "timings": {}, "provenance": {}, **about},
    )


def made_by(model: KDEClassifier) -> dict[str, Any]:
    """With which seed, device and versions scores are made, and when; ready for JSON."""
    return {
        "seed": model.settings.seed,
        "device": device_name(model.device),
        "kdeviz_version": __version__,
        "torch_version": str(torch.__version__),  # of a type of its own, which JSON does not know
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
