"""The projection on principal components: which samples are drawn, where, and in what colour."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.charts.colours import category_colours, colour_of
from kdeviz.charts.contours import ContoursNumbers, contour_lines, contours_numbers
from kdeviz.charts.hover import hover_texts
from kdeviz.charts.parts import bare_axis, colour_bar, colour_scale, heat, ring
from kdeviz.charts.picked import PickedNumbers, picked_numbers
from kdeviz.charts.points import PointsNumbers, draw_points, kind_of
from kdeviz.charts.score_ranges import score_range
from kdeviz.charts.selection import check_drawable
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, drawn, faint
from kdeviz.charts.thinning import counts_of, thinned
from kdeviz.decision import Decision
from kdeviz.wording import count, percent

MOST_POINTS = 5000

_Look = tuple[str, PointsNumbers, Part, Part]
"""A name, points, and what the trace adds to their markers and to the rest."""


class ProjectionNumbers(NamedTuple):
    """Inspected samples in two or three of the model's components."""

    coordinates: NDArray[Any]
    """(S, 2 or 3) of the samples that are drawn."""
    rows: NDArray[np.int64]
    """(S,) which inspected rows these are."""
    components: tuple[int, ...]
    """0-based."""
    colour: NDArray[Any]
    """(S,) numbers, or strings for categories."""
    colour_name: str
    colour_range: tuple[float, float]
    """What the colours tell apart, when they stand for numbers."""
    flagged: NDArray[np.bool_]
    """(S,) below the threshold."""
    total: int
    """Inspected samples in all; more than S when normals were thinned."""
    background: tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None
    """x centres, y centres and counts of the bulk of all samples, when not every one is drawn."""
    variance_shares: tuple[float, ...]
    """Share of the training variance along each drawn component."""

    @property
    def n_flagged(self) -> int:
        """How many samples are below the threshold; all of these are drawn."""
        return int(self.flagged.sum())

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

    def of_values(self, values: Sequence[str]) -> PointsNumbers:
        """The drawn samples of these categories."""
        return self._points(np.isin(self.colour, list(values)))

    def ranges(self, contours: ContoursNumbers | None) -> list[list[float]]:
        """Of the x and the y axis, with room for every drawn sample and every line."""
        corners = [] if contours is None else [contours.corners]
        drawn = np.concatenate([self.coordinates[:, :2], *corners])
        low, high = drawn.min(0).astype(float), drawn.max(0).astype(float)
        margin = np.where(high > low, 0.05 * (high - low), 1)
        return [[low[i] - margin[i], high[i] + margin[i]] for i in (0, 1)]

    def _points(self, mask: NDArray[np.bool_]) -> PointsNumbers:
        places = np.flatnonzero(mask)
        at = (self.coordinates[places], self.rows[places], self.flagged[places], self.colour[places])
        return PointsNumbers(places, *at)


def projection_numbers(
    decision: Decision,
    components: tuple[int, ...] = (0, 1),
    colour_by: str = "log density",
    most: int = MOST_POINTS,
) -> ProjectionNumbers:
    """Inspected samples in two or three components.

    Above `most`, every flagged sample is drawn, and of the others a sample thinned by local density: crowded
    places lose most, lone points none.

    Raises:
        OptionError: there is no such component or colour.
    """
    return _projection(decision.analysis, decision.threshold, components, colour_by, most)


@cached
def _projection(
    analysis: Analysis, threshold: float, components: tuple[int, ...], colour_by: str, most: int
) -> ProjectionNumbers:
    check_drawable(analysis, components, (2, 3))
    points = analysis.coordinates[:, components]
    flagged = analysis.scores < threshold
    rows = thinned(points[:, :2], flagged, most)
    share = analysis.classifier.pca_model.explained_variance_ratio.cpu().numpy()
    colour = colour_of(analysis, colour_by, flagged)[rows]
    return ProjectionNumbers(
        coordinates=points[rows],
        rows=rows,
        components=components,
        colour=colour,
        colour_name=colour_by,
        colour_range=score_range(analysis) if colour_by == "log density" else _finite_range(colour),
        flagged=flagged[rows],
        total=len(points),
        background=counts_of(points) if len(rows) < len(points) else None,
        variance_shares=tuple(float(share[c]) for c in components),
    )


def _finite_range(values: NDArray[Any]) -> tuple[float, float]:
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values[:0]
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)


# --- the picture


def projection(
    decision: Decision,
    components: tuple[int, ...] = (0, 1),
    colour_by: str = "log density",
    *,
    picked: int | None = None,
    region: NDArray[np.int64] | None = None,
    tool: str = "pan",
    text_column: str | None = None,
    theme: Theme = NOTEBOOK,
) -> go.Figure:
    """The PCA projection: samples, and in two components the model's own contours behind them.

    Args:
        decision: what is drawn.
        components: two or three of the model's components, 0-based.
        colour_by: one of `colour_choices`.
        picked: the inspected row to ring.
        region: the inspected rows to stand out from the others; None for no such selection.
        tool: what dragging does on a flat map: "pan", "select" (a box) or "lasso".
        text_column: what hovering shows of each sample beside its id; see `EmbeddingSet.texts`.
        theme: LIGHT, DARK or NOTEBOOK.

    Raises:
        OptionError: there is no such component or colour.
    """
    numbers = projection_numbers(decision, components, colour_by)
    flat = len(components) == 2
    return draw_projection(
        numbers,
        theme,
        hover_texts(decision, numbers.rows, colour_by, numbers.colour, text_column),
        contours_numbers(decision, (components[0], components[1])) if flat else None,
        picked_numbers(decision, picked),
        region,
        tool,
    )


def draw_projection(
    numbers: ProjectionNumbers,
    theme: Theme,
    names: Sequence[str],
    contours: ContoursNumbers | None = None,
    picked: PickedNumbers | None = None,
    region: NDArray[np.int64] | None = None,
    tool: str = "pan",
) -> go.Figure:
    """The figure of these numbers, with a text per drawn sample."""
    deep = len(numbers.components) == 3
    traces = [
        *([] if numbers.background is None else [_background(numbers, theme)]),
        *([] if contours is None else contour_lines(contours, theme)),
        *_samples(numbers, theme, names, region),
        *([] if picked is None else [_ring(picked, numbers, theme)]),
    ]
    layout = {
        **(_deep_axes(numbers, theme) if deep else _flat_axes(numbers, contours)),
        "dragmode": "orbit" if deep else tool,
    }
    title = f"{count(numbers.n_flagged)} of {count(numbers.total)} samples fall below the threshold"
    return drawn(traces, theme, title, _subtitle(numbers, contours), layout)


def _subtitle(numbers: ProjectionNumbers, contours: ContoursNumbers | None) -> str:
    parts, shown = ["Main directions (PCA)"], len(numbers.rows)
    if shown < numbers.total:
        parts.append(f"{count(shown)} of {count(numbers.total)} drawn")
    if contours is not None:
        shares = ", ".join(f"{100 * share:g}" for share in contours.shares)
        parts.append(f"lines hold {shares} % of training samples")
    return " · ".join(parts)


def _flat_axes(numbers: ProjectionNumbers, contours: ContoursNumbers | None) -> Part:
    x, y = (
        bare_axis(f"component {c + 1} · {percent(share)} of variance", range=ends)
        for c, share, ends in zip(
            numbers.components, numbers.variance_shares, numbers.ranges(contours), strict=True
        )
    )
    return {"xaxis": x, "yaxis": y}


def _deep_axes(numbers: ProjectionNumbers, theme: Theme) -> Part:
    look = {
        "backgroundcolor": theme.paper,
        "gridcolor": theme.line,
        "color": theme.muted,
        "showspikes": False,
    }
    scene = {
        f"{name}axis": {**look, "title": {"text": f"component {c + 1}"}}
        for name, c in zip("xyz", numbers.components, strict=True)
    }
    camera = {"eye": {"x": 1.5, "y": 1.5, "z": 0.9}, "center": {"x": 0, "y": 0, "z": -0.15}}
    return {"scene": {**scene, "camera": camera}, "margin": {"l": 0, "b": 0}}


def _background(numbers: ProjectionNumbers, theme: Theme) -> Part:
    assert numbers.background is not None
    x, y, _ = numbers.background
    scale = colour_scale([faint(theme.normal, 0.06), faint(theme.normal, 0.4)])
    return heat(x, y, numbers.shade, showscale=False, hoverinfo="skip", colorscale=scale)


def _samples(
    numbers: ProjectionNumbers, theme: Theme, names: Sequence[str], region: NDArray[np.int64] | None
) -> list[Part]:
    """Back to front."""
    kind = kind_of(len(numbers.components), len(numbers.rows))
    hover = [html.escape(name).replace("\n", "<br>") for name in names]
    looks = _scaled(numbers, theme) if numbers.numeric else _categories(numbers, theme)
    return [
        {**draw_points(points, theme, kind, hover, name, marker, region), **more}
        for name, points, marker, more in looks
    ]


def _scaled(numbers: ProjectionNumbers, theme: Theme) -> Iterator[_Look]:
    """Samples coloured by a number; those without one in grey."""
    low, high = numbers.colour_range
    # The strong end is the anomalous one: of log density the low end, of a residual the high one.
    scale = theme.scale[::-1] if numbers.colour_name == "residual" else theme.scale
    marker = {"colorscale": colour_scale(scale), "cmin": low, "cmax": high}
    bar = {"showscale": True, "colorbar": _colour_bar(numbers, theme)}
    for name, points in numbers.groups.items():
        if name == "no value":
            yield name, points, {"color": theme.line}, {}
        else:
            own = {**marker, **(bar if name == "not flagged" else {}), "color": points.colour}
            yield name, points, own, {"showlegend": False}


def _categories(numbers: ProjectionNumbers, theme: Theme) -> Iterator[_Look]:
    """Samples coloured by what they are; the rarest kinds together in grey."""
    colours = category_colours(numbers.categories, theme)
    others = [value for value in numbers.categories if value not in colours]
    if others:
        kinds = f"other ({count(len(others))} kinds)"
        yield kinds, numbers.of_values(others), {"color": theme.line}, {}
    for value, colour in colours.items():
        yield value, numbers.of_values([value]), {"color": colour}, {}


def _colour_bar(numbers: ProjectionNumbers, theme: Theme) -> Part:
    known = {
        "log density": "log density, nats (low = more anomalous)",
        "residual": "residual: what the components leave out",
    }
    title = known.get(numbers.colour_name) or html.escape(numbers.colour_name)
    return colour_bar(title, thickness=10, len=0.9, x=1.01, tickfont={"color": theme.muted})


def _ring(picked: PickedNumbers, numbers: ProjectionNumbers, theme: Theme) -> Part:
    at = [float(picked.coordinates[component]) for component in numbers.components]
    marker = ring(20, theme)
    marker["line"]["color"] = theme.text
    return {
        "type": kind_of(len(at), len(numbers.rows)),
        **{axis: [value] for axis, value in zip("xyz", at, strict=False)},
        "mode": "markers",
        "marker": marker,
        "showlegend": False,
        "hoverinfo": "skip",
        "name": "picked",
    }
