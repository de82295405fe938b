"""What the map draws: which samples, where, and in what colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.charts.colours import colour_of
from kdeviz.charts.contours import ContoursNumbers
from kdeviz.charts.map_axes import MapAxes, Placed, axes_of, placed
from kdeviz.charts.points import PointsNumbers
from kdeviz.charts.score_ranges import score_range
from kdeviz.charts.thinning import counts_of, thinned
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
    """Inspected samples in all; more than S when normals were thinned, or some have no place."""
    n_flagged: int
    """How many of all are below the threshold; all of these with a place are drawn."""
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

    def place_of(self, row: int) -> list[float] | None:
        """Where this inspected row is, drawn or not; None where it has no place."""
        at = self.placed.inspected[row].astype(float)
        return None if np.isnan(at).any() else at.tolist()

    def of_values(self, values: Sequence[str]) -> PointsNumbers:
        """The drawn samples of these categories."""
        return self._points(np.isin(self.colour, list(values)))

    def ranges(self, contours: ContoursNumbers | None) -> list[list[float]]:
        """Of the x and the y axis, with room for every drawn sample and every line."""
        corners = [] if contours is None else [contours.corners]
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
    axes: MapAxes | tuple[int, ...] = (0, 1),
    colour_by: str = "log density",
    most: int = MOST_POINTS,
    training: bool = False,
) -> ProjectionNumbers:
    """Inspected samples on two or three axes: the model's components, by their numbers, or any others.

    Above `most`, every flagged sample is drawn, and of the others a sample thinned by local density: crowded
    places lose most, lone points none. Samples without a place on these axes are not drawn.

    Raises:
        OptionError: there are no such axes, or there is no such colour.
    """
    drawn = _projection(decision.analysis, decision.threshold, axes_of(axes), colour_by, most)
    if training:
        drawn = drawn._replace(training=_training(drawn.placed.training))
    return drawn


@cached
def _projection(
    analysis: Analysis, threshold: float, axes: MapAxes, colour_by: str, most: int
) -> ProjectionNumbers:
    found = placed(analysis, threshold, axes)
    known = _with_place(found.inspected)
    points = found.inspected[known]
    flagged = analysis.scores < threshold
    rows = known[thinned(points[:, :2], flagged[known], most)]
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
        background=counts_of(points) if len(rows) < len(points) else None,
        training=found.training[:0],
    )


def _with_place(points: NDArray[Any]) -> NDArray[np.int64]:
    return np.flatnonzero(~np.isnan(points).any(1))


def _training(points: NDArray[Any]) -> NDArray[Any]:
    """As many as a quiet layer needs."""
    known = points[_with_place(points)]
    return known[:: max(1, -(-len(known) // _MOST_TRAINING))]


def _finite_range(values: NDArray[Any]) -> tuple[float, float]:
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values[:0]
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
