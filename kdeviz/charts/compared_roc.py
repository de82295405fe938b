"""Two models on the same samples: both ROC curves."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.parts import disc, dotted_line, note, placed, rate_axes, scatter
from kdeviz.charts.theme import NOTEBOOK, SIDES, Part, Theme, drawn, faint, side_colours
from kdeviz.comparison import (
    Comparison,
    SeparationTest,
    areas_in_words,
    interval_words,
    separation_finding,
)
from kdeviz.data import ANOMALOUS, NORMAL
from kdeviz.decision import OperatingPoints
from kdeviz.errors import OptionError
from kdeviz.wording import count


class ComparedRocNumbers(NamedTuple):
    """Both ROC curves on the labelled common samples."""

    first: OperatingPoints
    """Thinned for drawing."""
    second: OperatingPoints
    first_at: tuple[float, float]
    """False- and true-positive rate of the verdicts."""
    second_at: tuple[float, float]
    normal: int
    anomalous: int
    lowest: float
    """Where the x axis begins: 0, or half a sample where it is logarithmic and has no place for none."""
    test: SeparationTest
    """Whether the two differ by more than chance."""

    @property
    def chance(self) -> NDArray[np.float64]:
        """Points of the line of guessing, which a logarithmic axis bends."""
        return np.geomspace(self.lowest, 1, 50) if self.lowest else np.array([0.0, 1.0])

    @property
    def exponent(self) -> float | None:
        """Power of ten at which a logarithmic axis begins."""
        return math.log10(self.lowest) - 0.02 if self.lowest else None

    @property
    def curves(self) -> list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
        """Of each: x and y as drawn, and (T, 2) thresholds and true false-positive rates."""
        return [
            (np.maximum(one.fpr, self.lowest), one.tpr, np.stack([one.thresholds, one.fpr], axis=1))
            for one in (self.first, self.second)
        ]


def compared_roc_numbers(comparison: Comparison, log_fpr: bool = False) -> ComparedRocNumbers:
    """Both ROC curves, and where the present verdicts lie on them, on a linear or a logarithmic axis.

    Raises:
        OptionError: there are no labels of both kinds.
    """
    test = comparison.separation
    if comparison.roc is None or comparison.labels is None or test is None:
        raise OptionError("ROC curves need samples labelled normal and anomalous: load labels, or mark some")
    first, second = (points.thinned() for points in comparison.roc)
    normal, anomalous = comparison.labels == NORMAL, comparison.labels == ANOMALOUS
    verdicts = (
        comparison.first.flagged[comparison.first_rows],
        comparison.second.flagged[comparison.second_rows],
    )
    at = [(float(flagged[normal].mean()), float(flagged[anomalous].mean())) for flagged in verdicts]
    lowest = 0.5 / int(normal.sum()) if log_fpr else 0.0
    counts = int(normal.sum()), int(anomalous.sum())
    return ComparedRocNumbers(first, second, at[0], at[1], *counts, lowest, test)


# --- the picture


def compared_roc(comparison: Comparison, log_fpr: bool = False, theme: Theme = NOTEBOOK) -> go.Figure:
    """Both ROC curves, and the present verdicts on them.

    Raises:
        OptionError: there are no labels of both kinds.
    """
    return draw_compared_roc(compared_roc_numbers(comparison, log_fpr), theme)


def draw_compared_roc(numbers: ComparedRocNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    colours = side_colours(theme)
    traces = [dotted_line(numbers.chance, numbers.chance, "guessing", theme)]
    for side, colour in enumerate(colours):
        traces += [_curve(numbers, side, colour), _present(numbers, side, colour)]
    layout = {
        **rate_axes(
            f"flagged of {count(numbers.normal)} normal samples (false-positive rate)",
            f"caught of {count(numbers.anomalous)} anomalous ones",
            theme,
            numbers.exponent,
        ),
        "annotations": [_areas(numbers.test, colours, theme)],
        "showlegend": False,
        "dragmode": "pan",
    }
    subtitle = f"{interval_words(numbers.test) or 'ROC curves'} · rings: thresholds"
    return drawn(traces, theme, separation_finding(numbers.test), subtitle, layout)


def _curve(numbers: ComparedRocNumbers, side: int, colour: str) -> Part:
    name, (x, y, hovered) = SIDES[side], numbers.curves[side]
    return scatter(
        x,
        y,
        "lines",
        name,
        customdata=hovered,
        line={"color": colour, "width": 2.4},
        hovertemplate=f"{name}, threshold %{{customdata[0]:.4g}} nats<br>%{{y:.1%}} of the anomalous "
        "caught<br>%{customdata[1]:.2%} of the normal flagged<extra></extra>",
    )


def _present(numbers: ComparedRocNumbers, side: int, colour: str) -> Part:
    """A ring at the rates of the present threshold."""
    name, at = f"{SIDES[side]} at its threshold", (numbers.first_at, numbers.second_at)[side]
    return scatter(
        [max(at[0], numbers.lowest)],
        [at[1]],
        "markers",
        name,
        customdata=[at],
        cliponaxis=False,
        marker=disc(colour, 0.2),
        hovertemplate=f"{name}<br>%{{customdata[1]:.1%}} of the anomalous caught<br>"
        "%{customdata[0]:.2%} of the normal flagged<extra></extra>",
    )


def _areas(test: SeparationTest, colours: tuple[str, str], theme: Theme) -> Part:
    """The areas, in the corner below both curves, with the colour of each."""
    lines = (
        f'<span style="color:{colour}">━</span> {name}: AUROC {area}'
        for name, area, colour in zip(SIDES, areas_in_words(test), colours, strict=True)
    )
    corner = {**placed("x", 0.985, "right", "paper"), **placed("y", 0.03, "bottom", "paper")}
    return note("<br>".join(lines), theme, align="left", bgcolor=faint(theme.paper, 0.8), **corner)
