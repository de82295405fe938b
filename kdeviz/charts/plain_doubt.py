"""How sure that is, for people who never heard of a density."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.charts.operating import operating_numbers
from kdeviz.charts.parts import (
    bars,
    dotted_line,
    graded_axis,
    horizontal_line,
    note,
    placed,
    rate_axes,
    scatter,
)
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, faint, plain
from kdeviz.data import ANOMALOUS
from kdeviz.decision import Decision, Interval, rate_interval
from kdeviz.errors import DataError
from kdeviz.wording import count, percent

_TENTHS = 10


class PlainRocNumbers(NamedTuple):
    """Caught and false alarms at every threshold, and at the present one with 95 % intervals."""

    alarms: NDArray[Any]
    """(T,) flagged share of the normal samples."""
    caught: NDArray[Any]
    """(T,) flagged share of the anomalous ones."""
    here: tuple[float, float]
    """Both at the present threshold."""
    alarms_interval: Interval
    caught_interval: Interval
    normal: int
    anomalous: int

    @property
    def reach(self) -> list[tuple[float, float]]:
        """Of the false alarms and of the caught: how far the interval goes below the share, and above it."""
        ends = self.alarms_interval, self.caught_interval
        return [(at - low, high - at) for at, (low, high) in zip(self.here, ends, strict=True)]


def plain_roc_numbers(decision: Decision) -> PlainRocNumbers:
    """The ROC curve, and exact intervals of both shares at the present threshold.

    Raises:
        OptionError: there are no labels of both kinds.
    """
    numbers, counts = operating_numbers(decision), decision.confusion
    assert counts is not None  # there are labels
    return PlainRocNumbers(
        numbers.points.fpr,
        numbers.points.tpr,
        numbers.at[:2],
        rate_interval(counts.false_positives, numbers.normal),
        rate_interval(counts.true_positives, numbers.anomalous),
        numbers.normal,
        numbers.anomalous,
    )


def plain_roc(decision: Decision, theme: Theme = NOTEBOOK) -> go.Figure:
    """Caught samples against false alarms; see `plain_roc_numbers`."""
    return draw_plain_roc(plain_roc_numbers(decision), theme)


def draw_plain_roc(numbers: PlainRocNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    (alarms, caught), chance = numbers.here, [0.0, 1.0]
    line = {"color": theme.normal, "width": 3}
    traces = [
        dotted_line(chance, chance, "guessing", theme),
        scatter(numbers.alarms, numbers.caught, "lines", "every possible line", line=line, hoverinfo="skip"),
        _here(numbers, theme),
    ]
    right = alarms < 0.5
    words = f"our line: {percent(caught)} caught,<br>{percent(alarms)} false alarms"
    below = caught > 0.25
    beside = {
        **placed("x", alarms, "left" if right else "right"),
        **placed("y", caught, "top" if below else "bottom"),
    }
    axes = rate_axes(
        f"false alarms among {count(numbers.normal)} normal samples",
        f"caught of {count(numbers.anomalous)} anomalous",
        theme,
    )
    layout = {
        **axes,
        "showlegend": True,
        "annotations": [
            note(
                words,
                theme,
                15,
                **beside,
                xshift=16 if right else -16,
                yshift=-8 if below else 4,
                align="left",
                bgcolor=faint(theme.paper, 0.75),
            ),
        ],
    }
    return plain(traces, theme, "Caught samples and false alarms, wherever the line is drawn", layout)


def _here(numbers: PlainRocNumbers, theme: Theme) -> Part:
    """The present threshold, with a cross of both intervals."""
    (x, y), (across, up) = numbers.here, numbers.reach
    return scatter(
        [x],
        [y],
        "markers",
        "our line",
        showlegend=False,
        cliponaxis=False,
        hoverinfo="skip",
        marker={"size": 10, "color": theme.anomalous, "line": {"color": theme.text, "width": 2}},
        error_x=_cross(across, theme),
        error_y=_cross(up, theme),
    )


def _cross(reach: tuple[float, float], theme: Theme) -> Part:
    below, above = reach
    return {
        "type": "data",
        "array": [above],
        "arrayminus": [below],
        "color": theme.text,
        "thickness": 2.5,
        "width": 6,
    }


class AlikeNumbers(NamedTuple):
    """Scored samples among the tenths of the training samples, the most unusual tenth first."""

    shares: NDArray[np.float64]
    """(10,) a tenth each, if both are alike."""
    counts: NDArray[np.int64]
    total: int


def alike_numbers(decision: Decision) -> AlikeNumbers:
    """How the scored samples spread over the training samples; those labelled anomalous are left out.

    Raises:
        DataError: nothing but training samples is scored, or nothing was held out.
    """
    return _alike(decision.analysis)


@cached
def _alike(analysis: Analysis) -> AlikeNumbers:
    counted, labels = analysis.points < 0, analysis.inspected.labels
    if labels is not None:
        counted &= labels != ANOMALOUS
    if analysis.inspects_training or not analysis.calibrated or not counted.any():
        raise DataError("there are no scored samples to compare with the training samples")
    scores, reference = analysis.scores[counted], analysis.calibration
    middle = np.searchsorted(reference, scores, "left") + np.searchsorted(reference, scores, "right")
    tenths = np.minimum(middle * _TENTHS // (2 * len(reference)), _TENTHS - 1)
    counts = np.bincount(tenths, minlength=_TENTHS)
    return AlikeNumbers(counts / len(scores), counts, len(scores))


def alike(decision: Decision, theme: Theme = NOTEBOOK) -> go.Figure:
    """Whether the scored samples still look like the training samples; see `alike_numbers`."""
    return draw_alike(alike_numbers(decision), theme)


def draw_alike(numbers: AlikeNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    colours = [theme.anomalous, *[theme.normal] * (_TENTHS - 1)]
    tenths = list(range(_TENTHS))
    names = ["most unusual<br>tenth", *[""] * (_TENTHS - 2), "most usual<br>tenth"]
    words = "- - -  a tenth each, if they are like the normal samples it has seen"
    even = {**placed("x", 0, "left", "x domain"), **placed("y", 1, "bottom", "y domain")}
    shown = bars(tenths, numbers.shares, colours, name="samples to judge", customdata=numbers.counts)
    layout = {
        "bargap": 0.12,
        "xaxis": {
            "tickvals": tenths,
            "ticktext": names,
            "showgrid": False,
            "fixedrange": True,
            "tickangle": 0,
        },
        "yaxis": graded_axis(
            f"share of the {count(numbers.total)} samples",
            theme,
            tickformat=".0%",
            rangemode="tozero",
            nticks=5,
            fixedrange=True,
        ),
        "shapes": [horizontal_line(1 / _TENTHS, theme.text, 2)],
        "annotations": [note(words, theme, 14, **even)],
        "showlegend": False,
    }
    hover = {"hovertemplate": "%{customdata} samples<extra></extra>"}
    return plain([{**shown, **hover}], theme, "The samples to judge among those the model has seen", layout)
