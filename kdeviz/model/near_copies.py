"""Near copies: rows so close together that they are one sample, stored or measured more than once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.data import Features, OnBlock
from kdeviz.wording import count

if TYPE_CHECKING:
    from kdeviz.model.classifier import KDEClassifier

# Distances are held against that of the twelfth neighbour: of up to six copies, it is no copy. There may be
# more, and then a farther one is taken. Of few points it would be far away, and a nearer one is taken.
_FAR, _LEAST_FAR, _MOST_FAR, _POINTS_EACH = 12, 4, 96, 12
_LOOKED_AT = 128
# Of independent points one in a hundred is so near another. In texts made of the same phrases up to a fifth
# is, and these are no copies: new texts will be as near.
_CHANCE, _MANY = 0.01, 0.25
# Once there are copies, one row in ten that is held out with another by chance does no harm.
_CHANCE_AMONG_COPIES = 0.1
# Many samples of one kind are near each other, too. They are no copies: new samples are of these kinds.
_WIDEST, _WIDEST_OF_MANY = 0.4, 0.1
# Two points may be near each other by chance where few are looked at.
_FEWEST = 3
_NEARLY_ALL = 0.9
# Copies are looked for up to so many times as far away as those that were seen.
_FARTHER = 2.0
_REFERENCES = 2048
_BLOCK = 2**22


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
    near_enough = seen.least(_CHANCE)
    for start, distances, found in _nearest(places, points, seen.far, among=False):
        is_near = (distances[:, 0] < near_enough * distances[:, -1]).cpu().numpy()
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
    reach: float = 0.0
    """How far away the farthest of those is that are so near."""

    def least(self, chance: float, widest: float = _WIDEST) -> float:
        """Nearer than this share of the far neighbour's distance others are by such a chance only."""
        return min(math.pow(chance / (self.far - 1), 1 / self.directions), widest)

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
    estimation of intrinsic dimension, 2004). It is found from a far neighbour and the one half as many away.

    Args:
        points: (m, k), no two of them of equal rows.
        places: (q, k), which are compared with the twelfth neighbour; the points themselves if None. Then a
            point is not its own neighbour, and there may be many copies of each.

    Returns:
        None where there are too few points to tell.
    """
    asked, far = points if places is None else places, min(_FAR, len(points) // _POINTS_EACH)
    if far < _LEAST_FAR or not len(asked):
        return None
    fars = [far]
    while places is None and 2 * fars[-1] <= min(len(points) // _POINTS_EACH, _MOST_FAR):
        fars.append(2 * fars[-1])
    looked_at = _at(asked, some_of(len(asked)))
    distances = torch.cat([each for _, each, _ in _nearest(looked_at, points, fars[-1], places is None)])
    seen = [found for each in fars if (found := _seen(distances[:, :each])) is not None]
    return next((found for found in seen if found.is_dependent), seen[0] if seen else None)


def _seen(distances: Tensor) -> Spacing | None:
    """What (q, far) ascending distances of the nearest points tell."""
    far = distances.shape[1]
    distances = distances[distances[:, far // 2 - 1] > 0]
    if not len(distances):
        return None
    growth = float((distances[:, -1] / distances[:, far // 2 - 1]).log().median())
    found = Spacing(math.log(far / (far // 2)) / max(growth, 1e-9), far=far)
    least = found.least(_CHANCE, _WIDEST if far <= _FAR else _WIDEST_OF_MANY)
    near = distances[:, 0] < least * distances[:, -1]
    reach = float(distances[near, 0].max()) if near.any() else 0.0
    return found._replace(near=int(near.sum()), looked_at=len(near), reach=reach)


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
        than 48 rows differ, too few to tell.
    """
    numbers, first, place = np.unique(copies, return_index=True, return_inverse=True)
    distinct = _at(points, first)
    seen = spacing(distinct)
    if seen is None or not seen.is_dependent:
        return None
    groups = _lowest(_links(distinct, seen, on_block), len(distinct))
    return np.asarray(numbers[groups][place])


def _links(points: Tensor, seen: Spacing, on_block: OnBlock | None) -> NDArray[np.int64]:
    """(2, L) pairs of points that are near copies, some twice, and each with itself.

    Each is near enough for one of the two. Where there are many points, the distance of a far neighbour is
    that to a far one among a part of them, less by what more points along so many directions make of it.
    """
    from scipy.spatial import KDTree

    every = -(-len(points) // _REFERENCES)
    references, fewer = points[::every], every ** (-1 / seen.directions)
    least = seen.least(_CHANCE_AMONG_COPIES) * fewer
    near_enough = []
    for start, distances, _ in _nearest(points, references, seen.far, among=every == 1):
        near_enough.append(least * distances[:, -1])
        if on_block is not None:
            on_block(start + len(distances), len(points))
    reach, places = torch.cat(near_enough).cpu().numpy(), points.cpu().numpy()
    reach = np.minimum(reach, _FARTHER * seen.reach)
    found = KDTree(places).query_ball_point(places, reach, workers=torch.get_num_threads())
    one = np.repeat(np.arange(len(places)), [len(each) for each in found])
    return np.stack([one, np.concatenate(found).astype(np.int64)])


def _nearest(places: Tensor, points: Tensor, most: int, among: bool) -> Iterator[tuple[int, Tensor, Tensor]]:
    """(q, `most`) distances of the nearest points, ascending, and which these are, block by block.

    They are found with the rounding of a matrix product, and their distances without.

    Args:
        places: (q, k)
        points: (m, k)
        most: how many for each.
        among: the places are points: of those that are nearest, each leaves one out.
    """
    norms, step = points.square().sum(1), max(_BLOCK // len(points), 1)
    for start in range(0, len(places), step):
        some = places[start : start + step]
        found = torch.addmm(norms, some, points.T, alpha=-2).topk(most + among, largest=False).indices
        distances, order = torch.linalg.vector_norm(points[found] - some[:, None], dim=2).sort(dim=1)
        found = found.gather(1, order)
        yield start, distances[:, int(among) :], found[:, int(among) :]


def _lowest(links: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """(n,) for each point the lowest number of those that it is linked to, over others too."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(links.shape[1], bool), (links[0], links[1])), shape=(n, n))
    labels = connected_components(graph, directed=False)[1]
    return np.asarray(np.unique(labels, return_index=True)[1][labels])
