"""Histograms of log density, and the scree plot."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.theme import Mark, Theme, faint, finish
from kdeviz.views import CurveView, HistogramView, ScreeView
from kdeviz.wording import count, number, percent

__all__ = ["density_figure", "scree_figure"]

_DASH = "8px 6px"
# A second axis, from 0 to 100 % on the right.
_SHARE_AXIS = {
    "overlaying": "y",
    "title_font_size": 13,
    "side": "right",
    "range": [0, 1.02],
    "tickvals": [0, 0.25, 0.5, 0.75, 1],
    "tickformat": ".0%",
    "showgrid": False,
    "zeroline": False,
}


def density_figure(
    view: HistogramView, theme: Theme, curve: CurveView | None = None, mark: Mark | None = None
) -> go.Figure:
    """Histograms of log density as shares of each group, the threshold, and the probability curve."""
    figure = go.Figure()
    for name, counts in view.counts.items():
        figure.add_trace(_histogram_series(name, counts, view, theme))
    if curve is not None:
        figure.add_trace(
            go.Scatter(
                x=curve.log_density,
                y=curve.probability,
                yaxis="y2",
                name="probability",
                line={"color": theme.muted, "width": 2, "dash": "dot"},
                hovertemplate="log density %{x:.4g}<br>probability %{y:.3f}<extra></extra>",
            )
        )
    _threshold_line(figure, view.threshold, theme)
    if mark is not None:
        _mark_line(figure, mark, view, theme)
    hidden = f" · {count(view.below_range)} further left counted in the first bar" if view.below_range else ""
    pinned = "" if curve is None else f" · {percent(curve.saturated)} of samples sit at probability 0 or 1"
    title = f"{percent(view.alarm_rate)} of training samples fall below the threshold"
    finish(figure, theme, title, f"Log density{pinned}{hidden}")
    figure.update_layout(
        barmode="overlay",
        bargap=0,
        xaxis={
            "title": {"text": "log density, nats · lower is more anomalous"},
            "showgrid": False,
            "range": [view.edges[0], view.edges[-1]],
            "zeroline": False,
        },
        yaxis={
            "title": {"text": "share of group"},
            "tickformat": ".0%",
            "gridcolor": theme.line,
            "zeroline": False,
            "rangemode": "tozero",
            "nticks": 5,
        },
        yaxis2={**_SHARE_AXIS, "title_text": "probability", "visible": curve is not None},
        legend={"orientation": "h", "x": -0.1, "y": -0.36, "yanchor": "top", "font": {"size": 11.5}},
        margin={"r": 56},
        uirevision="density",
    )
    return figure


def scree_figure(view: ScreeView, theme: Theme, most: int = 64) -> go.Figure:
    """Variance carried by each component, the kept ones in full colour."""
    shown = min(len(view.shares), max(most, view.kept))
    order = np.arange(1, shown + 1)
    colours = [theme.normal if i <= view.kept else theme.line for i in order]
    figure = go.Figure()
    figure.add_trace(
        go.Bar(
            x=order,
            y=view.shares[:shown],
            marker={"color": colours, "line": {"width": 0}},
            name="this component",
            hovertemplate="component %{x}: %{y:.2%} of the variance<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=order,
            y=view.cumulative[:shown],
            mode="lines",
            yaxis="y2",
            name="all so far (right axis)",
            line={"color": theme.muted, "width": 2},
            hovertemplate="components 1 to %{x}: %{y:.1%} of the variance<extra></extra>",
        )
    )
    if view.kept < shown:
        figure.add_vline(x=view.kept + 0.5, line={"color": theme.text, "width": 1.5, "dash": _DASH})
    kept = float(view.cumulative[view.kept - 1])
    components = "component keeps" if view.kept == 1 else "components keep"
    finish(
        figure,
        theme,
        f"{count(view.kept)} {components} {percent(kept)} of the variance",
        f"Scree plot · {count(len(view.shares))} components in all"
        + (f", the first {count(shown)} drawn" if shown < len(view.shares) else ""),
    )
    figure.update_layout(
        bargap=0.15,
        xaxis={"title": {"text": "principal component"}, "showgrid": False, "zeroline": False},
        yaxis={
            "title": {"text": "share of variance"},
            "tickformat": ".0%",
            "gridcolor": theme.line,
            "zeroline": False,
            "nticks": 5,
        },
        yaxis2={**_SHARE_AXIS, "title_text": "cumulative"},
        margin={"r": 56},
        showlegend=False,
    )
    return figure


def _histogram_series(name: str, counts: NDArray[Any], view: HistogramView, theme: Theme) -> Any:
    centres = (view.edges[1:] + view.edges[:-1]) / 2
    share = counts / max(view.sizes[name], 1)
    text = (
        f"{name}: %{{customdata}} of {count(view.sizes[name])}<br>log density near %{{x:.4g}}<extra></extra>"
    )
    label = f"{name} ({count(view.sizes[name])})"
    if name == "training":
        return go.Bar(
            x=centres,
            y=share,
            customdata=counts,
            name=label,
            hovertemplate=text,
            marker={"color": faint(theme.normal, 0.35), "line": {"width": 0}},
        )
    colour = theme.anomalous if name.endswith("anomalous") else theme.normal
    colour = theme.muted if name.endswith("not labelled") else colour
    return go.Scatter(
        x=centres,
        y=share,
        customdata=counts,
        name=label,
        hovertemplate=text,
        mode="lines",
        line={"color": colour, "width": 2.2, "shape": "hvh"},
        fill="tozeroy",
        fillcolor=faint(colour, 0.12),
    )


def _threshold_line(figure: go.Figure, threshold: float, theme: Theme) -> None:
    if np.isfinite(threshold):
        figure.add_vline(
            x=threshold,
            line={"color": theme.text, "width": 1.5, "dash": _DASH},
            annotation={
                "text": f"threshold {number(threshold)}",
                "font": {"color": theme.text, "size": 12.5},
                "bgcolor": theme.paper,
                "yanchor": "bottom",
                "y": 1,
                "showarrow": False,
            },
            annotation_position="top",
        )


def _mark_line(figure: go.Figure, mark: Mark, view: HistogramView, theme: Theme) -> None:
    at = float(np.clip(mark.log_density, view.edges[0], view.edges[-1]))
    figure.add_trace(
        go.Scatter(
            x=[at],
            y=[mark.probability],
            cliponaxis=False,
            yaxis="y2",
            mode="markers",
            showlegend=False,
            name="picked",
            marker={"symbol": "circle-open", "size": 16, "color": theme.text, "line": {"width": 2.5}},
            text=[html.escape(mark.name)],
            hovertemplate=f"%{{text}}: {number(mark.log_density, 4)} nats<extra></extra>",
        )
    )
