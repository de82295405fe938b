"""The PCA projection as a plotly figure. No number is computed here."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.theme import Mark, Theme, faint, finish
from kdeviz.views import Contours, MapView
from kdeviz.wording import count, percent

__all__ = ["map_figure"]

# Above this many points SVG becomes slow; below it SVG is crisper than WebGL.
_WEBGL_ABOVE = 2000


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
    figure = go.Figure()
    if view.background is not None:
        figure.add_trace(_heat(view.background, theme))
    if contours is not None:
        figure.add_traces(_contour_lines(contours, theme))
    samples = _samples(view, theme, names, colour_range)
    if region is not None:
        for trace in samples:
            trace.selectedpoints = np.flatnonzero(np.isin(trace.customdata, region))
    figure.add_traces(samples)
    if mark is not None:
        figure.add_trace(_ring(mark.coordinates[list(view.components)], theme, _flat_kind(view)))
    flagged = int(view.flagged.sum())
    shown = "" if len(view.rows) == view.total else f" · {count(len(view.rows))} of {count(view.total)} drawn"
    lines = "" if contours is None else f" · lines hold {_listed(contours.shares)} of training samples"
    finish(
        figure,
        theme,
        f"{count(flagged)} of {count(view.total)} samples fall below the threshold",
        f"Main directions (PCA){shown}{lines}",
    )
    if len(view.components) == 3:
        _deep_axes(figure, view, theme)
    else:
        _flat_axes(figure, view, contours)
    return figure.update_layout(
        dragmode=tool if len(view.components) == 2 else "orbit", uirevision=str(view.components)
    )


def _flat_axes(figure: go.Figure, view: MapView, contours: Contours | None) -> None:
    titles = [
        f"component {c + 1} · {percent(share)} of variance"
        for c, share in zip(view.components, view.variance_shares, strict=True)
    ]
    x, y = _ranges(view, contours)
    figure.update_xaxes(title_text=titles[0], showgrid=False, zeroline=False, range=x)
    figure.update_yaxes(title_text=titles[1], showgrid=False, zeroline=False, range=y)


def _deep_axes(figure: go.Figure, view: MapView, theme: Theme) -> None:
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
    figure.update_layout(scene={**scene, "camera": camera}, margin={"l": 0, "b": 0})


def _ranges(view: MapView, contours: Contours | None) -> list[list[float]]:
    """Room for every drawn sample and every line."""
    drawn = view.coordinates if contours is None else np.concatenate([view.coordinates, contours.corners])
    low, high = drawn.min(0).astype(float), drawn.max(0).astype(float)
    margin = np.where(high > low, 0.05 * (high - low), 1)
    return [[low[i] - margin[i], high[i] + margin[i]] for i in (0, 1)]


def _heat(background: tuple[NDArray[Any], NDArray[Any], NDArray[Any]], theme: Theme) -> go.Heatmap:
    x, y, counts = background
    shade = np.where(counts > 0, np.log1p(counts), np.nan)
    return go.Heatmap(
        x=x,
        y=y,
        z=shade,
        customdata=counts,
        showscale=False,
        hoverinfo="skip",
        colorscale=[[0, faint(theme.normal, 0.06)], [1, faint(theme.normal, 0.4)]],
    )


def _contour_lines(view: Contours, theme: Theme) -> list[go.Contour]:
    """One trace per level, since plotly draws only evenly spaced levels."""
    return [
        go.Contour(
            x=view.x,
            y=view.y,
            z=view.log_density,
            showscale=False,
            hoverinfo="skip",
            showlegend=False,
            contours={"start": level, "end": level, "size": 1, "coloring": "none"},
            line={"color": faint(theme.normal, _opacity(share)), "width": 1.5, "smoothing": 0.6},
        )
        for level, share in zip(view.levels, view.shares, strict=True)
    ]


def _opacity(share: float) -> float:
    """0.9 for the line round half of the samples, fading towards 0.45 round all of them."""
    return round(min(1.0, 1.35 - 0.9 * share), 2)


def _listed(shares: Sequence[float]) -> str:
    return ", ".join(f"{100 * share:g}" for share in shares) + " %"


def _samples(
    view: MapView, theme: Theme, names: Sequence[str], colour_range: tuple[float, float] | None
) -> list[Any]:
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
) -> list[Any]:
    """Samples coloured by a number; those without one in grey."""
    known = ~np.isnan(view.colour)
    low, high = colour_range or _finite_range(view.colour)
    # The strong end is the anomalous one: of log density the low end, of a residual the high one.
    scale = theme.scale[::-1] if view.colour_name == "residual" else theme.scale
    marker = {
        "colorscale": [[i / (len(scale) - 1), colour] for i, colour in enumerate(scale)],
        "cmin": low,
        "cmax": high,
    }
    traces = [
        _points(view, mask, hover, {**marker, "color": view.colour[mask]}, name, theme)
        for name, mask in (("not flagged", known & ~view.flagged), ("flagged", known & view.flagged))
    ]
    for trace in traces:
        trace.showlegend = False
    traces[0].marker.showscale = True
    traces[0].marker.colorbar = {
        "title": {"text": _colour_title(view.colour_name), "side": "right", "font": {"size": 13}},
        "thickness": 10,
        "len": 0.9,
        "outlinewidth": 0,
        "x": 1.01,
        "tickfont": {"color": theme.muted},
    }
    if not known.all():
        traces.insert(0, _points(view, ~known, hover, {"color": theme.line}, "no value", theme))
    return traces


def _points(
    view: MapView,
    mask: NDArray[np.bool_],
    hover: NDArray[Any],
    marker: dict[str, Any],
    name: str,
    theme: Theme,
) -> Any:
    flagged = view.flagged[mask]
    shape = {
        "size": np.where(flagged, 9, 6),
        "symbol": np.where(flagged, "diamond", "circle"),
        "opacity": 0.85,
        "line": {"width": np.where(flagged, 1.2, 0.0), "color": theme.anomalous},
    }
    common = {
        "mode": "markers",
        "name": html.escape(_short(name), quote=False),
        "customdata": view.rows[mask],
        "hovertext": hover[mask],
        "hoverinfo": "text",
    }
    points = view.coordinates[mask]
    if points.shape[1] == 3:
        # 3-D markers take one outline width for all.
        shape["line"] = {"width": 0}
        shape["size"] = np.where(flagged, 5, 3)
        return go.Scatter3d(
            x=points[:, 0], y=points[:, 1], z=points[:, 2], marker={**shape, **marker}, **common
        )
    faded = {"marker": {"opacity": 0.15}}
    return _flat_kind(view)(
        x=points[:, 0], y=points[:, 1], marker={**shape, **marker}, unselected=faded, **common
    )


def _short(name: str, most: int = 24) -> str:
    """A legend entry that leaves room for the map; the whole name is in the hover text."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _flat_kind(view: MapView) -> Any:
    """For points on a flat map; what lies above them must be of the same kind, or WebGL hides it."""
    return go.Scattergl if len(view.rows) > _WEBGL_ABOVE else go.Scatter


def _ring(at: NDArray[Any], theme: Theme, flat: Any) -> Any:
    ring = {
        "symbol": "circle-open",
        "size": 20,
        "color": theme.text,
        "line": {"width": 2.5, "color": theme.text},
    }
    common = {"mode": "markers", "marker": ring, "showlegend": False, "hoverinfo": "skip", "name": "picked"}
    if len(at) == 3:
        return go.Scatter3d(x=at[:1], y=at[1:2], z=at[2:], **common)
    return flat(x=at[:1], y=at[1:2], **common)


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
