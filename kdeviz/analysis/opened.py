"""Analyses around a model that is there already: nothing is fitted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz import __version__
from kdeviz.analysis.analysis import Analysis, Places
from kdeviz.analysis.scoring import known_note, known_points, log_densities, rows_fitted_on
from kdeviz.data import EmbeddingSet, OnBlock, aligned
from kdeviz.model import KDEClassifier, device_name


def analysis_of_model(model: KDEClassifier, data: EmbeddingSet, on_block: OnBlock | None = None) -> Analysis:
    """Score data with a model that was loaded, leave-one-out for the rows that it was fitted on.

    Dimensions are matched by name where both sides have names, and rows of the fit are known by their
    content; the warnings say what was found.

    Args:
        model: a fitted model.
        data: (M, D) rows; where it holds the rows the model was fitted on, it is the training data too.
        on_block: called after each block of rows.

    Raises:
        DataError: a dimension is missing, wrong shape, NaN or infinity.
    """
    data, notes = aligned(data, model.feature_names, len(model.pca_model.mean), "the model")
    fitted_on, points = rows_fitted_on(model, data), known_points(model, data)
    points[fitted_on] = np.arange(len(fitted_on))  # of equal rows each has its own
    scores = log_densities(model, data, points, on_block)
    known = known_note(points)
    return opened_analysis(
        model,
        data if len(fitted_on) else None,
        data,
        scores,
        scores[fitted_on] if len(fitted_on) else None,
        fitted_on,
        warnings=notes if known is None else (*notes, known),
        provenance={
            "train_digest": model.data_digest,
            "score_name": data.name,
            "score_digest": data.digest,
            **made_by(model),
        },
    )


def opened_analysis(
    model: KDEClassifier,
    train: EmbeddingSet | None,
    inspected: EmbeddingSet,
    scores: NDArray[Any],
    train_scores: NDArray[Any] | None = None,
    fitted_on: NDArray[np.int64] | None = None,
    **about: Any,
) -> Analysis:
    """An analysis of known scores; nothing is computed.

    Args:
        model: the fitted model.
        train: the rows given for training; None if they are not here.
        inspected: the M scored rows; features without columns if those are not here.
        scores: (M,) their log densities.
        train_scores: (n,) leave-one-out log densities of the rows the model was fitted on; None if they are
            still to be computed.
        fitted_on: (n,) which of `train` the model was fitted on.
        about: warnings, timings and provenance, if they are known.
    """
    if train is None or fitted_on is None:
        nothing = np.empty((0, len(model.pca_model.mean)), np.float32)
        train, fitted_on = EmbeddingSet.from_array(nothing, "training rows"), np.empty(0, np.int64)
    return Analysis(
        settings=model.settings,
        classifier=model,
        train=train,
        inspected=inspected,
        fitted_on=fitted_on,
        scores=scores,
        known_train_scores=train_scores,
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
