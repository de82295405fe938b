"""The chart beside the map: densities, or a curve over all thresholds, where a click sets the threshold."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from kdeviz import charts
from kdeviz.errors import DataError
from kdeviz.ui.panels.threshold import set_curve, set_threshold
from kdeviz.ui.state import Screen, Session, theme
from kdeviz.ui.widgets.choices import one_of
from kdeviz.ui.widgets.plots import clicked_number, show_figure
from kdeviz.ui.widgets.text import plain_error
from kdeviz.wording import number

_CONTROL_HEIGHT = 56


def show_chart(current: Session, screen: Screen, height: int) -> None:
    """Draw the chart that is chosen."""
    offered = [
        name for name, one in charts.CHARTS.items() if screen.decision.labelled or not one.needs_labels
    ]
    chosen, given = offered[0], {"picked": current.picked, "log_fpr": False}
    if len(offered) > 1:
        with st.container(horizontal=True, vertical_alignment="center"):
            chosen = one_of("Chart", offered, "chart")
            if "log_fpr" in charts.CHARTS[chosen].takes:
                given["log_fpr"] = st.toggle("Log", key="log_fpr")
        height -= _CONTROL_HEIGHT
    chart, key, below = charts.CHARTS[chosen], f"curve_{chosen}", _BELOW.get(chosen)
    options = {name: given[name] for name in chart.takes}
    try:
        figure = chart.draw(screen.decision, theme=theme(), **options)
    except DataError as error:
        plain_error("The curve cannot be fitted to these labels", str(error))
        return
    on_click = partial(_clicked, key) if chart.sets_threshold else None
    show_figure(figure, key, chart.alt, height - _CONTROL_HEIGHT * (below is not None), screen.key, on_click)
    if below is not None:
        below(screen)


def _offer_fit(screen: Screen) -> None:
    """A button that takes over the curve that fits the labels."""
    curve = charts.reliability_numbers(screen.decision).curve
    st.button(
        f"Use the fit: midpoint {number(curve.midpoint)}, steepness {number(curve.steepness)}",
        disabled=screen.decision.curve == curve,
        on_click=set_curve,
        args=(curve,),
        help="Logistic regression of the labels on log density (Platt scaling). The score after fitting "
        "comes from curves that had not seen the sample they judge. The probabilities hold where as large a "
        "share of the samples is anomalous as among those labelled here.",
    )


_BELOW = {"Reliability": _offer_fit}
"""What stands below a chart."""


def _clicked(key: str) -> None:
    """Take the threshold of the point that was clicked."""
    threshold = clicked_number(key)
    if threshold is not None and np.isfinite(threshold):
        set_threshold(threshold)
