"""Why one row has its density."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.analysis import Analysis, Judge
from kdeviz.errors import OptionError
from kdeviz.explain.place import Density, Floats, Place, as_array, double, judged, kernel_widths
from kdeviz.explain.residual import Residual, residual_of
from kdeviz.explain.spread import feature_spread, in_spreads
from kdeviz.model import KDEClassifier, bandwidth_factor

# Under "norm" a derivative along the row is 0 up to rounding.
_RANK = 1e-9


class Neighbours(NamedTuple):
    """The training rows nearest to a row, nearest first; of equally near ones, the first in the model."""

    rows: NDArray[np.int64]
    """(B,) into `Analysis.train`."""
    distances: Floats
    """(B,) in kernel widths: Euclidean in the space where the kernels are round and of width 1."""
    shares: Floats
    """(B,) of the density at the row: exact kernel weights."""
    others: float
    """Share of all other training rows together; `shares` and this add up to 1."""
    total: int
    """Training rows whose kernels make up the density."""


class Components(NamedTuple):
    """A row's place in each of the model's k components.

    The squared Mahalanobis distance to the nearest mass is d^2 = (x - m) H^-1 (x - m), with m the mean of the
    training rows weighted by their kernels at x, and H the covariance of one kernel. Component c adds
    (x - m)_c [H^-1 (x - m)]_c. Under "scale", H is diagonal and every part is a square. Under "norm" it is
    not: a part may be negative, when the row is less odd in that component than the others lead to expect.
    """

    value: Floats
    """(k,) in the model's scaled space."""
    z: Floats
    """(k,) standard deviations of the training rows from their mean; all rows the model was fitted on."""
    contribution: Floats
    """(k,) parts of `squared_distance`."""
    squared_distance: float
    """d^2, in squared kernel widths."""
    apart: Floats
    """(k,) standard deviations of the training rows from m, the nearest mass: x - m."""


class Direction(NamedTuple):
    """The way back to normal.

    With kernel weights w_j, log p has the gradient H^-1 (m - x), m = sum_j w_j y_j, at a row x. One step of
    mean shift moves x to m; it never lowers the density.
    Source: D. Comaniciu and P. Meer, Mean Shift, IEEE TPAMI 24(5), 2002.

    The way to the D input features is exact for `feature_gradient`. `feature_shift` is the smallest change of
    the features that moves x by `shift`: exactly under "scale", to first order under "norm", where a row
    cannot leave the unit sphere and only the part of `shift` along it counts. Both are 0 for a row without a
    direction: one at the training mean, under "norm". Where the model standardises features, the smallest
    change is that of the fewest standard deviations, and features are ordered by it; all is told in the units
    of the features.
    """

    gradient: Floats
    """(k,) of log density, nats per unit of the model's scaled space."""
    shift: Floats
    """(k,) m - x."""
    feature_gradient: Floats
    """(D,) of log density, nats per unit of each input feature."""
    feature_shift: Floats
    """(D,) change of each input feature."""
    features: NDArray[np.int64]
    """(F,) the features that would have to change most, in their own standard deviations of training."""
    present: Floats
    """(F,) their values in the row."""
    change: Floats
    """(F,) their part of `feature_shift`."""
    change_in_spreads: Floats
    """(F,) the same in standard deviations of training, the largest change first."""


class Explanation(NamedTuple):
    """Why one inspected row has its density. A row of the fit is explained by a model without it."""

    neighbours: Neighbours
    components: Components
    direction: Direction
    residual: Residual


@torch.no_grad()
def explain(analysis: Analysis, row: int, neighbours: int = 8, features: int = 10) -> Explanation:
    """Explain the log density of one inspected row by the fitted model itself.

    A row that the model was fitted on is explained by the model that gave it its held-out score. Where the
    training rows are not here, no neighbour is named, the features are compared with nothing and no residual
    is unusual.

    Args:
        analysis: of a fitted model.
        row: which inspected row.
        neighbours: how many training rows to name; all, if there are fewer.
        features: how many input features to name; all, if there are fewer.

    Raises:
        OptionError: there is no such row, or nothing is to be named.
    """
    for name, wanted in (("neighbours", neighbours), ("features", features)):
        if wanted < 1:
            raise OptionError(f"{name}={wanted} names nothing: choose at least 1")
    judge, density, place = judged(analysis, row)
    shares, distances = _kernels(density.points, place)
    whitened_shift = shares @ (density.points - place.whitened)
    shift, gradient = whitened_shift @ density.inverse, density.whitening @ whitened_shift
    return Explanation(
        neighbours=_neighbours(judge, shares, distances, neighbours),
        components=_components(judge.classifier, density, place, shift, gradient),
        direction=_direction(analysis, row, judge.classifier, place, gradient, shift, features),
        residual=residual_of(analysis, row),
    )


def _kernels(points: Tensor, place: Place) -> tuple[Tensor, Tensor]:
    """(n,) kernel weights, which add up to 1, and (n,) distances.

    With r the nearest point, |x - y|^2 = |x - r|^2 + |y - r|^2 - 2 (x - r).(y - r). Far out, where all
    squares are large and nearly equal, their differences keep their digits.
    """
    squares = (points - place.whitened).square().sum(1)
    nearest = squares.argmin()
    between = points - points[nearest]
    exponents = between @ (place.whitened - points[nearest]) - between.square().sum(1) / 2
    distances = (squares[nearest] - 2 * exponents).clamp_min(0).sqrt()
    return exponents.softmax(0), distances


def _neighbours(judge: Judge, shares: Tensor, distances: Tensor, wanted: int) -> Neighbours:
    order = distances.argsort(stable=True)
    wanted = min(wanted, len(judge.fitted_on))  # none where the training rows are not here
    named, others = order[:wanted], order[wanted:]
    return Neighbours(
        rows=judge.fitted_on[named.cpu().numpy()],
        distances=as_array(distances[named]),
        shares=as_array(shares[named]),
        others=float(shares[others].sum()),
        total=len(order),
    )


def _components(
    classifier: KDEClassifier, density: Density, place: Place, shift: Tensor, gradient: Tensor
) -> Components:
    # The points have the covariance H / factor^2, and H = W^-T W^-1.
    factor = bandwidth_factor(classifier.kde_model.bandwidth, *density.points.shape)
    spread, contribution = kernel_widths(density) / factor, shift * gradient
    return Components(
        value=as_array(place.point),
        z=as_array((place.point - density.mean) / spread),
        contribution=as_array(contribution),
        squared_distance=float(contribution.sum()),
        apart=as_array(-shift / spread),
    )


def _direction(
    analysis: Analysis,
    row: int,
    classifier: KDEClassifier,
    place: Place,
    gradient: Tensor,
    shift: Tensor,
    wanted: int,
) -> Direction:
    pca = classifier.pca_model
    axes, weights = double(pca.singular_vectors), as_array(double(pca.weights))
    jacobian = classifier.settings.scaling.jacobian(place.scores, double(classifier.max_length))
    standard_shift = as_array(axes @ (torch.linalg.pinv(jacobian, rtol=_RANK) @ shift))
    feature_shift = np.divide(standard_shift, weights, out=np.zeros_like(weights), where=weights > 0)
    compared = in_spreads(feature_shift, feature_spread(analysis))
    most = np.argsort(-np.abs(compared), kind="stable")[:wanted]
    return Direction(
        gradient=as_array(gradient),
        shift=as_array(shift),
        feature_gradient=as_array(axes @ (gradient @ jacobian)) * weights,
        feature_shift=feature_shift,
        features=most,
        present=np.asarray(analysis.inspected.features[row][most], dtype=np.float64),
        change=feature_shift[most],
        change_in_spreads=compared[most],
    )
