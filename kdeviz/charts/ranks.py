"""Two models on the same samples: rank against rank."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.parts import (
    WEBGL_ABOVE,
    bare_axis,
    dotted_line,
    horizontal_line,
    hovered,
    note,
    placed,
    vertical_line,
)
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, drawn, faint, side_colours
from kdeviz.comparison import Comparison
from kdeviz.data import ANOMALOUS
from kdeviz.wording import count, number

Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

_SAME = "same verdict"
# Rank correlation at least this high, in words.
_ALIKE = (
    (0.9, "Both rank the samples much alike"),
    (0.7, "Both rank the samples fairly alike"),
    (0.4, "Both rank the samples somewhat alike"),
    (-0.4, "The two rank the samples differently"),
    (-1.1, "The two rank the samples in opposite order"),
)


class RanksNumbers(NamedTuple):
    """Common samples by their rank in both; S of C are drawn."""

    samples: Indices
    """(S,) numbers of the common samples."""
    first_ranks: Indices
    """(S,)"""
    second_ranks: Indices
    only_first: Mask
    """(S,) flagged by the first alone."""
    only_second: Mask
    anomalous: Mask
    """(S,) labelled anomalous."""
    total: int
    """C."""
    first_flagged: int
    """How many of all common samples."""
    second_flagged: int
    flipped: tuple[int, int]
    """How many of all only the first, and only the second flags."""
    spearman: float | None
    """Rank correlation; None where one gives every sample the same score."""
    names: NDArray[np.str_]
    """(S,) ids."""

    @property
    def some_anomalous(self) -> bool:
        """Whether a sample that is labelled anomalous is drawn."""
        return bool(self.anomalous.any())

    @property
    def groups(self) -> Iterator[tuple[int, bool, Mask]]:
        """Samples by who flags them: both or none (0), only the first (1), only the second (2).

        Of each those not labelled anomalous and then those that are, with a mask (S,), if there are any.
        """
        flags = self.only_first + 2 * self.only_second
        for who in range(3):
            for anomalous in (False, True):
                mask = (flags == who) & (self.anomalous == anomalous)
                if mask.any():
                    yield who, anomalous, mask


def ranks_numbers(comparison: Comparison, most: int = 4000) -> RanksNumbers:
    """The common samples to draw: all that only one of the two flags, and as many others as `most` allows.

    Of the others, the highest ranks in either are kept, and further down a seeded share that falls with the
    rank: even on a logarithmic axis.
    """
    total = len(comparison.ids)
    chosen = np.zeros((2, total), bool)
    for mask, numbers in zip(chosen, comparison.disagreements, strict=True):
        mask[numbers] = True
    others = np.flatnonzero(~chosen.any(0))
    room = max(most - (total - len(others)), 0)
    if room < len(others):
        best = np.minimum(comparison.first_ranks, comparison.second_ranks)[others]
        keys = np.random.default_rng(0).random(len(others)) * best
        others = others[np.argsort(keys, kind="stable")[:room]]
    samples = np.union1d(np.flatnonzero(chosen.any(0)), others)
    labels = comparison.labels
    return RanksNumbers(
        samples=samples,
        first_ranks=comparison.first_ranks[samples],
        second_ranks=comparison.second_ranks[samples],
        only_first=chosen[0][samples],
        only_second=chosen[1][samples],
        anomalous=np.zeros(len(samples), bool) if labels is None else labels[samples] == ANOMALOUS,
        total=total,
        first_flagged=int(comparison.first.flagged[comparison.first_rows].sum()),
        second_flagged=int(comparison.second.flagged[comparison.second_rows].sum()),
        flipped=(len(comparison.disagreements.only_first), len(comparison.disagreements.only_second)),
        spearman=comparison.spearman,
        names=comparison.ids[samples],
    )


# --- the picture


def ranks(comparison: Comparison, most: int = 4000, theme: Theme = NOTEBOOK) -> go.Figure:
    """Rank by the second against rank by the first, 1 being the most anomalous.

    The samples that only one of the two flags are all drawn, of the others so many that there are `most`;
    customdata holds the numbers of the common samples.
    """
    return draw_ranks(ranks_numbers(comparison, most), theme)


def draw_ranks(numbers: RanksNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    far = max(numbers.total, 2)
    equal = {**dotted_line([1, far], [1, far], "equal ranks", theme), "showlegend": False}
    lines, notes = _flag_lines(numbers, theme)
    ticks = {"type": "log", "range": [math.log10(0.8), math.log10(1.25 * far)], "dtick": 1}
    layout = {
        "xaxis": bare_axis("rank by the first · 1 is the most anomalous", **ticks),
        "yaxis": bare_axis("rank by the second", **ticks),
        "shapes": lines,
        "annotations": notes,
        "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
        "margin": {"t": 88},
        "dragmode": "pan",
    }
    traces = [equal, *_verdicts(numbers, theme)]
    return drawn(traces, theme, _title(numbers), _subtitle(numbers), layout)


def _verdicts(numbers: RanksNumbers, theme: Theme) -> Iterator[Part]:
    """Samples by who flags them; a group stands in the legend once."""
    first, second = side_colours(theme)
    # All of one kind: WebGL would hide what is drawn otherwise.
    kind = "scattergl" if len(numbers.samples) > WEBGL_ABOVE else "scatter"
    looks = (
        (_SAME, faint(theme.muted, 0.45), 6),
        ("only the first flags", first, 9),
        ("only the second flags", second, 9),
    )
    listed = {_SAME}
    for who, anomalous, mask in numbers.groups:
        name, colour, size = looks[who]
        marker = {
            "color": colour,
            "size": size + anomalous,
            "symbol": "x" if anomalous else "circle",
            "line": {"width": 0 if name == _SAME else 1, "color": theme.paper},
        }
        legend = {"legendgroup": name, "showlegend": name not in listed}
        yield {**_ranked(numbers, mask, name, anomalous), "type": kind, "marker": marker, **legend}
        listed.add(name)


def _ranked(numbers: RanksNumbers, mask: Mask, name: str, anomalous: bool) -> Part:
    return {
        "x": numbers.first_ranks[mask],
        "y": numbers.second_ranks[mask],
        "customdata": numbers.samples[mask],
        "hovertext": [hovered(str(name)) for name in numbers.names[mask]],
        "mode": "markers",
        "name": name,
        "hovertemplate": "%{hovertext}<br>rank %{x:d} by the first<br>rank %{y:d} by the second"
        f"<br>{name}{', labelled anomalous' if anomalous else ''}<extra></extra>",
    }


def _flag_lines(numbers: RanksNumbers, theme: Theme) -> tuple[list[Part], list[Part]]:
    """Up to where each of the two flags, all below its line; and the words at the lines."""
    lines, notes, paper = [], [], faint(theme.paper, 0.8)
    # Notes stand at the logarithm of a rank, lines at the rank.
    if 0 < (first := numbers.first_flagged) < numbers.total:
        lines.append({**vertical_line(first + 0.5, theme.text, 1), "layer": "below"})
        place = {**placed("x", math.log10(first + 0.5), "right"), **placed("y", 0, "bottom", "paper")}
        notes.append(note(f"first flags {count(first)}", theme, 12, bgcolor=paper, **place))
    if 0 < (second := numbers.second_flagged) < numbers.total:
        lines.append({**horizontal_line(second + 0.5, theme.text, 1), "layer": "below"})
        place = {**placed("x", 0, "left", "paper"), **placed("y", math.log10(second + 0.5), "top")}
        notes.append(note(f"second flags {count(second)}", theme, 12, bgcolor=paper, **place))
    return lines, notes


def _title(numbers: RanksNumbers) -> str:
    if numbers.spearman is None:
        return "There is no order to compare: one gives every sample the same score"
    words = next(words for lowest, words in _ALIKE if numbers.spearman >= lowest)
    return f"{words} (rank correlation {number(numbers.spearman)})"


def _subtitle(numbers: RanksNumbers) -> str:
    only_first, only_second = numbers.flipped
    drawn = "" if len(numbers.samples) == numbers.total else f"{count(len(numbers.samples))} of "
    crosses = " · crosses: labelled anomalous" if numbers.some_anomalous else ""
    flips = f"flagged by one only: {count(only_first)} + {count(only_second)}"
    if not only_first + only_second:
        flips = "the same are flagged by both"
    return f"{drawn}{count(numbers.total)} samples · {flips}{crosses}"
