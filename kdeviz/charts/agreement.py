"""Stability: how well fits on fewer rows agree with the full fit and among themselves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.parts import (
    bare_axis,
    end_labels,
    graded_axis,
    horizontal_line,
    interval,
    note,
    placed,
    scatter,
    span_words,
)
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, drawn
from kdeviz.sweep import AGREES, BOOTSTRAP, CAP, SEEDS, Repeats, Stability, beyond_chance
from kdeviz.wording import capital, count, number, percent

MEASURES = {"found": "found again", "spearman": "Spearman", "jaccard": "Jaccard"}
"""By the names of the fields of `Repeats`, in words."""
_SOURCES = {SEEDS: "other seeds", BOOTSTRAP: "resampled"}


class AgreementNumbers(NamedTuple):
    """How well S sets of repeats agree: smaller caps ascending, then those of the full fit's size."""

    top: int
    """K, how many anomalies are followed."""
    sources: tuple[str, ...]
    """As `Repeats.source`."""
    caps: NDArray[np.int64]
    """(S,) training rows of each fit, at most."""
    repeats: NDArray[np.int64]
    """(S,) how many fits."""
    values: NDArray[np.float64]
    """(3, S), by `MEASURES`."""
    low: NDArray[np.float64]
    """(3, S) lower end of the interval; NaN where there is none."""
    high: NDArray[np.float64]
    agrees: float
    """The share found again from which on a cap agrees with the full fit."""
    smallest_cap: int | None
    """The smallest cap that agrees, as do all larger ones; None if none does."""
    chance: float = 0.0
    """The share that fits without any skill would find again."""
    unseen: str = ""
    """Why nothing can be seen; see `Stability.unseen`."""

    @property
    def places(self) -> NDArray[np.float64]:
        """(S,) log2 of the rows; sets of the full fit's size stand side by side, as the last ones."""
        x = np.log2(self.caps.astype(np.float64))
        step = max(1.0, 0.18 * float(np.ptp(x))) if len(x) else 1.0
        x[~self.smaller] += step * np.arange((~self.smaller).sum())
        return x

    @property
    def smaller(self) -> NDArray[np.bool_]:
        """(S,) True where the fits have fewer rows than the full one."""
        return np.array([source == CAP for source in self.sources], bool)

    @property
    def width(self) -> list[float]:
        """Ends of the x axis."""
        x = self.places
        return [float(x.min()) - 0.3, float(x.max()) + 0.3] if len(x) else [0, 1]

    @property
    def floor(self) -> float:
        """Where the y axis begins: at zero, or below it where repeats contradict one another."""
        drawn = np.concatenate([self.values.ravel(), self.low.ravel(), [0.0]])
        return min(-0.02, float(np.nanmin(drawn)) - 0.02)

    @property
    def last(self) -> list[tuple[float, float, str]]:
        """The rightmost point of each measure that is known there, and the measure in words."""
        if not self.sources:
            return []
        x = self.places
        at = int(np.argmax(x))
        values = zip(self.values[:, at].tolist(), MEASURES.values(), strict=True)
        return [(float(x[at]), value, name) for value, name in values if math.isfinite(value)]

    @property
    def told(self) -> Told | None:
        """Of the smallest cap that agrees; where none does, of the largest one tried, which then falls short.

        None where no smaller cap was tried.
        """
        caps = np.where(self.smaller, self.caps, 0)
        if not caps.any():
            return None
        wanted = int(caps.max()) if self.smallest_cap is None else self.smallest_cap
        share, spearman, _ = self.values[:, int(np.argmax(caps == wanted))].tolist()
        return Told(wanted, share, spearman, beyond_chance(share, self.chance) >= self.agrees)

    @property
    def sets(self) -> list[tuple[bool, NDArray[np.int64]]]:
        """Which are smaller than the full fit (True), and which are of its size, where there are any."""
        both = [(smaller, np.flatnonzero(self.smaller == smaller)) for smaller in (True, False)]
        return [(smaller, sets) for smaller, sets in both if len(sets)]


class Told(NamedTuple):
    """Of one cap, what the title says."""

    cap: int
    share: float
    """Of the top found again."""
    spearman: float
    enough: bool
    """Whether that share is enough beyond chance."""


def agreement_numbers(stability: Stability) -> AgreementNumbers:
    """Share found again, rank correlation and overlap of the top K, by the number of training rows."""
    others = [each for each in stability.repeats if each.source != CAP]
    shown = [*stability.caps, *others]
    numbers = np.array([_measured(each) for each in shown], np.float64).reshape(len(shown), 3, 3)
    value, low, high = numbers.transpose(2, 1, 0)
    return AgreementNumbers(
        top=len(stability.top),
        sources=tuple(each.source for each in shown),
        caps=np.array([each.cap for each in shown], np.int64),
        repeats=np.array([len(each.scores) for each in shown], np.int64),
        values=value,
        low=low,
        high=high,
        agrees=AGREES,
        smallest_cap=stability.smallest_cap,
        chance=stability.chance,
        unseen=stability.unseen,
    )


def _measured(repeats: Repeats) -> list[tuple[float, float, float]]:
    estimates = (getattr(repeats, name) for name in MEASURES)
    return [(estimate.value, *estimate.interval) for estimate in estimates]


# --- the picture


def agreement(stability: Stability, theme: Theme = NOTEBOOK) -> go.Figure:
    """How well fits on fewer rows agree with the full fit and among themselves."""
    return draw_agreement(agreement_numbers(stability), theme)


def draw_agreement(numbers: AgreementNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    layout = {
        "xaxis": bare_axis(
            "training rows",
            tickvals=numbers.places,
            ticktext=[_tick(numbers, place) for place in range(len(numbers.sources))],
            tickangle=0,
            range=numbers.width,
        ),
        "yaxis": graded_axis("agreement", theme, tickformat="~%", nticks=6, range=[numbers.floor, 1.04]),
        "showlegend": False,
        "dragmode": False,
        "margin": {"r": 92},  # for the names of the lines
        **(_enough(numbers, theme) if numbers.sources else {}),
    }
    return drawn(list(_lines(numbers, theme)), theme, _title(numbers), _subtitle(numbers), layout)


def _lines(numbers: AgreementNumbers, theme: Theme) -> Iterator[Part]:
    """Of each measure the smaller sets, joined, and those of the full size."""
    looks = (
        (theme.normal, "circle", "solid", 2.4),
        (theme.muted, "diamond", "dash", 1.6),
        (theme.muted, "square", "dot", 1.6),
    )
    for measure, (colour, symbol, dash, width) in enumerate(looks):
        for smaller, sets in numbers.sets:
            values, low, high = (part[measure][sets] for part in (numbers.values, numbers.low, numbers.high))
            yield scatter(
                numbers.places[sets] + 0.05 * (measure - 1),  # intervals side by side
                values,
                "lines+markers" if smaller else "markers",
                list(MEASURES.values())[measure],
                error_y=interval(values, low, high, color=colour),
                hovertext=[_hover(numbers, measure, int(place)) for place in sets],
                hovertemplate="%{hovertext}<extra></extra>",
                line={"color": colour, "dash": dash, "width": width},
                marker={"symbol": symbol if smaller else f"{symbol}-open", "size": 8, "color": colour},
            )


def _enough(numbers: AgreementNumbers, theme: Theme) -> Part:
    """The agreement that is enough, and the names of the lines."""
    above = {**placed("x", 0, "left", "x domain"), **placed("y", numbers.agrees, "bottom")}
    line = note(f"{100 * numbers.agrees:.12g} %", theme, 12, **above)
    return {
        "shapes": [horizontal_line(numbers.agrees, theme.text, 1.2, "dash")],
        "annotations": [line, *end_labels(numbers.last, 0.08, 12, theme)],
    }


def _title(numbers: AgreementNumbers) -> str:
    told = numbers.told
    if numbers.unseen:
        return "Nothing can be seen here"
    if told is None:
        return "No smaller cap was tried"
    find = "find" if told.enough else "find only"
    top = f"{percent(told.share)} of the top {count(numbers.top)}"
    found = f"{count(told.cap)} training rows {find} {top} again"
    if numbers.smallest_cap is None and told.enough:
        return f"{found}, but rank the others differently (rank correlation {number(told.spearman, 2)})"
    return f"{found}, on average"


def _subtitle(numbers: AgreementNumbers) -> str:
    if numbers.unseen:
        return capital(numbers.unseen)
    return (
        f"Share of the top {count(numbers.top)} found again (by chance alone {percent(numbers.chance)}), and "
        "agreement between repeats · 95 % intervals · open = full size"
    )


def _tick(numbers: AgreementNumbers, place: int) -> str:
    rows, source = count(int(numbers.caps[place])), numbers.sources[place]
    return rows if source == CAP else f"{rows}<br>{_SOURCES[source]}"


def _hover(numbers: AgreementNumbers, measure: int, place: int) -> str:
    value, low, high = (float(part[measure][place]) for part in (numbers.values, numbers.low, numbers.high))
    name, source = list(MEASURES.values())[measure], numbers.sources[place]
    how = "" if source == CAP else f", {_SOURCES[source]}"
    fits = f"{count(int(numbers.repeats[place]))} fits on {count(int(numbers.caps[place]))} rows{how}"
    return f"{name} {number(value)}{span_words(low, high)}<br>{fits}"
