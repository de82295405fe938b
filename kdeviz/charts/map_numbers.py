"""What the map draws: which samples, where, and in what colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.charts.colours import colour_of
from kdeviz.charts.contours import ContoursNumbers
from kdeviz.charts.map_axes import AnyAxes, MapAxes, Placed, axes_key, axes_of, placed
from kdeviz.charts.picked import PickedNumbers
from kdeviz.charts.points import PointsNumbers
from kdeviz.charts.score_ranges import apart, score_range
from kdeviz.charts.thinning import Crowd, counts_of, crowd_of, thinned
from kdeviz.decision import Decision

MOST_POINTS = 5000
_MOST_TRAINING = 2000


class ProjectionNumbers(NamedTuple):
    """Inspected samples on two or three axes."""

    coordinates: NDArray[Any]
    """(S, 2 or 3) of the samples that are drawn."""
    rows: NDArray[np.int64]
    """(S,) which inspected rows these are."""
    placed: Placed
    """Where all of them are, and what the axes are."""
    colour: NDArray[Any]
    """(S,) numbers, or strings for categories."""
    colour_name: str
    colour_range: tuple[float, float]
    """What the colours tell apart, when they stand for numbers."""
    flagged: NDArray[np.bool_]
    """(S,) below the threshold."""
    total: int
    """Inspected samples in all; more than S when normal ones were thinned, or some have no place."""
    n_flagged: int
    """How many of all are below the threshold; all of these with a place are drawn, unless too many."""
    n_placed: int
    """How many have a place."""
    background: tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None
    """x centres, y centres and counts of the bulk of all samples, when not every one is drawn."""
    training: NDArray[Any]
    """(T, 2 or 3), evenly thinned; none unless they were asked for."""

    @property
    def deep(self) -> bool:
        """Whether there are three axes."""
        return len(self.placed.titles) == 3

    @property
    def numeric(self) -> bool:
        """Whether the colours stand for numbers."""
        return self.colour.dtype.kind == "f"

    @property
    def categories(self) -> dict[str, int]:
        """How many drawn samples have each value, the most frequent first."""
        names, counts = np.unique(self.colour, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return dict(zip(names[order].tolist(), counts[order].tolist(), strict=True))

    @property
    def groups(self) -> dict[str, PointsNumbers]:
        """Of colours that stand for numbers: the samples without one, those not flagged, those flagged."""
        known = ~np.isnan(self.colour)
        masks = {"no value": ~known, "not flagged": known & ~self.flagged, "flagged": known & self.flagged}
        return {name: self._points(mask) for name, mask in masks.items() if mask.any() or name != "no value"}

    @property
    def shade(self) -> NDArray[np.float64]:
        """What the background's colours stand for: log(1 + count), NaN where nothing is."""
        assert self.background is not None
        counts = self.background[2]
        return np.where(counts > 0, np.log1p(counts), np.nan)

    @property
    def flagged_drawn(self) -> int:
        """How many of the flagged are drawn."""
        return int(self.flagged.sum())

    def place_of(self, picked: PickedNumbers) -> list[float] | None:
        """Where it is, drawn or not; None where it has no place."""
        rows = self.placed.training if picked.training else self.placed.inspected
        if not 0 <= picked.row < len(rows):
            return None
        at = rows[picked.row].astype(float)
        return None if np.isnan(at).any() else at.tolist()

    def of_values(self, values: Sequence[str]) -> PointsNumbers:
        """The drawn samples of these categories."""
        return self._points(np.isin(self.colour, list(values)))

    def ranges(self, contours: ContoursNumbers | None, at: list[float] | None = None) -> list[list[float]]:
        """Of the x and the y axis, with room for every drawn sample, every line, and a ring at this place."""
        corners = [] if contours is None else [contours.corners]
        corners += [] if at is None else [np.array([at[:2]])]
        drawn = np.concatenate([self.coordinates[:, :2], self.training[:, :2], *corners])
        if not len(drawn):
            return [[0.0, 1.0], [0.0, 1.0]]
        low, high = drawn.min(0).astype(float), drawn.max(0).astype(float)
        margin = np.where(high > low, 0.05 * (high - low), 1)
        return [[low[i] - margin[i], high[i] + margin[i]] for i in (0, 1)]

    def _points(self, mask: NDArray[np.bool_]) -> PointsNumbers:
        places = np.flatnonzero(mask)
        at = (self.coordinates[places], self.rows[places], self.flagged[places], self.colour[places])
        return PointsNumbers(places, *at)


def projection_numbers(
    decision: Decision,
    axes: AnyAxes = (0, 1),
    colour_by: str = "log density",
    most: int = MOST_POINTS,
    training: bool = False,
    most_flagged: int | None = None,
) -> ProjectionNumbers:
    """Inspected samples on two or three axes: the model's components, by their numbers, or any others.

    Above `most`, every flagged sample is drawn, or the `most_flagged` of lowest score, and of the others a
    sample thinned by local density: crowded places lose most, lone points none. Samples without a place on
    these axes are not drawn.

    Raises:
        OptionError: there are no such axes, or there is no such colour.
    """
    drawn = _projection(decision.analysis, decision.threshold, axes_of(axes), colour_by, most, most_flagged)
    if training:
        drawn = drawn._replace(training=_training(drawn.placed.training))
    return drawn


@cached
def _projection(
    analysis: Analysis, threshold: float, axes: MapAxes, colour_by: str, most: int, most_flagged: int | None
) -> ProjectionNumbers:
    found, many = placed(analysis, threshold, axes), _many(analysis, *axes_key(analysis, threshold, axes))
    known, flagged = many.known, analysis.scores < threshold
    kept = _kept(analysis.scores[known], flagged[known], most_flagged)
    rows = known[thinned(many.crowd, kept, most)]
    colour = colour_of(analysis, colour_by, flagged)[rows]
    return ProjectionNumbers(
        coordinates=found.inspected[rows],
        rows=rows,
        placed=found,
        colour=colour,
        colour_name=colour_by,
        colour_range=score_range(analysis) if colour_by == "log density" else _finite_range(colour),
        flagged=flagged[rows],
        total=len(flagged),
        n_flagged=int(flagged.sum()),
        n_placed=len(known),
        background=many.counts if len(rows) < len(known) else None,
        training=found.training[:0],
    )


class _Many(NamedTuple):
    """What takes long of many samples, and does not depend on which are flagged."""

    known: NDArray[np.int64]
    """Those with a place."""
    crowd: Crowd
    """These by cell."""
    counts: tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None
    """See `counts_of`."""


@cached
def _many(analysis: Analysis, axes: MapAxes, threshold: float) -> _Many:
    found = placed(analysis, threshold, axes).inspected
    known = _with_place(found)
    points = found[known]
    return _Many(known, crowd_of(points[:, :2]), counts_of(points) if len(points) else None)


def _kept(scores: NDArray[Any], flagged: NDArray[np.bool_], most: int | None) -> NDArray[np.bool_]:
    """Which of these are drawn in any case: the flagged, or as many of them, those of lowest score."""
    if most is None or int(flagged.sum()) <= most:
        return flagged
    kept, below = np.zeros(len(flagged), bool), np.flatnonzero(flagged)
    kept[below[np.argsort(scores[below], kind="stable")[:most]]] = True
    return kept


def _with_place(points: NDArray[Any]) -> NDArray[np.int64]:
    return np.flatnonzero(~np.isnan(points).any(1))


def _training(points: NDArray[Any]) -> NDArray[Any]:
    """As many as a quiet layer needs."""
    known = points[_with_place(points)]
    return known[:: max(1, -(-len(known) // _MOST_TRAINING))]


def _finite_range(values: NDArray[Any]) -> tuple[float, float]:
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values[:0]
    return apart(float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
