"""Why one sample: the components, the features, and the density around it."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.figures.panels import in_panel, panel_axes, panel_titles
from kdeviz.charts.figures.parts import bare_axis, colour_scale, ring
from kdeviz.charts.theme import Part, Theme, drawn
from kdeviz.charts.views.slices import SliceView
from kdeviz.explain import Components, Direction
from kdeviz.wording import count, number, percent

_MOST_BARS = 10
_GAP = 0.04  # between the two slices
# A slice tells densities apart down to this quantile of what it shows, and at most so many nats deep.
_LOWEST_SHOWN, _DEPTH = 0.15, 30.0
# Of huge log densities at least this share, or their differences would be rounding.
_RELATIVE_DEPTH = 1e-6
_NO_DISTANCE = 1e-12
_MOST_DECIMALS = 1e5


def components_figure(view: Components, theme: Theme) -> go.Figure:
    """What each component adds to the squared distance to the nearest usual samples."""
    order = np.argsort(-np.abs(view.contribution), kind="stable")
    shown, rest = order[:_MOST_BARS], order[_MOST_BARS:]
    names = [f"{c + 1}" for c in shown]
    parts = [float(view.contribution[c]) for c in shown]
    texts = [_deviations(float(view.z[c])) for c in shown]
    hovers = ["component %{y} adds %{x:.4g}, at %{text}<extra></extra>"] * len(shown)
    if len(rest):
        names.append(f"{count(len(rest))} more")
        parts.append(float(view.contribution[rest].sum()))
        texts.append("")
        hovers.append("%{y} add %{x:.4g}<extra></extra>")
    colours = [theme.anomalous if part >= 0 else theme.normal for part in parts]
    # Under "norm" the largest part can be negative: what makes the sample odd is the largest positive one.
    most, total = int(view.contribution.argmax()), view.squared_distance
    title = "No distance to the nearest usual samples"
    if total > _NO_DISTANCE:
        share = percent(float(view.contribution[most]) / total)
        title = f"Component {most + 1} adds most: {share} of the squared distance"
    return drawn(
        [{**_bars(names, parts, texts, colours), "hovertemplate": hovers}],
        theme,
        title,
        f"Parts of {number(total)}, the squared distance · σ from the training mean",
        _bar_layout(parts, theme, "adds to the squared distance", "component"),
    )


def features_figure(view: Direction, theme: Theme) -> go.Figure:
    """The input features that would have to change most for the sample to become usual."""
    names = [f"{feature}" for feature in view.features]
    pairs = zip(view.present, view.present + view.change, strict=True)
    texts = [f"{number(now)} → {number(then)}" for now, then in pairs]
    bars = _bars(names, view.change.tolist(), texts, [theme.normal] * len(names))
    title = f"Feature {names[0]} would have to change most, by {number(float(view.change[0]))}"
    if (view.present + view.change == view.present).all():
        title = "No feature would have to change"
    return drawn(
        [{**bars, "hovertemplate": "feature %{y}: %{text}<extra></extra>"}],
        theme,
        title,
        "One step towards the nearest usual samples · value now → after",
        _bar_layout(view.change.tolist(), theme, "change, in the feature's own unit", "feature"),
    )


def slice_figure(view: SliceView, theme: Theme, name: str) -> go.Figure:
    """Two densities over two components: through the sample, and averaged over all other components."""
    first, second = (component + 1 for component in view.slice.components)
    here, everywhere = view.slice.log_density, view.marginal
    traces = [_density(view, here, theme)]
    if here.min() < view.threshold < here.max():
        traces.append(_threshold_contour(view, here, theme))
    traces.append(_this_sample(view, theme))
    traces = [{**trace, **in_panel(0)} for trace in traces]
    traces += [{**trace, **in_panel(1)} for trace in (_density(view, everywhere, theme), traces[-1])]
    where = "the dashed line is the threshold"
    if here.max() <= view.threshold:
        where = "below the threshold everywhere on the left"
    elif here.min() >= view.threshold:
        where = "above the threshold everywhere on the left"
    titles = ("through this sample", "averaged over the rest")
    x, y = bare_axis(f"component {first}", nticks=4), bare_axis(f"component {second}")
    layout = {
        **panel_axes(2, _GAP, x, y),
        "annotations": panel_titles(titles, _GAP, 12.5, theme.muted),
        "showlegend": False,
        "margin": {"t": 92},
    }
    title, subtitle = f"Density around {html.escape(name)}", f"Components {first} and {second} · {where}"
    return drawn(traces, theme, title, subtitle, layout)


def _deviations(z: float) -> str:
    if abs(z) >= _MOST_DECIMALS:
        return f"{'+' if z > 0 else ''}{number(z)} σ"
    return f"{z:+.1f} σ".replace("-", "−")


def _bars(names: list[str], values: list[float], texts: list[str], colours: list[str]) -> Part:
    return {
        "type": "bar",
        "y": names,
        "x": values,
        "text": texts,
        "orientation": "h",
        "textposition": "outside",
        "textfont": {"size": 12},
        "cliponaxis": False,
        "marker": {"color": colours, "line": {"width": 0}},
    }


def _bar_layout(values: list[float], theme: Theme, x: str, y: str) -> Part:
    low, high = min(0, *values), max(0, *values)
    room = 0.3 * (high - low or 1)  # for the texts beyond the bars
    ends = [low - room * (low < 0), high + room * (high > 0)]
    return {
        "bargap": 0.25,
        "xaxis": {
            "title": {"text": x},
            "gridcolor": theme.line,
            "zerolinecolor": theme.muted,
            "nticks": 5,
            "range": ends,
        },
        "yaxis": {"title": {"text": y}, "type": "category", "autorange": "reversed", "dtick": 1},
        "showlegend": False,
    }


def _density(view: SliceView, values: NDArray[Any], theme: Theme) -> Part:
    finite = values[np.isfinite(values)]  # far out even a log density overflows
    highest = float(finite.max()) if len(finite) else 0.0
    deepest = highest - max(_DEPTH, _RELATIVE_DEPTH * abs(highest))
    lowest = max(deepest, float(np.quantile(finite, _LOWEST_SHOWN))) if len(finite) else deepest
    return {
        "type": "heatmap",
        "x": view.slice.x,
        "y": view.slice.y,
        "z": values,
        "zmin": lowest if lowest < highest else deepest,
        "zmax": highest,
        "zsmooth": "best",
        "colorscale": colour_scale(theme.scale),
        "showscale": False,
        "hovertemplate": "log density %{z:.4g}<extra></extra>",
    }


def _threshold_contour(view: SliceView, values: NDArray[Any], theme: Theme) -> Part:
    level = view.threshold
    return {
        "type": "contour",
        "x": view.slice.x,
        "y": view.slice.y,
        "z": values,
        "contours": {"start": level, "end": level, "size": 1, "coloring": "none"},
        "line": {"color": theme.text, "width": 2, "dash": "dash"},
        "showscale": False,
        "hoverinfo": "skip",
    }


def _this_sample(view: SliceView, theme: Theme) -> Part:
    x, y = view.slice.place
    return {
        "type": "scatter",
        "x": [x],
        "y": [y],
        "mode": "markers",
        "marker": ring(14, theme, 3),
        "hovertemplate": "this sample<extra></extra>",
    }
