"""Why one sample: the components, the features, and the density around it."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from kdeviz.explain import Components, Direction
from kdeviz.theme import Theme, finish
from kdeviz.views import SliceView
from kdeviz.wording import count, number, percent

__all__ = ["components_figure", "features_figure", "slice_figure"]

_MOST_BARS = 10
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
    figure = _bars(names, parts, texts, colours)
    figure.update_traces(hovertemplate=hovers)
    # Under "norm" the largest part can be negative: what makes the sample odd is the largest positive one.
    most, total = int(view.contribution.argmax()), view.squared_distance
    title = "No distance to the nearest usual samples"
    if total > _NO_DISTANCE:
        share = percent(float(view.contribution[most]) / total)
        title = f"Component {most + 1} adds most: {share} of the squared distance"
    finish(figure, theme, title, f"Parts of {number(total)}, the squared distance · σ from the training mean")
    _bar_axes(figure, theme, "adds to the squared distance", "component")
    return figure


def features_figure(view: Direction, theme: Theme) -> go.Figure:
    """The input features that would have to change most for the sample to become usual."""
    names = [f"{feature}" for feature in view.features]
    pairs = zip(view.present, view.present + view.change, strict=True)
    texts = [f"{number(now)} → {number(then)}" for now, then in pairs]
    figure = _bars(names, view.change.tolist(), texts, [theme.normal] * len(names))
    figure.update_traces(hovertemplate="feature %{y}: %{text}<extra></extra>")
    title = f"Feature {names[0]} would have to change most, by {number(float(view.change[0]))}"
    if (view.present + view.change == view.present).all():
        title = "No feature would have to change"
    finish(figure, theme, title, "One step towards the nearest usual samples · value now → after")
    _bar_axes(figure, theme, "change, in the feature's own unit", "feature")
    return figure


def slice_figure(view: SliceView, theme: Theme, name: str) -> go.Figure:
    """Two densities over two components: through the sample, and averaged over all other components."""
    first, second = (component + 1 for component in view.slice.components)
    figure = make_subplots(
        1,
        2,
        shared_yaxes=True,
        horizontal_spacing=0.04,
        subplot_titles=("through this sample", "averaged over the rest"),
    )
    for column, values in ((1, view.slice.log_density), (2, view.marginal)):
        figure.add_trace(_density(view, values, theme), 1, column)
        if column == 1 and values.min() < view.threshold < values.max():
            figure.add_trace(_threshold_contour(view, values, theme), 1, column)
        figure.add_trace(
            go.Scatter(
                x=[view.slice.place[0]],
                y=[view.slice.place[1]],
                mode="markers",
                marker={"symbol": "circle-open", "size": 14, "color": theme.text, "line": {"width": 3}},
                hovertemplate="this sample<extra></extra>",
            ),
            1,
            column,
        )
    highest, lowest = view.slice.log_density.max(), view.slice.log_density.min()
    where = "the dashed line is the threshold"
    if highest <= view.threshold:
        where = "below the threshold everywhere on the left"
    elif lowest >= view.threshold:
        where = "above the threshold everywhere on the left"
    finish(figure, theme, f"Density around {html.escape(name)}", f"Components {first} and {second} · {where}")
    figure.update_annotations(font={"size": 12.5, "color": theme.muted}, yshift=-2)
    figure.update_xaxes(title={"text": f"component {first}"}, showgrid=False, zeroline=False, nticks=4)
    figure.update_yaxes(showgrid=False, zeroline=False)
    figure.update_yaxes(title={"text": f"component {second}"}, col=1)
    figure.update_layout(showlegend=False, margin={"t": 92})
    return figure


def _deviations(z: float) -> str:
    if abs(z) >= _MOST_DECIMALS:
        return f"{'+' if z > 0 else ''}{number(z)} σ"
    return f"{z:+.1f} σ".replace("-", "−")


def _bars(names: list[str], values: list[float], texts: list[str], colours: list[str]) -> go.Figure:
    return go.Figure(
        go.Bar(
            y=names,
            x=values,
            text=texts,
            orientation="h",
            textposition="outside",
            textfont={"size": 12},
            cliponaxis=False,
            marker={"color": colours, "line": {"width": 0}},
        )
    )


def _bar_axes(figure: go.Figure, theme: Theme, x: str, y: str) -> None:
    values = np.append(np.asarray(figure.data[0].x, dtype=np.float64), 0)
    room = 0.3 * (values.max() - values.min() or 1)  # for the texts beyond the bars
    ends = [values.min() - room * (values.min() < 0), values.max() + room * (values.max() > 0)]
    figure.update_layout(
        bargap=0.25,
        xaxis={
            "title": {"text": x},
            "gridcolor": theme.line,
            "zerolinecolor": theme.muted,
            "nticks": 5,
            "range": ends,
        },
        yaxis={"title": {"text": y}, "type": "category", "autorange": "reversed", "dtick": 1},
        showlegend=False,
        uirevision="explanation",
    )


def _density(view: SliceView, values: NDArray[Any], theme: Theme) -> go.Heatmap:
    finite = values[np.isfinite(values)]  # far out even a log density overflows
    highest = float(finite.max()) if len(finite) else 0.0
    deepest = highest - max(_DEPTH, _RELATIVE_DEPTH * abs(highest))
    lowest = max(deepest, float(np.quantile(finite, _LOWEST_SHOWN))) if len(finite) else deepest
    scale = [[i / (len(theme.scale) - 1), colour] for i, colour in enumerate(theme.scale)]
    return go.Heatmap(
        x=view.slice.x,
        y=view.slice.y,
        z=values,
        zmin=lowest if lowest < highest else deepest,
        zmax=highest,
        zsmooth="best",
        colorscale=scale,
        showscale=False,
        hovertemplate="log density %{z:.4g}<extra></extra>",
    )


def _threshold_contour(view: SliceView, values: NDArray[Any], theme: Theme) -> go.Contour:
    level = view.threshold
    return go.Contour(
        x=view.slice.x,
        y=view.slice.y,
        z=values,
        contours={"start": level, "end": level, "size": 1, "coloring": "none"},
        line={"color": theme.text, "width": 2, "dash": "dash"},
        showscale=False,
        hoverinfo="skip",
    )
