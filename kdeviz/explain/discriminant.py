"""The two directions of the model's space in which the anomalous stand out most from the others."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.data import ANOMALOUS, NORMAL
from kdeviz.decision import has_both_labels
from kdeviz.errors import OptionError
from kdeviz.explain.place import Floats

_MOST_ROWS = 50_000
"""Of each group; with more, every second, third, ... row is looked at."""
_NOTHING_LEFT = 1e-9


class Separating(NamedTuple):
    """Two directions, chosen to pull two groups of rows apart, in a space of k components.

    With m and S the mean and the shrunk covariance of the others, rows are looked at whitened:
    z = (x - m) S^(-1/2), where the others have variance 1 in every direction. The first direction is that of
    the anomalous rows' mean in z: in the model's space, S^-1 times the difference of the two means, Fisher's
    linear discriminant with the covariance of the others. The second, of all directions orthogonal to it in
    z (so that the others are uncorrelated along the two), is the one in which the mean square of the
    anomalous rows is largest: what they have in common beyond a shift, be it only a wider spread. Where
    nothing of them is left there, it is the first axis of z that differs most from the first direction.

    Source: R. A. Fisher, Annals of Eugenics 7, 1936; the shrinkage is that of O. Ledoit and M. Wolf, Journal
    of Multivariate Analysis 88, 2004, after each component was divided by its standard deviation.
    """

    directions: Floats
    """(k, 2); (x - centre) @ directions is in standard deviations of the others."""
    centre: Floats
    """(k,), the mean of the others."""
    anomalous: int
    """Rows that are pulled away."""
    others: int
    by_labels: bool
    """Whether those are the labelled anomalous; otherwise the flagged."""

    strongest: tuple[tuple[int, int], ...]
    """Per direction, the components along which a standard deviation of the others moves a row furthest."""


def separating(analysis: Analysis, threshold: float) -> Separating:
    """The labelled anomalous against the labelled normal, where there are both or the flagged, and the rest.

    Training rows count among the others, unless they are labelled anomalous or themselves inspected.

    Raises:
        OptionError: the model keeps one component, or one of the two groups is empty.
    """
    by_labels = has_both_labels(analysis.inspected.labels)
    return _separating(analysis, None if by_labels else threshold)


@cached
def _separating(analysis: Analysis, threshold: float | None) -> Separating:
    if analysis.classifier.n_components_ < 2:
        raise OptionError("axes that separate need two components, and this model keeps one")
    anomalous, others = _groups(analysis, threshold)
    if not len(anomalous):
        raise OptionError("no sample is flagged, so there is none to pull apart: raise the threshold")
    if len(others) < 2:
        raise OptionError("every sample is flagged, so there is none to pull apart: lower the threshold")
    seen = _thinned(others)
    centre, directions = pulled_apart(_thinned(anomalous), seen)
    moves = np.abs(directions * seen.std(0)[:, None])
    strongest = tuple((int(first), int(second)) for first, second in np.argsort(-moves, axis=0)[:2].T)
    return Separating(directions, centre, len(anomalous), len(others), threshold is None, strongest)


def _groups(analysis: Analysis, threshold: float | None) -> tuple[NDArray[Any], NDArray[Any]]:
    """The model's coordinates of the anomalous and of the others."""
    inspected, labels = analysis.coordinates, analysis.inspected.labels
    if threshold is None:
        assert labels is not None
        chosen, rest = labels == ANOMALOUS, labels == NORMAL
    else:
        chosen = analysis.scores < threshold
        rest = ~chosen
    if analysis.inspects_training or not len(analysis.fitted_on):
        return inspected[chosen], inspected[rest]
    training, marked = analysis.train_coordinates, analysis.train.labels
    if marked is not None:
        training = training[marked[analysis.fitted_on] != ANOMALOUS]
    return inspected[chosen], np.concatenate([training, inspected[rest]])


def pulled_apart(anomalous: Floats, others: Floats) -> tuple[Floats, Floats]:
    """See `Separating`.

    Args:
        anomalous: (A, k), one row or more.
        others: (B, k), two rows or more; k is two or more.

    Returns:
        The centre (k,) and the directions (k, 2), of which the first has the anomalous on its positive side
        and the second its largest entry positive.
    """
    centre, spread, whitening = _whitened(others)
    z = ((anomalous - centre) / spread) @ whitening
    mean = z.mean(0)
    length = np.linalg.norm(mean)
    first = mean / length if length > _NOTHING_LEFT else np.eye(len(mean))[0]
    rest = z - np.outer(z @ first, first)
    values, vectors = np.linalg.eigh(rest.T @ rest / len(rest))
    second = vectors[:, -1]
    if values[-1] <= _NOTHING_LEFT * max(float((z**2).sum(1).mean()), 1e-300):
        second = np.eye(len(mean))[np.argmin(np.abs(first))]
    second = second - (second @ first) * first
    directions = whitening @ np.stack([first, second / np.linalg.norm(second)], axis=1)
    directions[:, 1] *= np.sign(directions[np.argmax(np.abs(directions[:, 1])), 1])
    return centre, directions / spread[:, None]


def _whitened(others: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, standard deviations (1 where there is none), symmetric root of the inverse correlation."""
    from sklearn.covariance import ledoit_wolf  # slow to import

    centre, spread = others.mean(0), others.std(0)
    spread = np.where(spread > 0, spread, 1.0)
    shrunk, _ = ledoit_wolf((others - centre) / spread, assume_centered=True)
    values, vectors = np.linalg.eigh(shrunk)
    # Others that are all equal have no spread: their space is left as it is.
    roots = np.sqrt(np.where(values > _NOTHING_LEFT * max(values[-1], 1e-300), values, 1.0))
    return centre, spread, vectors / roots @ vectors.T


def _thinned(rows: NDArray[Any]) -> Floats:
    return np.array(rows[:: -(-len(rows) // _MOST_ROWS)], np.float64)
