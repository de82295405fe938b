"""The charts of a report: those of the app, without a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kdeviz import charts
from kdeviz.charts import OfflineFigure, offline_figure
from kdeviz.comparison import Comparison
from kdeviz.decision import Decision
from kdeviz.errors import KdevizError
from kdeviz.output.report.content import Chart, Charts
from kdeviz.output.report.samples import MOST_SAMPLES
from kdeviz.sweep import Choice, Stability, Sweep

_MOST_POINTS = 2500  # as SVG


def decision_charts(decision: Decision, text_column: str | None = None) -> Charts:
    """The map, whatever can be chosen beside it, and the variance per component."""
    drawn = []
    if decision.analysis.classifier.n_components_ > 1:
        most = {"most": _MOST_POINTS, "most_flagged": MOST_SAMPLES}
        figure = _figure(charts.projection, decision, text_column=text_column, **most)
        drawn.append(Chart("chart-map", figure, height=460, wide=True))
    for name, chart in charts.CHARTS.items():
        if not chart.fits(decision):
            continue
        try:
            figure = _figure(chart.draw, decision)
        except KdevizError:  # too few labels or samples for it, or nothing flagged
            continue
        drawn.append(Chart("-".join(["chart", *name.lower().split()]), figure, below=chart.below))
    return Charts((*drawn, Chart("chart-variance", _figure(charts.scree, decision))))


def stability_charts(stability: Stability, decision: Decision) -> Charts:
    """Which of the most anomalous come back, and how well smaller caps agree."""
    strip = _figure(charts.strip, stability, decision.analysis.inspected)
    agreement = _figure(charts.agreement, stability)
    return Charts((Chart("chart-strip", strip, 270), Chart("chart-agreement", agreement)))


def sweep_charts(sweep: Sweep, choice: Choice) -> Charts:
    """The metric of the choice over the settings that were tried."""
    figure = _figure(charts.heat_map, sweep, choice.metric, choice=choice)
    return Charts((Chart("chart-sweep", figure, 380, wide=True),))


def comparison_charts(comparison: Comparison) -> Charts:
    """Ranks and percentiles by the one and by the other; where there are labels the ROC curves of both."""
    ranks = Chart("chart-ranks", _figure(charts.ranks, comparison), 380)
    percentiles = Chart("chart-percentiles", _figure(charts.percentiles, comparison), 380)
    if comparison.roc is None:
        return Charts((ranks, percentiles))
    return Charts((ranks, percentiles, Chart("chart-rocs", _figure(charts.compared_roc, comparison), 380)))


def _figure(draw: Callable[..., Any], *about: Any, **options: Any) -> OfflineFigure:
    return offline_figure(lambda theme: draw(*about, **options, theme=theme))
