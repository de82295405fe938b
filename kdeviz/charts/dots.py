"""A share as dots, which everybody can count: false alarms in 1 000 normal samples, or among the flagged."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.parts import bare_axis, scatter
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, plain
from kdeviz.decision import Decision
from kdeviz.wording import about, count, number

_PER = 1000
_ROWS = 10
_MOST, _FEW = 1000, 200


class DotsNumbers(NamedTuple):
    """So many dots in columns, the first of them marked."""

    total: int
    marked: int
    """To the nearest whole one."""
    doubtful: int
    """How many more there may be, at the upper end of the 95 % interval; none where a bound is drawn."""
    rows: int
    marked_words: str
    rest_words: str
    bound: bool
    """Whether the dots are the flagged samples, and those marked a bound on the false alarms among them."""

    @property
    def places(self) -> NDArray[np.int64]:
        """(total, 2): column by column, from the top left on."""
        order = np.arange(self.total)
        return np.column_stack([order // self.rows, -(order % self.rows)])


def dots_numbers(decision: Decision) -> DotsNumbers:
    """Of 1 000 new normal samples those that will be flagged.

    By a rule that bounds the false alarms among the flagged, the flagged themselves and that bound; only the
    share is drawn where there are more than a thousand.
    """
    rule, flagged = decision.rule, decision.n_flagged
    if rule is not None and rule.rule.of_these_rows and flagged:
        total, bound = min(flagged, _MOST), rule.rule.value
        rows = min(_ROWS, max(1, round((total / 2.5) ** 0.5)))
        false = round(bound * total)
        words = f"false alarms among them, at most {number(bound * flagged, 2)}"
        each = f"; each dot stands for {about(flagged / total)}" if flagged > total else ""
        return DotsNumbers(total, false, 0, rows, words, f"flagged ({count(flagged)}{each})", True)
    expected = decision.expected_alarms
    alarms, most = round(_PER * expected.rate), round(_PER * expected.high)
    words = f"flagged by mistake, about {about(_PER * expected.rate)}"
    rest = f"of {count(_PER)} new normal samples"
    return DotsNumbers(_PER, alarms, most - alarms, _ROWS, words, rest, False)


def dots(decision: Decision, theme: Theme = NOTEBOOK) -> go.Figure:
    """The figure of a decision."""
    return draw_dots(dots_numbers(decision), theme)


def draw_dots(numbers: DotsNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    places, marked, possible = numbers.places, numbers.marked, numbers.marked + numbers.doubtful
    alarm, other = (theme.text, theme.anomalous) if numbers.bound else (theme.anomalous, theme.normal)
    perhaps = {"color": alarm, "symbol": "diamond-open", "line": {"width": 1.5}}
    groups: list[tuple[Any, str, Part]] = [
        (places[:marked], numbers.marked_words, {"color": alarm, "symbol": "diamond"}),
        (places[marked:possible], "perhaps also these", perhaps),
        (places[possible:], numbers.rest_words, {"color": other, "opacity": 0.55}),
    ]
    size = 6 if numbers.total > _FEW else 14
    traces = [_dots(at, name, size, marker) for at, name, marker in groups if len(at)]
    quiet = {"showticklabels": False, "fixedrange": True, "showline": False}
    square = {"scaleanchor": "x"} if numbers.bound else {}
    layout = {"xaxis": bare_axis("", **quiet), "yaxis": bare_axis("", **quiet, **square), "showlegend": True}
    return plain(traces, theme, f"{numbers.marked_words} {numbers.rest_words}", layout)


def _dots(at: NDArray[np.int64], name: str, size: int, marker: Part) -> Part:
    shape = {"size": size, "line": {"width": 0}, **marker}
    return scatter(at[:, 0], at[:, 1], "markers", name, marker=shape, hoverinfo="skip")
