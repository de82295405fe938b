"""Groups of training rows that lie far apart, between which one covariance hides anomalies."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.model.kde import bandwidth_factor
from kdeviz.scaling import Scaling
from kdeviz.settings import Offer, bandwidth_in_words
from kdeviz.wording import count, percent

if TYPE_CHECKING:
    from kdeviz.model.classifier import KDEClassifier

_MOST = 512
# A group is what a link many times as long as nearly all others cuts off, unless it is a few rows.
_LONG, _NEARLY_ALL = 5.0, 0.9
_LEAST_SHARE, _FEWEST = 0.05, 10
# Two groups are far apart when the gap is so many times as wide as the wider of them.
_FAR = 10.0
_FLAGGED_SHARE = 0.01
_FOUND, _ALL = 0.95, 0.99
# A bandwidth so many times smaller, and nats for every row: a likelihood ratio of e is no matter of taste.
_MUCH_SMALLER, _FAR_BETTER = 10, 1.0
_FOLDS = 5
_FACTORS = (1.0, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.003, 0.002, 0.001)
_FEWER = (64, 32, 16, 12, 8, 6, 4, 3, 2, 1)


class Groups(NamedTuple):
    """What was found."""

    groups: int
    passes: float
    """Share of rows midway between two groups that would not be flagged at a budget of 1 % alarms."""
    offer: Offer | None
    """Settings under which those are flagged; None if there are none."""

    @property
    def in_words(self) -> str:
        """What it means, and what to do."""
        found = (
            f"The training samples form {count(self.groups)} groups that lie far apart, and the model "
            "smooths over all that is small beside that distance"
        )
        seen = (
            f": {percent(self.passes)} of the samples midway between two groups would pass as normal."
            if self.passes > 1 - _FOUND
            else ": it sees little of what happens within a group or beside it."
        )
        if self.offer is None:
            return f"{found}{seen} No bandwidth mends that: fit a model for each group."
        why = ""
        if "bandwidth" in self.offer.changes:
            why = ": with this bandwidth the model predicts samples best that it has not seen"
        return f"{found}{seen} {self.offer.title}{why}."


@torch.no_grad()
def separate_groups(classifier: KDEClassifier, points: Tensor) -> Groups | None:
    """Whether the training rows fall into groups so far apart that the model is too wide for each.

    Groups are found by single linkage of some rows (R. Sibson, The Computer Journal 16, 1973). The model is
    then asked about rows of each group moved halfway to the next one: they should be flagged. The bandwidth
    that is offered is the one of highest held-out likelihood for as many components as still flag them; the
    density stays a Gaussian one with one covariance. Its cost does not grow with the rows.

    Args:
        classifier: fitted, with held-out scores.
        points: (n, k) scaled PCA scores of its training rows.

    Returns:
        None where there is nothing to say.
    """
    if not classifier.held_out_scores.numel() or len(points) < 2 * _FEWEST:
        return None
    # Copies predict each other, so that no bandwidth would be narrow enough.
    different = np.sort(np.unique(classifier.copies, return_index=True)[1])
    some = _some(points[torch.from_numpy(different)]).double().cpu()
    groups = _groups(some.numpy())
    if len(groups) < 2:
        return None
    scaling, probes, now = classifier.settings.scaling, _moves(groups), _factor(classifier)
    passes = 1 - _flagged(classifier, _on(scaling, probes))
    if passes <= 1 - _FOUND:
        factor, gain = _Space.of(scaling, some, probes, some.shape[1]).likeliest(now)
        if factor * _MUCH_SMALLER > now or gain < _FAR_BETTER:
            return None
        return Groups(len(groups), passes, _offer(factor, now))
    return Groups(len(groups), passes, _way_out(scaling, some, probes, now))


def _some(points: Tensor) -> Tensor:
    if len(points) <= _MOST:
        return points
    return points[torch.linspace(0, len(points) - 1, _MOST, dtype=torch.float64).long()]


def _on(scaling: Scaling, points: Tensor) -> Tensor:
    """Points of the scaled space, or of its first components, as the scaling has them."""
    return scaling.apply(points, points.new_ones(()))


def _groups(points: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The points of each group that lies far from all others; without copies."""
    points = np.unique(points, axis=0)
    if len(points) < 2 * _FEWEST:
        return []
    numbers = _single_linkage(points)
    parts = (points[numbers == number] for number in np.unique(numbers))
    groups = [part for part in parts if len(part) >= max(_FEWEST, _LEAST_SHARE * len(points))]
    return groups if _far_apart(groups) else []


def _single_linkage(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """(m,) the group of each point: what is left of the shortest tree (Prim's) without its long links.

    The tree leaves a group only when it holds all of it, so a long link begins the next one.
    scipy has it, too, and takes longer to import than a small fit takes.
    """
    between, in_tree = _distances(points, points), np.zeros(len(points))
    lengths, order, links = between[0].copy(), [0], []
    for _ in range(len(points) - 1):
        in_tree[order[-1]] = np.inf
        outside = np.maximum(lengths, in_tree)
        order.append(int(outside.argmin()))
        links.append(outside[order[-1]])
        np.minimum(lengths, between[order[-1]], out=lengths)
    longest = _LONG * float(np.quantile(links, _NEARLY_ALL))
    numbers = np.empty(len(points), np.int64)
    numbers[order] = np.cumsum(np.append(False, np.array(links) > longest))
    return numbers


def _distances(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """(p, m) Euclidean, exact for points far from the origin."""
    pair = torch.from_numpy(one), torch.from_numpy(other)
    return np.asarray(torch.cdist(*pair, compute_mode="donot_use_mm_for_euclid_dist").numpy())


def _far_apart(groups: list[NDArray[np.float64]]) -> bool:
    widths = [float(np.sqrt(group.var(0).sum())) for group in groups]
    pairs = combinations(zip(groups, widths, strict=True), 2)
    return all(_distances(one, other).min() > _FAR * max(w, v) for (one, w), (other, v) in pairs)


def _moves(groups: list[NDArray[np.float64]]) -> Tensor:
    """Every row of a group, moved halfway to the nearest other one."""
    centres = np.array([group.mean(0) for group in groups])
    moved = []
    for i, group in enumerate(groups):
        ways = centres - centres[i]
        lengths = np.linalg.norm(ways, axis=1)
        lengths[i] = np.inf
        moved.append(group + ways[lengths.argmin()] / 2)
    return torch.from_numpy(np.concatenate(moved))


def _flagged(classifier: KDEClassifier, probes: Tensor) -> float:
    """Share of rows below a threshold that flags 1 % of the training rows."""
    threshold = torch.quantile(classifier.held_out_scores.double().cpu(), _FLAGGED_SHARE)
    device = classifier.device
    scores = classifier.kde_model.log_prob(probes.to(device, classifier.kde_model.mean.dtype))
    return float((scores.double().cpu() < threshold).double().mean())


def _factor(classifier: KDEClassifier) -> float:
    """The bandwidth as a multiple of Scott's."""
    bandwidth, shape = classifier.settings.bandwidth, classifier.kde_model.dataset.shape
    if isinstance(bandwidth, float):
        return bandwidth
    return bandwidth_factor(bandwidth, *shape) / bandwidth_factor("scott", *shape)


class _Space(NamedTuple):
    """Distances in the space in which all rows together have unit covariance."""

    between: NDArray[np.float64]
    """(m, m), squared, of some training rows; infinite within a fold."""
    to_probes: NDArray[np.float64]
    """(p, m), squared, from the probes."""
    components: int

    @classmethod
    def of(cls, scaling: Scaling, some: Tensor, moved: Tensor, components: int) -> _Space:
        """Of the first components of rows and of probes; LinAlgError if the rows do not span it."""
        points, probes = (_on(scaling, each[:, :components]).numpy() for each in (some, moved))
        factor = np.linalg.cholesky(np.atleast_2d(np.cov(points, rowvar=False)))
        m = len(points)
        points, probes = (np.linalg.solve(factor, (each - points.mean(0)).T).T for each in (points, probes))
        between, folds = np.square(_distances(points, points)), np.arange(m) % _FOLDS
        between[folds[:, None] == folds] = np.inf
        return cls(between, np.square(_distances(probes, points)), components)

    def held_out(self, factor: float) -> NDArray[np.float64]:
        """(m,) log densities, but for a constant, each row's under the rows of the other folds."""
        return self._log_densities(self.between, factor, len(self.between) * (1 - 1 / _FOLDS))

    def flagged(self, factor: float) -> float:
        """Share of the probes below a threshold that flags 1 % of the rows."""
        scores = self._log_densities(self.to_probes, factor, len(self.between))
        return float((scores < np.quantile(self.held_out(factor), _FLAGGED_SHARE)).mean())

    def likeliest(self, now: float) -> tuple[float, float]:
        """The factor of highest held-out likelihood, at most the present one, and what it gains in nats."""
        first = best = float(self.held_out(now).mean())
        chosen = now
        for factor in (factor for factor in _FACTORS if factor < now):
            mean = float(self.held_out(factor).mean())
            if mean < best:
                break
            best, chosen = mean, factor
        return chosen, best - first

    def _log_densities(self, squares: NDArray[np.float64], factor: float, rows: float) -> NDArray[np.float64]:
        width = factor * bandwidth_factor("scott", int(rows), self.components)
        exponents = squares / (-2 * width**2)
        highest = exponents.max(1, keepdims=True)
        sums = np.log(np.exp(exponents - highest).sum(1)) + highest[:, 0]
        return np.asarray(sums - np.log(rows) - self.components * np.log(width))


def _way_out(scaling: Scaling, points: Tensor, probes: Tensor, now: float) -> Offer | None:
    """The most components for which the likeliest bandwidth flags all that is midway."""
    k = points.shape[1]
    for fewer in (k, *(each for each in _FEWER if each < k)):
        try:
            space = _Space.of(scaling, points, probes, fewer)
        except np.linalg.LinAlgError:  # under "norm" one component is a sign
            continue
        factor, _ = space.likeliest(now)
        if space.flagged(factor) >= _ALL:
            return _offer(factor, now, fewer if fewer < k else None)
    return None


def _offer(factor: float, now: float, components: int | None = None) -> Offer:
    changes: dict[str, object] = {} if components is None else {"n_pca_components": components}
    words = [] if components is None else [f"{count(components)} component{'s' * (components != 1)}"]
    if factor != now:
        changes["bandwidth"] = factor
        words.append(f"bandwidth {bandwidth_in_words(factor)}")
    return Offer(f"Use {' and '.join(words)}", changes)
