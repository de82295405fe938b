"""The PCA projection as a plotly figure. No number is computed here."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.figures.parts import WEBGL_ABOVE, bare_axis, colour_scale, ring
from kdeviz.charts.theme import Mark, Part, Theme, drawn, faint
from kdeviz.charts.views.contours import Contours
from kdeviz.charts.views.map import MapView
from kdeviz.wording import count, percent


def map_figure(
    view: MapView,
    theme: Theme,
    names: Sequence[str],
    contours: Contours | None = None,
    colour_range: tuple[float, float] | None = None,
    mark: Mark | None = None,
    region: NDArray[np.int64] | None = None,
    tool: str = "pan",
) -> go.Figure:
    """The PCA projection: samples, and the model's own contours behind them.

    Args:
        view: from `views.map_view`.
        theme: LIGHT or DARK.
        names: per drawn sample, the text shown on hover (plain text).
        contours: from `views.contours`, for two components.
        colour_range: (low, high) of a numeric colour; its own range if None.
        mark: the picked sample, ringed.
        region: the inspected rows to stand out from the others; None for no such selection.
        tool: what dragging does on a flat map: "pan", "select" (a box) or "lasso".
    """
    samples = _samples(view, theme, names, colour_range)
    if region is not None:
        for trace in samples:
            trace["selectedpoints"] = np.flatnonzero(np.isin(trace["customdata"], region))
    traces = [
        *([] if view.background is None else [_heat(view.background, theme)]),
        *([] if contours is None else _contour_lines(contours, theme)),
        *samples,
        *([] if mark is None else [_ring(mark.coordinates[list(view.components)], theme, _kind(view))]),
    ]
    deep = len(view.components) == 3
    layout = {
        **(_deep_axes(view, theme) if deep else _flat_axes(view, contours)),
        "dragmode": "orbit" if deep else tool,
    }
    flagged = int(view.flagged.sum())
    shown = "" if len(view.rows) == view.total else f" · {count(len(view.rows))} of {count(view.total)} drawn"
    lines = "" if contours is None else f" · lines hold {_listed(contours.shares)} of training samples"
    return drawn(
        traces,
        theme,
        f"{count(flagged)} of {count(view.total)} samples fall below the threshold",
        f"Main directions (PCA){shown}{lines}",
        layout,
    )


def _flat_axes(view: MapView, contours: Contours | None) -> Part:
    x, y = (
        bare_axis(f"component {c + 1} · {percent(share)} of variance", range=ends)
        for c, share, ends in zip(view.components, view.variance_shares, _ranges(view, contours), strict=True)
    )
    return {"xaxis": x, "yaxis": y}


def _deep_axes(view: MapView, theme: Theme) -> Part:
    look = {
        "backgroundcolor": theme.paper,
        "gridcolor": theme.line,
        "color": theme.muted,
        "showspikes": False,
    }
    scene = {
        f"{name}axis": {**look, "title": {"text": f"component {c + 1}"}}
        for name, c in zip("xyz", view.components, strict=True)
    }
    camera = {"eye": {"x": 1.5, "y": 1.5, "z": 0.9}, "center": {"x": 0, "y": 0, "z": -0.15}}
    return {"scene": {**scene, "camera": camera}, "margin": {"l": 0, "b": 0}}


def _ranges(view: MapView, contours: Contours | None) -> list[list[float]]:
    """Room for every drawn sample and every line."""
    drawn = view.coordinates if contours is None else np.concatenate([view.coordinates, contours.corners])
    low, high = drawn.min(0).astype(float), drawn.max(0).astype(float)
    margin = np.where(high > low, 0.05 * (high - low), 1)
    return [[low[i] - margin[i], high[i] + margin[i]] for i in (0, 1)]


def _heat(background: tuple[NDArray[Any], NDArray[Any], NDArray[Any]], theme: Theme) -> Part:
    x, y, counts = background
    return {
        "type": "heatmap",
        "x": x,
        "y": y,
        "z": np.where(counts > 0, np.log1p(counts), np.nan),
        "showscale": False,
        "hoverinfo": "skip",
        "colorscale": colour_scale([faint(theme.normal, 0.06), faint(theme.normal, 0.4)]),
    }


def _contour_lines(view: Contours, theme: Theme) -> list[Part]:
    """One trace per level, since plotly draws only evenly spaced levels."""
    return [
        {
            "type": "contour",
            "x": view.x,
            "y": view.y,
            "z": view.log_density,
            "showscale": False,
            "hoverinfo": "skip",
            "showlegend": False,
            "contours": {"start": level, "end": level, "size": 1, "coloring": "none"},
            "line": {"color": faint(theme.normal, _opacity(share)), "width": 1.5, "smoothing": 0.6},
        }
        for level, share in zip(view.levels, view.shares, strict=True)
    ]


def _opacity(share: float) -> float:
    """0.9 for the line round half of the samples, fading towards 0.45 round all of them."""
    return round(min(1.0, 1.35 - 0.9 * share), 2)


def _listed(shares: Sequence[float]) -> str:
    return ", ".join(f"{100 * share:g}" for share in shares) + " %"


def _samples(
    view: MapView, theme: Theme, names: Sequence[str], colour_range: tuple[float, float] | None
) -> list[Part]:
    hover = np.array([html.escape(name).replace("\n", "<br>") for name in names], dtype=object)
    if view.colour.dtype.kind == "f":
        return _scaled(view, theme, hover, colour_range)
    colours = _category_colours(view.colour, theme)
    others = ~np.isin(view.colour, list(colours))
    traces = [
        _points(view, view.colour == value, hover, {"color": colour}, value, theme)
        for value, colour in colours.items()
    ]
    if others.any():
        kinds = f"other ({count(len(np.unique(view.colour[others])))} kinds)"
        traces.insert(0, _points(view, others, hover, {"color": theme.line}, kinds, theme))
    return traces


def _scaled(
    view: MapView, theme: Theme, hover: NDArray[Any], colour_range: tuple[float, float] | None
) -> list[Part]:
    """Samples coloured by a number; those without one in grey."""
    known = ~np.isnan(view.colour)
    low, high = colour_range or _finite_range(view.colour)
    # The strong end is the anomalous one: of log density the low end, of a residual the high one.
    scale = theme.scale[::-1] if view.colour_name == "residual" else theme.scale
    marker = {"colorscale": colour_scale(scale), "cmin": low, "cmax": high}
    bar = {"showscale": True, "colorbar": _colour_bar(view, theme)}
    usual, flagged = known & ~view.flagged, known & view.flagged
    traces = [
        _points(view, usual, hover, {**marker, **bar, "color": view.colour[usual]}, "not flagged", theme),
        _points(view, flagged, hover, {**marker, "color": view.colour[flagged]}, "flagged", theme),
    ]
    for trace in traces:
        trace["showlegend"] = False
    if not known.all():
        traces.insert(0, _points(view, ~known, hover, {"color": theme.line}, "no value", theme))
    return traces


def _colour_bar(view: MapView, theme: Theme) -> Part:
    return {
        "title": {"text": _colour_title(view.colour_name), "side": "right", "font": {"size": 13}},
        "thickness": 10,
        "len": 0.9,
        "outlinewidth": 0,
        "x": 1.01,
        "tickfont": {"color": theme.muted},
    }


def _points(
    view: MapView, mask: NDArray[np.bool_], hover: NDArray[Any], marker: Part, name: str, theme: Theme
) -> Part:
    flagged, points = view.flagged[mask], view.coordinates[mask]
    deep = points.shape[1] == 3
    shape = {
        "size": _either(flagged, 5, 3) if deep else _either(flagged, 9, 6),
        "symbol": _either(flagged, "diamond", "circle"),
        "opacity": 0.85,
        "line": {"width": 0},
    }
    if flagged.any() and not deep:  # 3-D markers take one outline width for all
        shape["line"] = {"width": _either(flagged, 1.2, 0.0), "color": theme.anomalous}
    return {
        "type": _kind(view),
        **dict(zip("xyz", points.T, strict=False)),
        "mode": "markers",
        "name": html.escape(_short(name), quote=False),
        "customdata": view.rows[mask],
        "hovertext": hover[mask],
        "hoverinfo": "text",
        "marker": {**shape, **marker},
        **({} if deep else {"unselected": {"marker": {"opacity": 0.15}}}),
    }


def _either(flagged: NDArray[np.bool_], if_flagged: Any, otherwise: Any) -> Any:
    """Per point, or one for all where they agree, which the browser gets and draws faster."""
    if flagged.any() and not flagged.all():
        return np.where(flagged, if_flagged, otherwise)
    return if_flagged if flagged.any() else otherwise


def _short(name: str, most: int = 24) -> str:
    """A legend entry that leaves room for the map; the whole name is in the hover text."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _kind(view: MapView) -> str:
    """Of the points and of what lies above them: one kind, or WebGL hides what is drawn otherwise."""
    if len(view.components) == 3:
        return "scatter3d"
    return "scattergl" if len(view.rows) > WEBGL_ABOVE else "scatter"


def _ring(at: NDArray[Any], theme: Theme, kind: str) -> Part:
    marker = ring(20, theme)
    marker["line"]["color"] = theme.text
    return {
        "type": kind,
        **{axis: [value] for axis, value in zip("xyz", at.tolist(), strict=False)},
        "mode": "markers",
        "marker": marker,
        "showlegend": False,
        "hoverinfo": "skip",
        "name": "picked",
    }


def _category_colours(values: NDArray[Any], theme: Theme) -> dict[str, str]:
    """A colour for each value that has a meaning of its own, and for the most frequent others."""
    meaning = {
        "normal": theme.normal,
        "not flagged": theme.normal,
        "flagged": theme.anomalous,
        "anomalous": theme.anomalous,
        "not labelled": theme.muted,
    }
    names, counts = np.unique(values, return_counts=True)
    common = names[np.argsort(-counts, kind="stable")].tolist()
    colours = {name: meaning[name] for name in common if name in meaning}
    without = [name for name in common if name not in meaning]
    return colours | dict(zip(without, theme.categories, strict=False))


def _colour_title(name: str) -> str:
    known = {
        "log density": "log density, nats (low = more anomalous)",
        "residual": "residual: what the components leave out",
    }
    return known.get(name) or html.escape(name)


def _finite_range(values: NDArray[Any]) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
