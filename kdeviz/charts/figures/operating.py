"""ROC, precision-recall, F1 and reliability: every threshold, and the present one among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.figures.parts import bare_axis, dotted_line, interval, rate_axes
from kdeviz.charts.theme import Part, Theme, drawn, faint
from kdeviz.charts.views.operating import OperatingView
from kdeviz.decision import Estimate, PlattFit, Reliability
from kdeviz.wording import number, percent

_ROOM_BELOW = 0.1  # of the y axis, for a line of text
_AT = "threshold %{customdata[0]:.4g} nats"
_MANNERS = {"showlegend": False, "hovermode": "closest", "dragmode": "pan"}
# Too faint to see, there to be clicked.
_CLICKED = {"size": 9, "opacity": 0}


def roc_figure(view: OperatingView, theme: Theme, log_fpr: bool = False) -> go.Figure:
    """Caught share of the anomalous samples against flagged share of the normal ones."""
    x, here = view.points.fpr, view.at[0]
    along, lowest, exponent = here, 0.5 / view.normal, None
    if log_fpr:  # no place for zero: half a sample stands for none
        x, here, exponent = np.maximum(x, lowest), max(here, lowest), float(np.log10(lowest))
        along = 1 - np.log(here) / np.log(lowest)
    hover = (
        f"{_AT}<br>%{{y:.1%}} of the anomalous caught<br>%{{customdata[1]:.2%}} of the normal flagged"
        "<extra></extra>"
    )
    chance = np.geomspace(lowest, 1, 50) if log_fpr else np.array([0.0, 1.0])
    traces = [
        _curve(x, view.points.tpr, (view.points.thresholds, view.points.fpr), theme, hover),
        dotted_line(chance, chance, "guessing", theme),
        *_present(here, view.at[1], along, view.threshold, theme),
    ]
    title = f"{percent(view.at[1])} of the anomalous caught, {percent(view.at[0])} of the normal flagged"
    subtitle = f"ROC curve · area (AUROC) {_with_interval(view.metrics.auroc)}"
    flagged, caught = "normal samples flagged (false-positive rate)", "anomalous samples caught"
    layout = {**_MANNERS, **rate_axes(flagged, caught, theme, exponent)}
    return drawn(traces, theme, title, subtitle, layout)


def precision_recall_figure(view: OperatingView, theme: Theme) -> go.Figure:
    """Share of the flagged that is anomalous against caught share of the anomalous samples."""
    hover = (
        f"{_AT}<br>%{{x:.1%}} of the anomalous caught<br>%{{y:.1%}} of the flagged anomalous<extra></extra>"
    )
    base = view.anomalous / (view.anomalous + view.normal)
    traces = [
        _curve(view.points.tpr, view.points.precision, (view.points.thresholds,), theme, hover),
        dotted_line([0, 1], [base, base], "guessing", theme),
        *_present(view.at[1], view.at[2], view.at[1], view.threshold, theme),
    ]
    title = f"{percent(view.at[2])} of the flagged are anomalous"
    if not (view.here.true_positives[1] or view.here.false_positives[1]):
        title = "No labelled sample is flagged at this threshold"
    average = _with_interval(view.metrics.average_precision)
    subtitle = f"{percent(view.at[1])} of all anomalous caught · average precision {average}"
    axes = rate_axes("anomalous samples caught (recall)", "flagged samples anomalous (precision)", theme)
    return drawn(traces, theme, title, subtitle, {**_MANNERS, **axes})


def f1_figure(view: OperatingView, theme: Theme, lowest: float, highest: float) -> go.Figure:
    """F1, precision and recall against the threshold, from one log density to another."""
    thresholds = view.points.thresholds
    if np.isfinite(view.threshold):
        lowest, highest = min(lowest, view.threshold), max(highest, view.threshold)
    if lowest == highest:
        lowest, highest = lowest - 0.5, highest + 0.5
    along = (view.threshold - lowest) / (highest - lowest)
    traces = [
        _steps(thresholds, view.points.precision, "precision", {"color": theme.muted, "dash": "dot"}),
        _steps(thresholds, view.points.tpr, "recall", {"color": theme.muted, "dash": "dash"}),
        _steps(thresholds, view.points.f1, "F1", {"color": theme.normal, "dash": "solid", "width": 2.4}),
        *_present(view.threshold, view.at[3], along, view.threshold, theme),
    ]
    traces[2]["mode"] = "lines+markers"
    best = int(np.argmax(view.points.f1))
    title = f"F1 is {number(view.at[3])}; the best, {number(float(view.points.f1[best]))}, "
    title += f"is at {number(float(thresholds[best]))} nats"
    layout = {
        **_MANNERS,
        **rate_axes("", "value", theme),
        "xaxis": bare_axis("threshold on log density, nats", nticks=6, range=[lowest, highest]),
        "showlegend": True,
        "legend": {"x": 0.01, "y": 0.02, "yanchor": "bottom", "font": {"size": 12}},
    }
    return drawn(traces, theme, title, "F1, precision and recall at every threshold", layout)


def reliability_figure(fit: PlattFit, theme: Theme) -> go.Figure:
    """How often samples were anomalous that were given about the same probability, before and after a fit."""
    traces = [
        {**dotted_line([0, 1], [0, 1], "guessing", theme), "showlegend": False},
        _reliability(fit.reliability_before, "present curve", theme.muted),
        _reliability(fit.reliability_after, "fitted to the labels", theme.normal),
    ]
    before, after = number(fit.brier_before), number(fit.brier_after)
    title = f"Fitting does not lower the Brier score of {before}"
    if fit.brier_after < fit.brier_before and after != before:
        title = f"Fitting lowers the Brier score from {before} to {after}"
    layout = {
        **_MANNERS,
        **rate_axes("probability given", "share that was anomalous", theme),
        "showlegend": True,
        "legend": {"x": 0.01, "y": 0.99, "yanchor": "top", "font": {"size": 12}},
    }
    subtitle = "Reliability · on the dotted line, probabilities mean what they say"
    return drawn(traces, theme, title, subtitle, layout)


def _curve(
    x: NDArray[Any], y: NDArray[Any], hovered: tuple[NDArray[Any], ...], theme: Theme, hover: str
) -> Part:
    """What is hovered begins with the thresholds: a click takes the first number."""
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "customdata": np.stack(hovered, axis=1),
        "mode": "lines+markers",
        "marker": _CLICKED,
        "line": {"color": theme.normal, "width": 2.4},
        "hovertemplate": hover,
        "name": "thresholds",
    }


def _steps(thresholds: NDArray[Any], values: NDArray[Any], name: str, line: Part) -> Part:
    return {
        "type": "scatter",
        "x": thresholds,
        "y": values,
        "customdata": thresholds[:, None],
        "mode": "lines",
        "marker": _CLICKED,
        "name": name,
        "line": {"width": 1.6, "shape": "vh", **line},
        "hovertemplate": f"{name} %{{y:.3f}} at {_AT}<extra></extra>",
    }


def _reliability(bins: Reliability, name: str, colour: str) -> Part:
    return {
        "type": "scatter",
        "x": bins.mean_prediction,
        "y": bins.observed,
        "customdata": bins.counts,
        "error_y": interval(bins.observed, bins.low, bins.high),
        "mode": "lines+markers",
        "name": name,
        "line": {"color": colour, "width": 2},
        "marker": {"size": 7},
        "hovertemplate": f"{name}: %{{y:.1%}} of %{{customdata}} samples anomalous<br>"
        "said %{x:.1%}<extra></extra>",
    }


def _present(x: float, y: float, along: float, threshold: float, theme: Theme) -> list[Part]:
    """A ring and its name, which stays inside: `along` is the share of the x axis to the left of it.

    None of an infinite threshold.
    """
    if not np.isfinite([x, y]).all():
        return []
    below, right = y > _ROOM_BELOW, along < 0.5
    return [
        {
            "type": "scatter",
            "x": [x],
            "y": [y],
            "mode": "markers+text",
            "text": [f"threshold {number(threshold)}"],
            "textposition": f"{'bottom' if below else 'top'} {'right' if right else 'left'}",
            "textfont": {"color": theme.text, "size": 12.5},
            "cliponaxis": False,
            "hoverinfo": "skip",
            "marker": {
                "size": 13,
                "color": faint(theme.text, 0.15),
                "line": {"color": theme.text, "width": 2.5},
            },
            "name": "present threshold",
            "showlegend": False,
        }
    ]


def _with_interval(estimate: Estimate) -> str:
    low, high = estimate.interval
    if not np.isfinite([low, high]).all():
        return number(estimate.value)
    return f"{number(estimate.value)} ({number(low)} to {number(high)})"
