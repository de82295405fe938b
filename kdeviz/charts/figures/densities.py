"""Histograms of log density, and the scree plot."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.figures.parts import bare_axis, graded_axis, note, placed, ring, vertical_line
from kdeviz.charts.theme import Mark, Part, Theme, drawn, faint
from kdeviz.charts.views.densities import CurveView, HistogramView, ScreeView
from kdeviz.wording import count, number, percent


def density_figure(
    view: HistogramView, theme: Theme, curve: CurveView | None = None, mark: Mark | None = None
) -> go.Figure:
    """Histograms of log density as shares of each group, the threshold, and the probability curve."""
    traces = [_histogram(name, counts, view, theme) for name, counts in view.counts.items()]
    if curve is not None:
        traces.append(_probability(curve, theme))
    if mark is not None:
        traces.append(_picked(mark, view, theme))
    hidden = f" · {count(view.below_range)} further left counted in the first bar" if view.below_range else ""
    pinned = "" if curve is None else f" · {percent(curve.saturated)} of samples sit at probability 0 or 1"
    layout = {
        "barmode": "overlay",
        "bargap": 0,
        "xaxis": bare_axis(
            "log density, nats · lower is more anomalous", range=[view.edges[0], view.edges[-1]]
        ),
        "yaxis": graded_axis("share of group", theme, tickformat=".0%", rangemode="tozero", nticks=5),
        "yaxis2": {**_share_axis("probability"), "visible": curve is not None},
        "legend": {"orientation": "h", "x": -0.1, "y": -0.36, "yanchor": "top", "font": {"size": 11.5}},
        "margin": {"r": 56},
        **_threshold(view.threshold, theme),
    }
    title = f"{percent(view.alarm_rate)} of training samples fall below the threshold"
    return drawn(traces, theme, title, f"Log density{pinned}{hidden}", layout)


def scree_figure(view: ScreeView, theme: Theme, most: int = 64) -> go.Figure:
    """Variance carried by each component, the kept ones in full colour."""
    shown = min(len(view.shares), max(most, view.kept))
    kept = float(view.cumulative[view.kept - 1])
    components = "component keeps" if view.kept == 1 else "components keep"
    layout = {
        "bargap": 0.15,
        "xaxis": bare_axis("principal component"),
        "yaxis": graded_axis("share of variance", theme, tickformat=".0%", nticks=5),
        "yaxis2": _share_axis("cumulative"),
        "margin": {"r": 56},
        "showlegend": False,
        "shapes": [vertical_line(view.kept + 0.5, theme.text, 1.5)] if view.kept < shown else [],
    }
    return drawn(
        _variances(view, shown, theme),
        theme,
        f"{count(view.kept)} {components} {percent(kept)} of the variance",
        f"Scree plot · {count(len(view.shares))} components in all"
        + (f", the first {count(shown)} drawn" if shown < len(view.shares) else ""),
        layout,
    )


def _share_axis(title: str) -> Part:
    """A second axis, from 0 to 100 % on the right."""
    return bare_axis(
        title,
        overlaying="y",
        side="right",
        showline=False,
        range=[0, 1.02],
        tickvals=[0, 0.25, 0.5, 0.75, 1],
        tickformat=".0%",
    )


def _variances(view: ScreeView, shown: int, theme: Theme) -> list[Part]:
    order = np.arange(1, shown + 1)
    colours = [theme.normal if i <= view.kept else theme.line for i in order]
    return [
        {
            "type": "bar",
            "x": order,
            "y": view.shares[:shown],
            "marker": {"color": colours, "line": {"width": 0}},
            "name": "this component",
            "hovertemplate": "component %{x}: %{y:.2%} of the variance<extra></extra>",
        },
        {
            "type": "scatter",
            "x": order,
            "y": view.cumulative[:shown],
            "mode": "lines",
            "yaxis": "y2",
            "name": "all so far (right axis)",
            "line": {"color": theme.muted, "width": 2},
            "hovertemplate": "components 1 to %{x}: %{y:.1%} of the variance<extra></extra>",
        },
    ]


def _histogram(name: str, counts: NDArray[Any], view: HistogramView, theme: Theme) -> Part:
    """Bars for the training samples, lines for what is compared with them."""
    size = count(view.sizes[name])
    trace: Part = {
        "x": (view.edges[1:] + view.edges[:-1]) / 2,
        "y": counts / max(view.sizes[name], 1),
        "customdata": counts,
        "name": f"{name} ({size})",
        "hovertemplate": f"{name}: %{{customdata}} of {size}<br>log density near %{{x:.4g}}<extra></extra>",
    }
    if name == "training":
        bars = {"color": faint(theme.normal, 0.35), "line": {"width": 0}}
        return {"type": "bar", **trace, "marker": bars}
    colour = theme.anomalous if name.endswith("anomalous") else theme.normal
    colour = theme.muted if name.endswith("not labelled") else colour
    line = {"color": colour, "width": 2.2, "shape": "hvh"}
    fill = {"fill": "tozeroy", "fillcolor": faint(colour, 0.12)}
    return {"type": "scatter", **trace, "mode": "lines", "line": line, **fill}


def _probability(curve: CurveView, theme: Theme) -> Part:
    return {
        "type": "scatter",
        "x": curve.log_density,
        "y": curve.probability,
        "yaxis": "y2",
        "name": "probability",
        "line": {"color": theme.muted, "width": 2, "dash": "dot"},
        "hovertemplate": "log density %{x:.4g}<br>probability %{y:.3f}<extra></extra>",
    }


def _threshold(threshold: float, theme: Theme) -> Part:
    """A line and its name above the chart; an infinite threshold has neither."""
    if not np.isfinite(threshold):
        return {}
    above = {**placed("x", threshold, "center"), **placed("y", 1, "bottom", "y domain")}
    return {
        "shapes": [vertical_line(threshold, theme.text, 1.5)],
        "annotations": [note(f"threshold {number(threshold)}", theme, bgcolor=theme.paper, **above)],
    }


def _picked(mark: Mark, view: HistogramView, theme: Theme) -> Part:
    return {
        "type": "scatter",
        "x": [float(np.clip(mark.log_density, view.edges[0], view.edges[-1]))],
        "y": [mark.probability],
        "cliponaxis": False,
        "yaxis": "y2",
        "mode": "markers",
        "showlegend": False,
        "name": "picked",
        "marker": ring(16, theme),
        "text": [html.escape(mark.name)],
        "hovertemplate": f"%{{text}}: {number(mark.log_density, 4)} nats<extra></extra>",
    }
