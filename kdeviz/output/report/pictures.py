"""The charts of a report: those of the app, without a server."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from kdeviz import charts
from kdeviz.charts import Theme, offline_figure
from kdeviz.decision import Decision
from kdeviz.errors import KdevizError
from kdeviz.output.report.content import Chart, Charts
from kdeviz.output.report.samples import MOST_SAMPLES
from kdeviz.sweep import Choice, Stability, Sweep

_MOST_POINTS = 2500  # as SVG
_MAP_HEIGHT = 460


def decision_charts(decision: Decision, text_column: str | None = None) -> Charts:
    """The map, whatever can be chosen beside it, and the variance per component."""
    drawn = []
    if decision.analysis.classifier.n_components_ > 1:
        a_map = partial(
            charts.projection,
            decision,
            most=_MOST_POINTS,
            most_flagged=MOST_SAMPLES,
            text_column=text_column,
        )
        drawn.append(
            Chart("chart-map", offline_figure(lambda theme: a_map(theme=theme)), _MAP_HEIGHT, wide=True)
        )
    for name, chart in charts.CHARTS.items():
        if not chart.fits(decision):
            continue
        try:
            figure = offline_figure(_with_theme(partial(chart.draw, decision)))
        except KdevizError:  # too few labels or samples for it, or nothing flagged
            continue
        drawn.append(Chart(_id(name), figure, below=chart.below))
    scree = offline_figure(lambda theme: charts.scree(decision, theme))
    return Charts((*drawn, Chart("chart-variance", scree)))


def stability_charts(stability: Stability, decision: Decision) -> Charts:
    """Which of the most anomalous come back, and how well smaller caps agree."""
    inspected = decision.analysis.inspected
    strip = offline_figure(lambda theme: charts.strip(stability, inspected, theme))
    agreement = offline_figure(lambda theme: charts.agreement(stability, theme))
    return Charts((Chart("chart-strip", strip, 270), Chart("chart-agreement", agreement)))


def sweep_charts(sweep: Sweep, choice: Choice) -> Charts:
    """The metric of the choice over the settings that were tried."""
    figure = offline_figure(lambda theme: charts.heat_map(sweep, choice.metric, choice=choice, theme=theme))
    return Charts((Chart("chart-sweep", figure, 380, wide=True),))


def _with_theme(draw: Callable[..., Any]) -> Callable[[Theme], Any]:
    return lambda theme: draw(theme=theme)


def _id(name: str) -> str:
    return "chart-" + "-".join(name.lower().split())
