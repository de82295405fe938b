"""The neighbour map: t-SNE of training samples, on which other samples are placed beside their neighbours.

An extra: `pip install 'kdeviz[map]'`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, OnProgress, Watch
from kdeviz.charts.map_axes import MapAxes, Placed
from kdeviz.data import OnBlock
from kdeviz.errors import OptionError

MOST_FITTED, MOST_PLACED = 5000, 10_000
ARRANGING, PLACING = "Arranging the training samples by their neighbours", "Placing the other samples"
_PERPLEXITY, _FEWEST = 30.0, 10
_SEED = 0
# Iterations with the attraction exaggerated, and without, as in openTSNE; between two looks at progress.
_EARLY, _LATE, _LOOK = 250, 500, 10
_BLOCK, _PLACING_STEPS = 500, 100


@dataclass(frozen=True, eq=False)
class NeighbourFit:
    """Training samples arranged by their neighbours. Others are placed on it; it never moves.

    Attributes:
        points: (f,) which points of the model these are: all of them, or an evenly spaced part of the most.
        positions: (f, 2).
    """

    points: NDArray[np.int64]
    positions: NDArray[np.float64]
    _embedding: Any

    def place(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Where (B, k) whitened rows come to lie: each beside its neighbours, whatever the others are."""
        placed = self._embedding.prepare_partial(rows, initialization="median", k=25, perplexity=5)
        placed.optimize(
            _PLACING_STEPS,
            inplace=True,
            learning_rate=0.1,
            exaggeration=1.5,
            momentum=0.8,
            max_grad_norm=0.25,
        )
        return np.asarray(placed)


class NeighbourPlaces(NamedTuple):
    """Where samples lie on a neighbour map; NaN for those that were not placed."""

    inspected: NDArray[np.float32]
    """(M, 2)"""
    training: NDArray[np.float32]
    """(n, 2) of the rows the model was fitted on."""


@dataclass(frozen=True, eq=False, repr=False)
class NeighbourAxes(MapAxes):
    """A neighbour map that was computed before."""

    places: NeighbourPlaces

    def place(self, analysis: Analysis, threshold: float) -> Placed:
        """As it was computed."""
        titles = ("neighbours lie together; distances and directions mean nothing", "")
        words = "Neighbour map (t-SNE of training samples, the others placed on it)"
        return Placed(self.places.inspected, self.places.training, titles, words, "not placed", scaled=False)


def has_neighbour_maps() -> bool:
    """Whether what computes them is installed."""
    from importlib.util import find_spec

    return find_spec("openTSNE") is not None


def neighbour_fit(
    analysis: Analysis,
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> NeighbourFit:
    """Arrange the training samples, or `MOST_FITTED` of them, by their neighbours as the model measures them.

    Distances are those of the kernels: Euclidean after the whitening of the model's space. Seeded, and on one
    thread, so that it comes out the same again.

    Source: L. van der Maaten and G. Hinton, Visualizing Data using t-SNE, JMLR 9, 2008; openTSNE computes it.

    Raises:
        OptionError: openTSNE is not installed, or there are too few training samples.
        Cancelled: `cancelled` said yes.
    """
    if analysis.classifier.n_components_ < 2:
        raise OptionError("a neighbour map needs two components, and this model keeps one")
    points = _spread(len(analysis.train_coordinates), MOST_FITTED)
    if len(points) < _FEWEST:
        raise OptionError(
            f"a neighbour map needs {_FEWEST} training samples or more, there are {len(points)}"
        )
    rows = _whitened(analysis, analysis.train_coordinates[points])
    with Watch(on_progress, cancelled).stage(ARRANGING) as on_block:
        embedding = _arranged(rows, on_block)
    return NeighbourFit(points, np.array(embedding), embedding)


def _arranged(rows: NDArray[np.float64], on_block: OnBlock) -> Any:
    """openTSNE's embedding of these rows."""
    try:
        import openTSNE
    except ImportError:
        raise OptionError("openTSNE is not installed: pip install 'kdeviz[map]'") from None
    perplexity, alike = min(_PERPLEXITY, (len(rows) - 1) / 3), {"n_jobs": 1, "random_state": _SEED}
    near = openTSNE.affinity.PerplexityBasedNN(rows, perplexity, method="exact", **alike)
    start = openTSNE.initialization.pca(rows, random_state=_SEED)
    embedding = openTSNE.TSNEEmbedding(start, near, negative_gradient_method="bh", **alike)
    for done, steps, exaggeration, momentum in ((0, _EARLY, 12, 0.5), (_EARLY, _LATE, 1, 0.8)):
        looks = _looks(on_block, done)
        embedding.optimize(steps, inplace=True, exaggeration=exaggeration, momentum=momentum, **looks)
    return embedding


def neighbour_places(
    fit: NeighbourFit,
    analysis: Analysis,
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> NeighbourPlaces:
    """Place the inspected samples, or `MOST_PLACED` of them: half of these the most anomalous, half spread.

    Samples of the fit are where the fit has them.

    Raises:
        Cancelled: `cancelled` said yes.
    """
    training = np.full((len(analysis.train_coordinates), 2), np.nan, np.float32)
    training[fit.points] = fit.positions
    inspected = np.full((len(analysis.scores), 2), np.nan, np.float32)
    known = analysis.points >= 0
    inspected[known] = training[analysis.points[known]]
    others = _chosen(analysis.scores, np.isnan(inspected[:, 0]))
    with Watch(on_progress, cancelled).stage(PLACING) as on_block:
        for first in range(0, len(others), _BLOCK):
            on_block(first, len(others))
            block = others[first : first + _BLOCK]
            inspected[block] = fit.place(_whitened(analysis, analysis.coordinates[block]))
    return NeighbourPlaces(inspected, training)


def _looks(on_block: OnBlock, done: int) -> dict[str, Any]:
    """What lets openTSNE report, and be ended by an exception."""

    def look(step: int, error: float, embedding: object) -> None:
        on_block(done + step, _EARLY + _LATE)

    return {"callbacks": [look], "callbacks_every_iters": _LOOK}


def _chosen(scores: NDArray[Any], wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Which rows to place, of those wanted."""
    order = np.flatnonzero(wanted)[np.argsort(scores[wanted], kind="stable")]
    half = MOST_PLACED // 2
    rest = order[half:]
    return np.concatenate([order[:half], rest[_spread(len(rest), half)]])


def _spread(n: int, most: int) -> NDArray[np.int64]:
    """At most so many of n, evenly spaced."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)


def _whitened(analysis: Analysis, coordinates: NDArray[Any]) -> NDArray[np.float64]:
    transform = analysis.classifier.kde_model.bw_transform.double().cpu().numpy()
    whitened: NDArray[np.float64] = coordinates.astype(np.float64) @ transform
    return whitened
