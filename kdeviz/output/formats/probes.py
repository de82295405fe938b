"""Rows on which a model is compared with its export: synthetic ones, and some of those that were scored."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kdeviz.decision import Decision
from kdeviz.model import KDEClassifier

LOWEST = -3000.0
"""How far into the tail an export is compared, in nats; lower scores are compared where they turn up."""
_DIRECTIONS = 24
_STEPS = np.concatenate([[0.0], np.geomspace(0.05, 3000, 90)])
_LEVELS, _NEAR = 160, 24
_GIVEN = 200


def probe_rows(decision: Decision) -> NDArray[np.float32]:
    """(R, D) rows from the densest place into the tail, on both sides of the threshold.

    Synthetic ones from the model's own points; where scored rows are at hand, the lowest, some next to the
    threshold and some of the others as well.
    """
    model, threshold = decision.fitted_model, decision.threshold
    rays = synthetic_rows(model)
    scores = model.log_density(rays).cpu().numpy()
    chosen = _spread(scores[scores >= LOWEST], threshold)
    return np.concatenate([rays[scores >= LOWEST][chosen], sample_rows(decision)])


def synthetic_rows(model: KDEClassifier, seed: int = 0) -> NDArray[np.float32]:
    """Rows on rays from the mean of the training rows, through them and across; nobody's data."""
    rng = np.random.default_rng(seed)
    pca = model.pca_model
    k, spread = model.n_components_, np.sqrt(pca.spectrum[: model.n_components_].cpu().numpy())
    directions = rng.normal(size=(_DIRECTIONS, k)) * spread
    directions[: min(k, _DIRECTIONS // 2)] = np.diag(spread)[: _DIRECTIONS // 2]
    rows = _STEPS[:, None, None] * directions
    inside = pca.inverse_transform(rows.reshape(-1, k)).cpu().numpy()
    aside = rng.normal(size=inside.shape) * float(spread[-1]) / 10
    found: NDArray[np.float32] = (inside + aside).astype(np.float32)
    return found


def _spread(scores: NDArray[np.floating], threshold: float) -> NDArray[np.int64]:
    """Some of every height, and the nearest to the threshold on both sides."""
    order = np.argsort(scores)
    levels = np.linspace(scores.min(), scores.max(), _LEVELS)
    deep = np.searchsorted(scores[order], levels).clip(0, len(order) - 1)
    evenly = np.linspace(0, len(order) - 1, _LEVELS).astype(int)
    return np.unique(order[np.concatenate([deep, evenly, _around(scores[order], threshold)])])


def _around(ascending: NDArray[np.floating], threshold: float) -> NDArray[np.int64]:
    place = int(np.searchsorted(ascending, threshold))
    return np.arange(max(place - _NEAR, 0), min(place + _NEAR, len(ascending)))


def sample_rows(decision: Decision) -> NDArray[np.float32]:
    """Those of the `probe_rows` that are scored samples, the last ones; none where no samples are here."""
    analysis = decision.analysis
    features, scores = analysis.inspected.features, analysis.scores
    if not len(features) or features.shape[1] != len(analysis.classifier.pca_model.mean):
        return np.empty((0, len(analysis.classifier.pca_model.mean)), np.float32)
    order = np.argsort(scores, kind="stable")
    some = np.linspace(0, len(order) - 1, min(_GIVEN, len(order))).astype(int)
    places = np.concatenate(
        [np.arange(min(_NEAR, len(order))), _around(scores[order], decision.threshold), some]
    )
    return np.asarray(features[np.sort(order[np.unique(places)])], np.float32)
