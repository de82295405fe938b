"""The chart beside the map: densities, or a curve over all thresholds, where a click sets the threshold."""

from __future__ import annotations

from functools import partial

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from kdeviz import charts
from kdeviz.errors import DataError
from kdeviz.ui.panels.threshold import set_curve, set_threshold
from kdeviz.ui.state import Screen, Session, theme
from kdeviz.ui.widgets.choices import one_of
from kdeviz.ui.widgets.plots import clicked_number, show_figure
from kdeviz.ui.widgets.text import plain_error
from kdeviz.wording import number

_CURVES = {
    "ROC": "Caught samples against false alarms, at every threshold",
    "Precision": "Precision against recall, at every threshold",
    "F1": "F1 against the threshold",
}


def show_chart(current: Session, screen: Screen, height: int) -> None:
    """Draw the chart that is chosen."""
    chosen, log_fpr = "Density", False
    if screen.labelled:
        with st.container(horizontal=True, vertical_alignment="center"):
            chosen = one_of("Chart", ["Density", *_CURVES, "Reliability"], "chart")
            if chosen == "ROC":
                log_fpr = st.toggle("Log", key="log_fpr")
        height -= 56
    if chosen == "Reliability":
        _show_reliability(screen, height)
    elif chosen in _CURVES:
        _show_curve(chosen, screen, log_fpr, height)
    else:
        _show_densities(current, screen, height)


def _show_densities(current: Session, screen: Screen, height: int) -> None:
    figure = charts.densities(screen.decision, current.picked, theme())
    show_figure(figure, "densities", "Histograms of log density and the curve", height, screen.key)


def _show_curve(chosen: str, screen: Screen, log_fpr: bool, height: int) -> None:
    key = f"curve_{chosen}"
    figure = _curve(chosen, screen, log_fpr)
    show_figure(figure, key, _CURVES[chosen], height, screen.key, partial(_clicked, key))


def _show_reliability(screen: Screen, height: int) -> None:
    try:
        fit = charts.reliability_numbers(screen.decision)
    except DataError as error:
        plain_error("The curve cannot be fitted to these labels", str(error))
        return
    figure = charts.reliability(screen.decision, theme())
    show_figure(figure, "reliability", "Reliability diagram", height - 56, screen.key)
    st.button(
        f"Use the fit: midpoint {number(fit.curve.midpoint)}, steepness {number(fit.curve.steepness)}",
        disabled=screen.curve == fit.curve,
        on_click=set_curve,
        args=(fit.curve,),
        help="Logistic regression of the labels on log density (Platt scaling). The score after fitting "
        "comes from curves that had not seen the sample they judge. The probabilities hold where as large a "
        "share of the samples is anomalous as among those labelled here.",
    )


def _curve(chosen: str, screen: Screen, log_fpr: bool) -> go.Figure:
    if chosen == "ROC":
        return charts.roc(screen.decision, log_fpr, theme())
    if chosen == "Precision":
        return charts.precision_recall(screen.decision, theme())
    return charts.f1(screen.decision, theme())


def _clicked(key: str) -> None:
    """Take the threshold of the point that was clicked."""
    threshold = clicked_number(key)
    if threshold is not None and np.isfinite(threshold):
        set_threshold(threshold)
