"""Typical samples: training rows that stand for all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.errors import OptionError

_MOST_LOOKED_AT = 2000
_TRIES = 5


@cached
def typical(analysis: Analysis, wanted: int) -> NDArray[np.int64]:
    """Which points of the fit are typical: (W,), of the largest group first; see `Analysis.fitted_on`.

    The points are cut into so many groups (k-means in the model's space), and each is shown by its member
    with the highest held-out score among the half nearest to its middle. The densest rows of all would look
    alike. There are fewer than `wanted` where rows lie in fewer different places, and none where the rows of
    the fit are not here.

    Raises:
        OptionError: `wanted` is below 1.
    """
    if wanted < 1:
        raise OptionError(f"wanted={wanted} names nothing: choose at least 1")
    points = np.flatnonzero(analysis.distinct) if len(analysis.held_out_scores) else np.empty(0, np.int64)
    if not len(points) or len(analysis.fitted_on) != len(analysis.held_out_scores):
        return points[:0]
    points = points[:: -(-len(points) // _MOST_LOOKED_AT)]
    groups, distances = _grouped(analysis.train_coordinates[points].astype(np.float64), wanted)
    sizes = np.bincount(groups)
    scores = analysis.held_out_scores[points]
    chosen = [_middle_one(scores, distances, groups == group) for group in np.argsort(-sizes, kind="stable")]
    return np.asarray(points[chosen])


def _grouped(coordinates: NDArray[np.float64], wanted: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(P,) group of each point, and how far it lies from its middle."""
    centred = coordinates - coordinates.mean(0)
    most = min(wanted, len(np.unique(centred, axis=0)))  # different rows may lie in one place
    tries = [one for seed in range(_TRIES) if (one := _groups(centred, most, seed)) is not None]
    if not tries:
        tries = [(np.zeros(len(centred), np.int64), np.linalg.norm(centred, axis=1))]
    return min(tries, key=lambda one: float(np.square(one[1]).sum()))


def _groups(
    centred: NDArray[np.float64], wanted: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """The same from one beginning; None where a group ended up empty."""
    from scipy.cluster.vq import ClusterError, kmeans2  # slow to import

    try:
        middles, groups = kmeans2(centred, wanted, minit="++", missing="raise", rng=seed)
    except ClusterError:
        return None
    return np.asarray(groups, np.int64), np.linalg.norm(centred - middles[groups], axis=1)


def _middle_one(scores: NDArray[np.floating], distances: NDArray[np.float64], mask: NDArray[np.bool_]) -> int:
    members = np.flatnonzero(mask)
    near = members[distances[members] <= np.median(distances[members])]
    return int(near[np.argmax(scores[near])])
