"""Stability: which of the most anomalous samples come back when the model is fitted again."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.parts import bare_axis, bars, graded_axis, hovered, positions, short
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, drawn, faint
from kdeviz.data import EmbeddingSet
from kdeviz.sweep import AGREES, CAP, Stability
from kdeviz.wording import capital, count, number, percent

_MOST_NAMES, _LONGEST_NAME = 40, 14
_SIDE = 96  # pixels
_PICTURE = 0.62  # height of a picture, the highest bar being 1


class StripNumbers(NamedTuple):
    """The K most anomalous samples, the first of them first, and how often each is named again."""

    rows: NDArray[np.int64]
    """(K,) inspected rows."""
    names: tuple[str, ...]
    """Their ids."""
    scores: NDArray[np.float64]
    """(K,) log densities under the full fit."""
    frequency: NDArray[np.float64]
    """(K,) share of the repeats at the full cap that name it again; NaN where there are none."""
    repeats: int
    """How many there are."""
    often: float
    """The share from which on a sample counts as coming back."""
    returning: int
    """How many samples reach it."""
    chance: float = 0.0
    """The share that chance alone would give each of them."""
    unseen: str = ""
    """Why nothing can be seen; see `Stability.unseen`."""


def strip_numbers(stability: Stability, inspected: EmbeddingSet) -> StripNumbers:
    """How often each of the most anomalous samples is among the most anomalous of a repeat."""
    frequency = stability.frequency
    return StripNumbers(
        rows=stability.top,
        names=tuple(inspected.ids[stability.top].tolist()),
        scores=stability.scores[stability.top].astype(np.float64),
        frequency=frequency,
        repeats=sum(len(each.scores) for each in stability.repeats if each.source != CAP),
        often=AGREES,
        returning=int((frequency >= AGREES).sum()),
        chance=stability.chance,
        unseen=stability.unseen,
    )


def strip(stability: Stability, inspected: EmbeddingSet, theme: Theme = NOTEBOOK) -> go.Figure:
    """The most anomalous samples, and how often each is named again; a click gives the inspected row.

    The inspected samples are those that the stability is about; their pictures are shown where there are any.
    """
    pictures = [inspected.thumbnail_uri(int(row), side=_SIDE) for row in stability.top]
    return draw_strip(strip_numbers(stability, inspected), theme, pictures)


def draw_strip(
    numbers: StripNumbers, theme: Theme, pictures: Sequence[str | None] | None = None
) -> go.Figure:
    """The figure of these numbers, with (K,) pictures as data URIs, None where a sample has none."""
    K, pictured = len(numbers.rows), pictures is not None and any(pictures)
    floor = -_PICTURE - 0.08 if pictured else 0.0
    named = K <= _MOST_NAMES and not pictured
    repeats = {"tickvals": [0, 0.5, 1], "tickformat": "~%", "range": [floor, 1.02], "fixedrange": True}
    layout = {
        "barmode": "overlay",
        "bargap": 0.2,
        "images": [_picture(place, uri) for place, uri in enumerate(pictures or ()) if uri],
        "xaxis": bare_axis(
            "samples, most anomalous first",
            tickvals=positions(range(K)) if named else [],
            ticktext=[short(name, _LONGEST_NAME) for name in numbers.names] if named else [],
            tickangle=-90,
            range=[-0.5, max(K, 1) - 0.5],
            fixedrange=True,
        ),
        "yaxis": graded_axis("repeats", theme, **repeats),
        "showlegend": False,
        "dragmode": False,
    }
    return drawn(_bars(numbers, floor, theme), theme, _title(numbers), _subtitle(numbers), layout)


def _bars(numbers: StripNumbers, floor: float, theme: Theme) -> list[Part]:
    K = len(numbers.rows)
    seen = bars(
        positions(range(K)),
        numbers.frequency,
        theme.anomalous,
        hoverinfo="skip",
        unselected={"marker": {"opacity": 1}},
        name="named again",
    )
    # Over the whole height, picture included: a bar of no height cannot be hovered or clicked.
    clicked = bars(
        positions(range(K)),
        [1 - floor] * K,
        faint(theme.text, 0.0),
        base=floor,
        width=1,
        customdata=numbers.rows,
        hovertext=[_hover(numbers, place) for place in range(K)],
        hovertemplate="%{hovertext}<extra></extra>",
        unselected={"marker": {"opacity": 0}},
        name="samples",
    )
    return [seen, clicked]


def _picture(place: int, uri: str) -> Part:
    return {
        "source": uri,
        "xref": "x",
        "yref": "y",
        "x": place,
        "y": -0.06,
        "sizex": 0.92,
        "sizey": _PICTURE,
        "xanchor": "center",
        "yanchor": "top",
        "sizing": "contain",
    }


def _title(numbers: StripNumbers) -> str:
    if numbers.unseen:
        return "Nothing can be seen here"
    if not numbers.repeats:
        return "No repeat at the full cap: nothing is known of these samples"
    return (
        f"{count(numbers.returning)} of the {count(len(numbers.rows))} most anomalous come back in "
        f"at least {100 * numbers.often:.12g} % of repeats"
    )


def _subtitle(numbers: StripNumbers) -> str:
    if numbers.unseen:
        return capital(numbers.unseen)
    chance = f"; by chance alone, {percent(numbers.chance)} would"
    return f"Share of {count(numbers.repeats)} repeats that name each sample again{chance}"


def _hover(numbers: StripNumbers, place: int) -> str:
    share = float(numbers.frequency[place])
    again = "not repeated" if math.isnan(share) else f"in {html.escape(percent(share))} of the repeats"
    name = hovered(numbers.names[place])
    return f"{name}<br>{again}<br>log density {number(float(numbers.scores[place]), 4)} nats"
