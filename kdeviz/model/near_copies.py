"""Near copies: rows so close together that they are one sample, stored or measured more than once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.data import Features, OnBlock
from kdeviz.wording import count

if TYPE_CHECKING:
    from kdeviz.model.classifier import KDEClassifier

# Distances are held against that of the twelfth neighbour: of up to six copies, it is no copy. Of few points
# it would be far away, and a nearer one is taken: at least the fourth.
_FAR, _LEAST_FAR, _POINTS_EACH = 12, 4, 16
_LOOKED_AT = 128
# Of independent points one in a hundred is so near another. In texts made of the same phrases up to a fifth
# is, and these are no copies: new texts will be as near.
_CHANCE, _MANY = 0.01, 0.25
# Once there are copies, one row in ten that is held out with another by chance does no harm.
_CHANCE_AMONG_COPIES = 0.1
_WIDEST = 0.4
# Two points may be near each other by chance where few are looked at.
_FEWEST = 3
_NEARLY_ALL = 0.9


@torch.no_grad()
def hold_together(classifier: KDEClassifier, on_block: OnBlock | None = None) -> str:
    """Look for near copies among a model's training rows: they are no more independent than equal rows are.

    Returns:
        What was found, a sentence; nothing where there are none, and `training_groups` stays as it is.
    """
    before = classifier.copies
    groups = near_groups(classifier.kde_model.dataset, before, on_block)
    if groups is None:
        return ""
    classifier.training_groups = torch.from_numpy(groups).to(classifier.device)
    near, rows = len(np.unique(before)) - len(np.unique(groups)), len(groups)
    return (
        f"{count(near)} of the {count(rows)} training rows are near copies of others, far nearer than "
        "independent rows would be: they are held out with those, and count once"
    )


@torch.no_grad()
def near_training(classifier: KDEClassifier, rows: Features) -> str:
    """How many of (M, D) rows, "many" or "nearly all", are near copies of those that a model was fitted on.

    Some are looked at; see `some_of`. Empty where no more are than by chance.
    """
    found = spacing(_different(classifier)[0], _whitened(classifier, rows))
    return found.how_many if found is not None and found.is_dependent else ""


@torch.no_grad()
def near_points(classifier: KDEClassifier, rows: Features) -> NDArray[np.int64]:
    """(M,) of which training row each of (M, D) rows is a near copy, -1 for none.

    All are -1 where no more are near than by chance.
    """
    (points, numbers), places = _different(classifier), _whitened(classifier, rows)
    near, seen = np.full(len(places), -1), spacing(points, places)
    if seen is None or not seen.is_dependent:
        return near
    for start in range(0, len(places), _LOOKED_AT):
        distances, found = _nearest(places[start : start + _LOOKED_AT], points, seen.far, among=False)
        is_near = (distances[:, 0] < seen.least(_CHANCE) * distances[:, -1]).cpu().numpy()
        near[start : start + len(found)] = np.where(is_near, numbers[found[:, 0].cpu().numpy()], -1)
    return near


def _different(classifier: KDEClassifier) -> tuple[Tensor, NDArray[np.int64]]:
    """Whitened training rows, of copies the first, and which these are."""
    numbers = np.unique(classifier.copies, return_index=True)[1]
    return _at(classifier.kde_model.dataset, numbers), numbers


def _whitened(classifier: KDEClassifier, rows: Features) -> Tensor:
    density = classifier.kde_model
    return (classifier.transform(rows).to(density.mean) - density.mean) @ density.bw_transform


def _at(points: Tensor, rows: NDArray[np.int64]) -> Tensor:
    return points[torch.from_numpy(rows).to(points.device)]


class Spacing(NamedTuple):
    """How near to others points are that are independent of them."""

    directions: float
    """Along how many the points vary, near any of them."""
    near: int = 0
    """How many of the places that were looked at have another so near as one in a hundred has by chance."""
    looked_at: int = 1
    far: int = _FAR
    """Against which neighbour's distance."""

    def least(self, chance: float) -> float:
        """Nearer than this share of the far neighbour's distance others are by such a chance only."""
        return min(math.pow(chance / (self.far - 1), 1 / self.directions), _WIDEST)

    @property
    def is_dependent(self) -> bool:
        """Whether so many have that it is no chance."""
        return self.near >= max(_FEWEST, _MANY * self.looked_at)

    @property
    def how_many(self) -> str:
        """In words."""
        return "nearly all" if self.near > _NEARLY_ALL * self.looked_at else "many"


def spacing(points: Tensor, places: Tensor | None = None) -> Spacing | None:
    """Look at some places among independent points.

    Near a place the number of independent points within a distance grows as its m-th power, however dense
    they are there: m is how many directions they vary along (E. Levina and P. J. Bickel, Maximum likelihood
    estimation of intrinsic dimension, 2004). It is found from a far neighbour, the twelfth, and the
    one half as many away.

    Args:
        points: (m, k), no two of them of equal rows.
        places: (q, k); the points themselves if None, and then a point is not its own neighbour.

    Returns:
        None where there are too few points to tell.
    """
    asked = points if places is None else places
    far = min(_FAR, len(points) // _POINTS_EACH)
    if far < _LEAST_FAR or not len(asked):
        return None
    distances, _ = _nearest(_at(asked, some_of(len(asked))), points, far, places is None)
    distances = distances[distances[:, far // 2 - 1] > 0]
    if not len(distances):
        return None
    growth = float((distances[:, -1] / distances[:, far // 2 - 1]).log().median())
    found = Spacing(math.log(far / (far // 2)) / max(growth, 1e-9), far=far)
    near = distances[:, 0] < found.least(_CHANCE) * distances[:, -1]
    return found._replace(near=int(near.sum()), looked_at=len(near))


def some_of(rows: int) -> NDArray[np.int64]:
    """Which of so many rows to look at: all, or 128 spread over them."""
    return np.unique(np.linspace(0, rows - 1, min(rows, _LOOKED_AT)).astype(np.int64))


def near_groups(
    points: Tensor, copies: NDArray[np.int64], on_block: OnBlock | None = None
) -> NDArray[np.int64] | None:
    """(n,) numbers that copies and near copies share.

    Args:
        points: (n, k) whitened: how far apart the model sees the rows.
        copies: (n,) numbers that equal rows share; a group has one of those of its members.
        on_block: called after each block of rows.

    Returns:
        None where fewer than a quarter of the rows are nearer than independent ones would be, or where fewer
        than 64 rows differ, too few to tell.
    """
    numbers, first, place = np.unique(copies, return_index=True, return_inverse=True)
    distinct = _at(points, first)
    seen = spacing(distinct)
    if seen is None or not seen.is_dependent:
        return None
    links, least = [], seen.least(_CHANCE_AMONG_COPIES)
    for start in range(0, len(distinct), _LOOKED_AT):
        distances, found = _nearest(distinct[start : start + _LOOKED_AT], distinct, seen.far, among=True)
        near = distances < least * distances[:, -1:]
        rows, columns = near.nonzero(as_tuple=True)
        links.append(torch.stack([rows + start, found[rows, columns]]))
        if on_block is not None:
            on_block(min(start + _LOOKED_AT, len(distinct)), len(distinct))
    groups = _lowest(torch.cat(links, 1).cpu().numpy(), len(distinct))
    return np.asarray(numbers[groups][place])


def _nearest(places: Tensor, points: Tensor, most: int, among: bool) -> tuple[Tensor, Tensor]:
    """(q, `most`) distances of the nearest points, ascending, and which these are.

    They are found with the rounding of a matrix product, and their distances without.

    Args:
        places: (q, k)
        points: (m, k)
        most: how many for each.
        among: the places are points: of those that are nearest, each leaves one out.
    """
    squares = torch.addmm(points.square().sum(1), places, points.T, alpha=-2)
    found = squares.topk(most + among, largest=False).indices
    distances, order = torch.linalg.vector_norm(points[found] - places[:, None], dim=2).sort(dim=1)
    found = found.gather(1, order)
    return distances[:, int(among) :], found[:, int(among) :]


def _lowest(links: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """(n,) for each point the lowest number of those that it is linked to, over others too."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(links.shape[1], bool), (links[0], links[1])), shape=(n, n))
    labels = connected_components(graph, directed=False)[1]
    return np.asarray(np.unique(labels, return_index=True)[1][labels])
