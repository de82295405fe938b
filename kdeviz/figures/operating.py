"""ROC, precision-recall, F1 and reliability: every threshold, and the present one among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.curve_fitting import PlattFit
from kdeviz.metrics import Estimate
from kdeviz.theme import Theme, faint, finish
from kdeviz.views import OperatingView
from kdeviz.wording import number, percent

__all__ = ["f1_figure", "precision_recall_figure", "reliability_figure", "roc_figure"]

_ROOM_BELOW = 0.1  # of the y axis, for a line of text
_AXIS = {"zeroline": False, "tickformat": "~%", "nticks": 6}
_AT = "threshold %{customdata[0]:.4g} nats"


def roc_figure(view: OperatingView, theme: Theme, log_fpr: bool = False) -> go.Figure:
    """Caught share of the anomalous samples against flagged share of the normal ones."""
    figure = go.Figure()
    x, here = view.points.fpr, view.at[0]
    along, lowest = here, 0.5 / view.normal
    if log_fpr:  # no place for zero: half a sample stands for none
        x, here = np.maximum(x, lowest), max(here, lowest)
        along = 1 - np.log(here) / np.log(lowest)
    hover = (
        f"{_AT}<br>%{{y:.1%}} of the anomalous caught<br>%{{customdata[1]:.2%}} of the normal flagged"
        "<extra></extra>"
    )
    _curve(figure, x, view.points.tpr, (view.points.thresholds, view.points.fpr), theme, hover)
    chance = np.geomspace(lowest, 1, 50) if log_fpr else np.array([0.0, 1.0])
    _guess(figure, chance, chance, theme)
    _present(figure, here, view.at[1], along, view.threshold, theme)
    title = f"{percent(view.at[1])} of the anomalous caught, {percent(view.at[0])} of the normal flagged"
    finish(figure, theme, title, f"ROC curve · area (AUROC) {_with_interval(view.metrics.auroc)}")
    share = "normal samples flagged (false-positive rate)"
    _axes(figure, theme, share, "anomalous samples caught")
    if log_fpr:
        figure.update_xaxes(type="log", range=[np.log10(lowest), 0.02], nticks=None, dtick=1)
    return figure


def precision_recall_figure(view: OperatingView, theme: Theme) -> go.Figure:
    """Share of the flagged that is anomalous against caught share of the anomalous samples."""
    figure = go.Figure()
    hover = (
        f"{_AT}<br>%{{x:.1%}} of the anomalous caught<br>%{{y:.1%}} of the flagged anomalous<extra></extra>"
    )
    _curve(figure, view.points.tpr, view.points.precision, (view.points.thresholds,), theme, hover)
    base = view.anomalous / (view.anomalous + view.normal)
    _guess(figure, np.array([0.0, 1.0]), np.array([base, base]), theme)
    _present(figure, view.at[1], view.at[2], view.at[1], view.threshold, theme)
    title = f"{percent(view.at[2])} of the flagged are anomalous"
    if not (view.here.true_positives[1] or view.here.false_positives[1]):
        title = "No labelled sample is flagged at this threshold"
    average = _with_interval(view.metrics.average_precision)
    what = f"{percent(view.at[1])} of all anomalous caught · average precision {average}"
    finish(figure, theme, title, what)
    _axes(figure, theme, "anomalous samples caught (recall)", "flagged samples anomalous (precision)")
    return figure


def f1_figure(view: OperatingView, theme: Theme, lowest: float, highest: float) -> go.Figure:
    """F1, precision and recall against the threshold, from one log density to another."""
    figure = go.Figure()
    thresholds = view.points.thresholds
    if np.isfinite(view.threshold):
        lowest, highest = min(lowest, view.threshold), max(highest, view.threshold)
    if lowest == highest:
        lowest, highest = lowest - 0.5, highest + 0.5
    for values, name, colour, dash in (
        (view.points.precision, "precision", theme.muted, "dot"),
        (view.points.tpr, "recall", theme.muted, "dash"),
        (view.points.f1, "F1", theme.normal, "solid"),
    ):
        figure.add_trace(
            go.Scatter(
                x=thresholds,
                y=values,
                customdata=thresholds[:, None],
                mode="lines+markers" if name == "F1" else "lines",
                marker={"size": 9, "opacity": 0},
                name=name,
                line={"color": colour, "width": 2.4 if name == "F1" else 1.6, "dash": dash, "shape": "vh"},
                hovertemplate=f"{name} %{{y:.3f}} at {_AT}<extra></extra>",
            )
        )
    along = (view.threshold - lowest) / (highest - lowest)
    _present(figure, view.threshold, view.at[3], along, view.threshold, theme)
    best = int(np.argmax(view.points.f1))
    title = f"F1 is {number(view.at[3])}; the best, {number(float(view.points.f1[best]))}, "
    title += f"is at {number(float(thresholds[best]))} nats"
    finish(figure, theme, title, "F1, precision and recall at every threshold")
    _axes(figure, theme, "threshold on log density, nats", "value")
    figure.update_xaxes(range=[lowest, highest], tickformat=None)
    figure.update_layout(
        showlegend=True, legend={"x": 0.01, "y": 0.02, "yanchor": "bottom", "font": {"size": 12}}
    )
    return figure


def reliability_figure(fit: PlattFit, theme: Theme) -> go.Figure:
    """How often samples were anomalous that were given about the same probability, before and after a fit."""
    figure = go.Figure()
    _guess(figure, np.array([0.0, 1.0]), np.array([0.0, 1.0]), theme)
    for name, bins, colour in (
        ("present curve", fit.reliability_before, theme.muted),
        ("fitted to the labels", fit.reliability_after, theme.normal),
    ):
        figure.add_trace(
            go.Scatter(
                x=bins.mean_prediction,
                y=bins.observed,
                customdata=bins.counts,
                error_y={
                    "type": "data",
                    "array": bins.high - bins.observed,
                    "arrayminus": bins.observed - bins.low,
                    "thickness": 1.2,
                    "width": 0,
                },
                mode="lines+markers",
                name=name,
                line={"color": colour, "width": 2},
                marker={"size": 7},
                hovertemplate=f"{name}: %{{y:.1%}} of %{{customdata}} samples anomalous<br>"
                "said %{x:.1%}<extra></extra>",
            )
        )
    before, after = number(fit.brier_before), number(fit.brier_after)
    title = f"Fitting does not lower the Brier score of {before}"
    if fit.brier_after < fit.brier_before and after != before:
        title = f"Fitting lowers the Brier score from {before} to {after}"
    finish(figure, theme, title, "Reliability · on the dotted line, probabilities mean what they say")
    _axes(figure, theme, "probability given", "share that was anomalous")
    figure.data[0].update(showlegend=False)
    legend = {"x": 0.01, "y": 0.99, "yanchor": "top", "font": {"size": 12}}
    figure.update_layout(showlegend=True, legend=legend)
    return figure


def _curve(
    figure: go.Figure,
    x: NDArray[Any],
    y: NDArray[Any],
    hovered: tuple[NDArray[Any], ...],
    theme: Theme,
    hover: str,
) -> None:
    """What is hovered begins with the thresholds: a click takes the first number."""
    figure.add_trace(
        go.Scatter(
            x=x,
            y=y,
            customdata=np.stack(hovered, axis=1),
            mode="lines+markers",
            # Too faint to see, there to be clicked.
            marker={"size": 9, "opacity": 0},
            line={"color": theme.normal, "width": 2.4},
            hovertemplate=hover,
            name="thresholds",
        )
    )


def _guess(figure: go.Figure, x: NDArray[Any], y: NDArray[Any], theme: Theme) -> None:
    figure.add_trace(
        go.Scatter(
            x=x,
            y=y,
            mode="lines",
            line={"color": theme.muted, "width": 1.2, "dash": "dot"},
            hoverinfo="skip",
            name="guessing",
        )
    )


def _present(figure: go.Figure, x: float, y: float, along: float, threshold: float, theme: Theme) -> None:
    """A ring and its name, which stays inside: `along` is the share of the x axis to the left of it."""
    if not np.isfinite([x, y]).all():
        return
    figure.add_trace(
        go.Scatter(
            x=[x],
            y=[y],
            mode="markers+text",
            text=[f"threshold {number(threshold)}"],
            textposition=f"{'bottom' if y > _ROOM_BELOW else 'top'} {'right' if along < 0.5 else 'left'}",
            textfont={"color": theme.text, "size": 12.5},
            cliponaxis=False,
            hoverinfo="skip",
            marker={
                "size": 13,
                "color": faint(theme.text, 0.15),
                "line": {"color": theme.text, "width": 2.5},
            },
            name="present threshold",
            showlegend=False,
        )
    )


def _axes(figure: go.Figure, theme: Theme, x: str, y: str) -> None:
    grid = {"gridcolor": theme.line}
    figure.update_layout(
        xaxis={**_AXIS, "title": {"text": x}, "showgrid": False, "range": [-0.01, 1.02]},
        yaxis={**_AXIS, **grid, "title": {"text": y}, "range": [-0.02, 1.04]},
        showlegend=False,
        hovermode="closest",
        dragmode="pan",
        uirevision="operating",
    )


def _with_interval(estimate: Estimate) -> str:
    low, high = estimate.interval
    if not np.isfinite([low, high]).all():
        return number(estimate.value)
    return f"{number(estimate.value)} ({number(low)} to {number(high)})"
