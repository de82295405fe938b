"""The charts beside the map in Explore. A new one is a module of its own, and a line in `CHARTS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import plotly.graph_objects as go

from kdeviz.charts.densities import densities
from kdeviz.charts.f1 import f1
from kdeviz.charts.flagged_features import flagged_features
from kdeviz.charts.precision_recall import precision_recall
from kdeviz.charts.reliability import reliability
from kdeviz.charts.roc import roc


class Chart(NamedTuple):
    """What can be chosen beside the map."""

    alt: str
    """What a screen reader says."""
    draw: Callable[..., go.Figure]
    """Given a decision, `theme`, and what else this chart `takes`; may raise a DataError."""
    takes: tuple[str, ...] = ()
    """Of "picked", the inspected row to ring, and "log_fpr", whether false alarms have a logarithmic axis."""
    needs_labels: bool = True
    sets_threshold: bool = True
    """Whether a click on a point of it sets the threshold, which the point then carries."""
    below: str = ""
    """A sentence to stand below it."""


CHARTS = {
    "Density": Chart(
        "Histograms of log density and the curve",
        densities,
        ("picked",),
        needs_labels=False,
        sets_threshold=False,
    ),
    "What matters": Chart(
        "Input features that matter for the flagged samples",
        flagged_features,
        needs_labels=False,
        sets_threshold=False,
        below="Each flagged sample has a smallest change that would make it usual. A bar is the root mean "
        "square of that change over the flagged, in standard deviations of the feature in training.",
    ),
    "ROC": Chart("Caught samples against false alarms, at every threshold", roc, ("log_fpr",)),
    "Precision": Chart("Precision against recall, at every threshold", precision_recall),
    "F1": Chart("F1 against the threshold", f1),
    "Reliability": Chart(
        "Reliability diagram",
        reliability,
        sets_threshold=False,
        below="To use the fitted curve: Probability curve in the sidebar, “Fit to labels”.",
    ),
}
"""By the name on the button, in the order in which people are offered them."""
