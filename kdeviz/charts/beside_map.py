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
from kdeviz.charts.truth import truth
from kdeviz.decision import Decision


class Chart(NamedTuple):
    """What can be chosen beside the map."""

    alt: str
    """What a screen reader says."""
    draw: Callable[..., go.Figure]
    """Given a decision, `theme`, and what else this chart `takes`; may raise a DataError."""
    takes: tuple[str, ...] = ()
    """Of "picked" and "neighbour", the row to ring, and "log_fpr", whether its axis is logarithmic."""
    needs_labels: bool = True
    needs_truth: bool = False
    """Whether the file has to tell the true log density of the samples."""
    sets_threshold: bool = True
    """Whether a click on a point of it sets the threshold, which the point then carries."""
    below: str = ""
    """Sentences to stand below it, wherever it is shown."""
    offer: str = ""
    """What can be done about it in the app, to stand below it there."""

    def fits(self, decision: Decision) -> bool:
        """Whether there is what it needs."""
        known = decision.analysis.inspected.true_log_density is not None
        return (decision.labelled or not self.needs_labels) and (known or not self.needs_truth)


CHARTS = {
    "Density": Chart(
        "Histograms of log density and the curve",
        densities,
        ("picked", "neighbour"),
        needs_labels=False,
        sets_threshold=False,
    ),
    "What matters": Chart(
        "Input features that matter for the flagged samples",
        flagged_features,
        needs_labels=False,
        sets_threshold=False,
        below="Each flagged sample has a smallest change that would make it usual. A bar is the typical "
        "size of that change over the flagged (root mean square), in standard deviations of the feature in "
        "training.",
    ),
    "ROC": Chart(
        "Caught samples against false alarms, at every threshold",
        roc,
        ("log_fpr",),
        below="ROC: receiver operating characteristic. Its false alarms are counted on samples labelled "
        "normal, the expected ones above on training samples: the two differ by chance, and by more where "
        "the two kinds of normal samples are unlike each other.",
    ),
    "Precision": Chart("Precision against recall, at every threshold", precision_recall),
    "F1": Chart("F1 against the threshold", f1),
    "Truth": Chart(
        "Estimated against true log density",
        truth,
        ("picked",),
        needs_labels=False,
        needs_truth=True,
        sets_threshold=False,
        below="Above the dotted line a sample looks more usual than it truly is, below it less so; half of "
        "the usual samples are nearer to it than the factor says. Try a smaller bandwidth (in the sidebar).",
    ),
    "Reliability": Chart(
        "Reliability diagram",
        reliability,
        sets_threshold=False,
        below="The error is the mean squared distance of the probability from 1 for anomalous samples and "
        "from 0 for normal ones (Brier score).",
        offer="To use the fitted curve: Probability curve in the sidebar, “Fit to labels”.",
    ),
}
"""By the name on the button, in the order in which people are offered them."""
