"""The chart beside the map: densities, or a curve over all thresholds, where a click sets the threshold."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

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


class Chart(NamedTuple):
    """A chart that needs labels, in which a click sets the threshold."""

    alt: str
    """What a screen reader says."""
    draw: Callable[..., go.Figure]
    """Given a decision, `theme`, and `log_fpr` if its false alarms can be on a logarithmic axis."""
    has_log: bool = False


CHARTS = {
    "ROC": Chart("Caught samples against false alarms, at every threshold", charts.roc, has_log=True),
    "Precision": Chart("Precision against recall, at every threshold", charts.precision_recall),
    "F1": Chart("F1 against the threshold", charts.f1),
}


def show_chart(current: Session, screen: Screen, height: int) -> None:
    """Draw the chart that is chosen."""
    chosen, options = "Density", {}
    if screen.labelled:
        with st.container(horizontal=True, vertical_alignment="center"):
            chosen = one_of("Chart", ["Density", *CHARTS, "Reliability"], "chart")
            if chosen in CHARTS and CHARTS[chosen].has_log:
                options["log_fpr"] = st.toggle("Log", key="log_fpr")
        height -= 56
    if chosen == "Reliability":
        _show_reliability(screen, height)
    elif chosen in CHARTS:
        key, chart = f"curve_{chosen}", CHARTS[chosen]
        figure = chart.draw(screen.decision, theme=theme(), **options)
        show_figure(figure, key, chart.alt, height, screen.key, partial(_clicked, key))
    else:
        figure = charts.densities(screen.decision, current.picked, theme())
        show_figure(figure, "densities", "Histograms of log density and the curve", height, screen.key)


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


def _clicked(key: str) -> None:
    """Take the threshold of the point that was clicked."""
    threshold = clicked_number(key)
    if threshold is not None and np.isfinite(threshold):
        set_threshold(threshold)
