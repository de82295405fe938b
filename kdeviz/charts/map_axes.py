"""What a map's axes are: a kind of axes says where each sample is drawn, and in what words."""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.data import EmbeddingSet
from kdeviz.decision import Decision, has_both_labels, metadata_columns
from kdeviz.errors import OptionError
from kdeviz.explain import separating
from kdeviz.wording import percent


class Placed(NamedTuple):
    """Where everything is drawn, on A axes."""

    inspected: NDArray[Any]
    """(M, A); NaN for a row without a place."""
    training: NDArray[Any]
    """(n, A) of the rows the model was fitted on; fewer where not all of them have a place."""
    titles: tuple[str, ...]
    """Of the axes, escaped."""
    words: str
    """What kind of map it is."""
    without: str = ""
    """What the rows without a place are."""
    scaled: bool = True
    """Whether the numbers along the axes mean anything."""


@dataclass(frozen=True, eq=False, repr=False)
class MapAxes(ABC):
    """A kind of axes. A new one is a subclass; equal ones give the same map."""

    @property
    def count(self) -> int:
        """How many axes: two, or three where a kind says so."""
        return 2

    @abstractmethod
    def place(self, analysis: Analysis, threshold: float) -> Placed:
        """Where every row is drawn.

        Raises:
            OptionError: these data have no such axes.
        """

    def follow_threshold(self, analysis: Analysis) -> bool:
        """Whether another threshold gives other axes."""
        return False

    def plane(self, analysis: Analysis, threshold: float) -> Plane | None:
        """The plane of the model's space that this is, if it is one: there the model has contours."""
        return None


AnyAxes = MapAxes | tuple[int, ...]
"""A kind of axes, or two or three of the model's components, 0-based."""


class Plane(NamedTuple):
    """The map of the model's space (., k) to (x - centre) @ directions, (., 2)."""

    directions: NDArray[np.float64]
    centre: NDArray[np.float64]


@dataclass(frozen=True)
class ComponentAxes(MapAxes):
    """Two or three of the model's components, 0-based."""

    components: tuple[int, ...] = (0, 1)

    @property
    def count(self) -> int:
        """How many axes."""
        return len(self.components)

    def place(self, analysis: Analysis, threshold: float) -> Placed:
        """Where every row is drawn."""
        _check_drawable(analysis, self.components)
        chosen = list(self.components)
        shares = analysis.classifier.pca_model.explained_variance_ratio.cpu().numpy()
        titles = tuple(f"component {c + 1} · {percent(float(shares[c]))} of variance" for c in chosen)
        training = analysis.train_coordinates[:, chosen]
        return Placed(analysis.coordinates[:, chosen], training, titles, "Main directions (PCA)")

    def plane(self, analysis: Analysis, threshold: float) -> Plane | None:
        """The plane that this is."""
        _check_drawable(analysis, self.components)
        if self.count == 3:
            return None
        k = analysis.classifier.n_components_
        return Plane(np.eye(k)[:, list(self.components)], np.zeros(k))


def _check_drawable(analysis: Analysis, components: tuple[int, ...]) -> None:
    """Raise OptionError unless these are different components of the model, two or three."""
    k = analysis.classifier.n_components_
    if k < 2:
        raise OptionError("a map needs two components, this model keeps one: raise the number of components")
    different = len(set(components)) == len(components)
    if len(components) not in (2, 3) or not different or not all(0 <= c < k for c in components):
        raise OptionError(
            f"components={components} cannot be drawn: choose 2 or 3 different ones from 0 to {k - 1}"
        )


@dataclass(frozen=True)
class SeparatingAxes(MapAxes):
    """The two directions in which the labelled anomalous, or else the flagged, stand out most."""

    def follow_threshold(self, analysis: Analysis) -> bool:
        """Without labels, the threshold says which samples are pulled apart."""
        return not has_both_labels(analysis.inspected.labels)

    def place(self, analysis: Analysis, threshold: float) -> Placed:
        """Where every row is drawn."""
        found = separating(analysis, threshold)
        inspected, training = (
            ((points - found.centre) @ found.directions).astype(np.float32)
            for points in (analysis.coordinates, analysis.train_coordinates)
        )
        titles = tuple(
            f"direction {place}, standard deviations · mostly components {first + 1}, {second + 1}"
            for place, (first, second) in enumerate(found.strongest, 1)
        )
        kind = "labelled anomalous" if found.by_labels else "flagged"
        return Placed(inspected, training, titles, f"Axes chosen to pull the {kind} apart; not neutral")

    def plane(self, analysis: Analysis, threshold: float) -> Plane | None:
        """The plane that this is."""
        found = separating(analysis, threshold)
        return Plane(found.directions, found.centre)


@dataclass(frozen=True)
class ScoreAxes(MapAxes):
    """The first component against log density: all there is to draw of a model that keeps one."""

    def place(self, analysis: Analysis, threshold: float) -> Placed:
        """Where every row is drawn."""
        share = float(analysis.classifier.pca_model.explained_variance_ratio[0])
        titles = f"component 1 · {percent(share)} of variance", "log density, nats"
        inspected = np.column_stack([analysis.coordinates[:, 0], analysis.scores])
        first, held_out = analysis.train_coordinates[:, 0], analysis.held_out_scores
        training = np.column_stack([first, held_out]) if len(held_out) == len(first) else np.empty((0, 2))
        words = "The one component that the model keeps, against log density"
        return Placed(inspected, training, titles, words, "without a score")


@dataclass(frozen=True)
class ColumnAxes(MapAxes):
    """Two or three numeric columns of the file, by their names in `axis_choices`."""

    columns: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many axes."""
        return len(self.columns)

    def place(self, analysis: Analysis, threshold: float) -> Placed:
        """Where every row is drawn."""
        if self.count not in (2, 3) or len(set(self.columns)) < self.count:
            raise OptionError(f"columns={self.columns} cannot be drawn: choose two or three different ones")
        inspected = np.column_stack([column_of(analysis.inspected, name) for name in self.columns])
        try:
            training = np.column_stack([column_of(analysis.train, name) for name in self.columns])
            training = training[analysis.fitted_on]
        except OptionError:  # a file of its own, without these columns
            training = np.empty((0, self.count))
        titles = tuple(html.escape(name) for name in self.columns)
        return Placed(inspected, training, titles, "Columns of the file", "without a value")


def axes_of(axes: AnyAxes) -> MapAxes:
    """These axes; of component numbers, the components."""
    return axes if isinstance(axes, MapAxes) else ComponentAxes(tuple(axes))


def axes_key(analysis: Analysis, threshold: float, axes: MapAxes) -> tuple[MapAxes, float]:
    """What a map's places depend on: as long as it is equal they stay."""
    return axes, threshold if axes.follow_threshold(analysis) else 0.0


def placed(analysis: Analysis, threshold: float, axes: AnyAxes) -> Placed:
    """Where everything is drawn; see `MapAxes.place`."""
    return _placed(analysis, *axes_key(analysis, threshold, axes_of(axes)))


@cached
def _placed(analysis: Analysis, axes: MapAxes, threshold: float) -> Placed:
    return axes.place(analysis, threshold)


# --- which columns of a file can be axes: numbers among the metadata, and features with names


def axis_choices(decision: Decision) -> list[str]:
    """The inspected rows' columns that can be axes, the metadata first."""
    return axis_columns(decision.analysis.inspected)


@cached
def axis_columns(rows: EmbeddingSet) -> list[str]:
    """Their names, the metadata first; a column without any number is not among them."""
    features = rows.feature_names or ()
    numeric = [
        name for name, column in metadata_columns(rows, features).items() if _numbers_in(column) is not None
    ]
    return [*numeric, *dict.fromkeys(features)]


def column_of(rows: EmbeddingSet, name: str) -> NDArray[np.float64]:
    """(N,) numbers, NaN where there is none or an infinite one.

    Raises:
        OptionError: there is no such column.
    """
    features = rows.feature_names or ()
    if name in features:
        return _finite(rows.features[:, features.index(name)].astype(np.float64))
    column = metadata_columns(rows, features).get(name)
    numbers = None if column is None else _numbers_in(column)
    if numbers is None:
        raise OptionError(f"{name!r} is no column of numbers: choose from {axis_columns(rows)}")
    return numbers


def _numbers_in(column: pd.Series) -> NDArray[np.float64] | None:
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return None
    if pd.api.types.is_complex_dtype(column):
        return None
    numbers = _finite(column.to_numpy(dtype=np.float64, na_value=np.nan))
    return numbers if not np.isnan(numbers).all() else None


def _finite(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(numbers), numbers, np.nan)
