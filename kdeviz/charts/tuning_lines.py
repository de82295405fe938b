"""A sweep along one knob: a metric with its intervals, one line per scaling."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from kdeviz.charts.cells import SweptNumbers, swept_numbers
from kdeviz.charts.knobs import KNOBS, KnobValue
from kdeviz.charts.parts import bare_axis, end_labels, graded_axis, interval, positions, ring, scatter
from kdeviz.charts.sweep_words import (
    LOG_DENSITY,
    TICKS,
    best_title,
    chosen_title,
    held_words,
    hover,
    metric_words,
    named,
    ticks,
)
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, drawn
from kdeviz.scaling import SCALINGS
from kdeviz.sweep import METRICS, Choice, Sweep
from kdeviz.wording import capital

_MOST_TICKS = 16
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross")
_APART = 0.12  # so that the intervals of two lines stand side by side


@dataclass(frozen=True, eq=False)
class TuningLinesNumbers(SweptNumbers):
    """A metric along one knob, one line per scaling: P lines through X settings."""

    comparable: bool
    """Whether the values of one line compare with each other; log densities of other components do not."""

    @property
    def tops(self) -> list[tuple[int, int]]:
        """Where the highest value of each line is that has one."""
        known = [line for line in range(len(self.values)) if not np.isnan(self.values[line]).all()]
        return [(line, int(np.nanargmax(self.values[line]))) for line in known]

    @property
    def last_known(self) -> list[tuple[int, int]]:
        """The last place of each line that has one."""
        columns = [np.flatnonzero(~np.isnan(values)) for values in self.values]
        return [(line, int(known[-1])) for line, known in enumerate(columns) if len(known)]

    @property
    def span(self) -> tuple[float, float]:
        """From the lowest end of an interval to the highest."""
        drawn = np.concatenate([part.ravel() for part in (self.values, self.low, self.high)])
        finite = drawn[np.isfinite(drawn)]
        return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)

    @property
    def has_intervals(self) -> bool:
        """Whether the interval of any value is known."""
        return bool(np.isfinite(self.low).any())


def tuning_lines_numbers(
    sweep: Sweep,
    metric: str | None = None,
    across: str = "components",
    fixed: Mapping[str, KnobValue] | None = None,
    choice: Choice | None = None,
) -> TuningLinesNumbers:
    """A metric along one knob, with its intervals; arguments and errors are those of `heat_map_numbers`."""
    swept = swept_numbers(sweep, metric, (across,), fixed, choice)
    fitted = [[sweep.rows[row] for row in line if row >= 0] for line in swept.rows]
    counts = [{row.components for row in line if row.error is None} for line in fitted]
    comparable = swept.metric != LOG_DENSITY or all(len(components) <= 1 for components in counts)
    return TuningLinesNumbers(**vars(swept), comparable=comparable)


# --- the picture


def tuning_lines(
    sweep: Sweep,
    metric: str | None = None,
    across: str = "components",
    fixed: Mapping[str, KnobValue] | None = None,
    choice: Choice | None = None,
    *,
    theme: Theme = NOTEBOOK,
) -> go.Figure:
    """A metric along one knob with its intervals, one line per scaling.

    Arguments and errors are those of `heat_map_numbers`.
    """
    return draw_tuning_lines(tuning_lines_numbers(sweep, metric, across, fixed, choice), theme)


def draw_tuning_lines(numbers: TuningLinesNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    lines = [_line(numbers, line, theme) for line in range(len(numbers.scalings))]
    metric = METRICS[numbers.metric]
    words = metric.words + (", nats" if numbers.metric == LOG_DENSITY else "")
    places, texts = ticks(numbers.across, numbers.x, _MOST_TICKS)
    low, high = numbers.span
    right = max(len(numbers.x), 1) - 0.5
    layout = {
        "xaxis": bare_axis(KNOBS[numbers.across], tickvals=places, ticktext=texts, range=[-0.5, right]),
        "yaxis": graded_axis(words, theme, nticks=6, **TICKS.get(metric.written, {})),
        "annotations": end_labels(list(_ends(numbers, lines)), 0.09 * (high - low), 8, theme),
        "showlegend": False,
        "dragmode": False,
        "margin": {"r": 56},  # for the names of the lines
    }
    traces = [*lines, *_best_ring(numbers, lines, theme)]
    return drawn(traces, theme, _title(numbers), _subtitle(numbers), layout)


def _line(numbers: TuningLinesNumbers, line: int, theme: Theme) -> Part:
    scaling, values = numbers.scalings[line], numbers.values[line]
    order = list(SCALINGS).index(scaling)
    colour = theme.categories[(2 * order + 1) % len(theme.categories)]
    symbol = _SYMBOLS[order % len(_SYMBOLS)]
    return scatter(
        positions(range(len(numbers.x))) + _APART * (line - (len(numbers.scalings) - 1) / 2),
        values,
        "lines+markers" if numbers.comparable else "markers",
        scaling,
        customdata=numbers.rows[line],
        connectgaps=False,
        hovertext=[hover(numbers, (line, column)) for column in range(len(numbers.x))],
        hovertemplate="%{hovertext}<extra></extra>",
        line={"color": colour, "width": 2},
        marker={"size": 8, "symbol": symbol, "color": colour},
        error_y=interval(values, numbers.low[line], numbers.high[line]),
    )


def _ends(numbers: TuningLinesNumbers, lines: Sequence[Part]) -> Iterator[tuple[float, float, str]]:
    """The last point of each line that has one, and the line's name."""
    for line, column in numbers.last_known:
        x, y = lines[line]["x"][column], numbers.values[line, column]
        yield float(x), float(y), numbers.scalings[line]


def _best_ring(numbers: TuningLinesNumbers, lines: Sequence[Part], theme: Theme) -> list[Part]:
    """Round the best of all, with the word; nothing if it is not shown."""
    if numbers.best is None or math.isnan(numbers.values[numbers.best]):
        return []
    line, column = numbers.best
    return [
        scatter(
            [lines[line]["x"][column]],
            [numbers.values[numbers.best]],
            "markers+text",
            "best",
            text=["best"],
            textposition="top center",
            textfont={"size": 12.5, "color": theme.text},
            marker=ring(16, theme),
            cliponaxis=False,
            hoverinfo="skip",
        )
    ]


def _title(numbers: TuningLinesNumbers) -> str:
    """The best setting, or what else there is to see."""
    if (chosen := chosen_title(numbers)) is not None:
        return chosen
    if not numbers.comparable:
        return "Log densities of different components do not compare"
    if numbers.metric != LOG_DENSITY:
        return best_title(numbers)
    tops = [(numbers.scalings[line], numbers.x[column]) for line, column in numbers.tops]
    return "Best: " + "; ".join(f"{name} with {named(numbers.across, value)}" for name, value in tops)


def _subtitle(numbers: TuningLinesNumbers) -> str:
    """What is drawn."""
    intervals = ["95 % intervals"] if numbers.has_intervals else []
    parts = [capital(metric_words(numbers.metric)), *intervals, *held_words(numbers)]
    if not numbers.comparable:
        parts.append("other components do not compare")
    elif numbers.metric == LOG_DENSITY and len(numbers.scalings) > 1:
        parts.append("norm and scale do not compare")
    return " · ".join(parts)
