"""Stability as pictures: agreement against training rows, and which anomalies come back."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.figures.parts import (
    bare_axis,
    end_labels,
    graded_axis,
    horizontal_line,
    interval,
    note,
    placed,
)
from kdeviz.charts.theme import Part, Theme, drawn, faint
from kdeviz.charts.views.repeats import MEASURES, AgreementView, StripView
from kdeviz.sweep import BOOTSTRAP, CAP, SEEDS
from kdeviz.wording import count, number, percent

_MOST_NAMES, _LONGEST_NAME = 40, 14
_PICTURE = 0.62  # height of a picture, the highest bar being 1
_MANNERS = {"showlegend": False, "hovermode": "closest", "dragmode": False}
_SOURCES = {SEEDS: "other seeds", BOOTSTRAP: "resampled"}


def agreement_figure(view: AgreementView, theme: Theme) -> go.Figure:
    """How well fits on fewer rows agree with the full fit and among themselves."""
    x = _places(view)
    layout = {
        "xaxis": bare_axis(
            "training rows",
            tickvals=x,
            ticktext=[_tick(view, place) for place in range(len(x))],
            tickangle=0,
            range=[x.min() - 0.3, x.max() + 0.3] if len(x) else [0, 1],
        ),
        "yaxis": graded_axis("agreement", theme, tickformat="~%", nticks=6, range=[_floor(view), 1.04]),
        **_MANNERS,
        "margin": {"r": 92},  # for the names of the lines
    }
    if len(x):
        layout |= _agreement_marks(view, x, theme)
    traces = list(_agreements(view, x, theme))
    return drawn(traces, theme, _agreement_title(view), _agreement_subtitle(view), layout)


def strip_figure(view: StripView, theme: Theme, pictures: Sequence[str | None] | None = None) -> go.Figure:
    """The most anomalous samples, and how often each is named again; a click gives the inspected row.

    Args:
        view: from `views.strip_view`.
        theme: LIGHT or DARK.
        pictures: (K,) data URIs, None where a sample has no picture.
    """
    K = len(view.rows)
    shown = pictures is not None and any(pictures)
    floor = -_PICTURE - 0.08 if shown else 0.0
    named = K <= _MOST_NAMES and not shown
    layout = {
        "barmode": "overlay",
        "bargap": 0.2,
        "images": [_picture(place, uri) for place, uri in enumerate(pictures or ()) if uri],
        "xaxis": bare_axis(
            "samples, most anomalous first",
            tickvals=np.arange(K) if named else [],
            ticktext=[_short(name) for name in view.names] if named else [],
            tickangle=-90,
            range=[-0.5, max(K, 1) - 0.5],
            fixedrange=True,
        ),
        "yaxis": graded_axis(
            "repeats",
            theme,
            tickvals=[0, 0.5, 1],
            tickformat="~%",
            range=[floor, 1.02],
            fixedrange=True,
        ),
        **_MANNERS,
    }
    return drawn(_strip_bars(view, floor, theme), theme, _strip_title(view), _strip_subtitle(view), layout)


def _strip_bars(view: StripView, floor: float, theme: Theme) -> list[Part]:
    K = len(view.rows)
    return [
        {
            "type": "bar",
            "x": np.arange(K),
            "y": view.frequency,
            "marker": {"color": theme.anomalous, "line": {"width": 0}},
            "hoverinfo": "skip",
            "unselected": {"marker": {"opacity": 1}},
            "name": "named again",
        },
        # Over the whole height, picture included: a bar of no height cannot be hovered or clicked.
        {
            "type": "bar",
            "x": np.arange(K),
            "y": np.full(K, 1 - floor),
            "base": floor,
            "width": 1,
            "customdata": view.rows,
            "marker": {"color": faint(theme.text, 0.0), "line": {"width": 0}},
            "hovertext": [_sample_hover(view, place) for place in range(K)],
            "hovertemplate": "%{hovertext}<extra></extra>",
            "unselected": {"marker": {"opacity": 0}},
            "name": "samples",
        },
    ]


def _places(view: AgreementView) -> NDArray[np.float64]:
    """log2 of the rows; sets of the full fit's size stand side by side, a step apart, as the last ones."""
    x = np.log2(view.caps.astype(np.float64))
    others = [place for place, source in enumerate(view.sources) if source != CAP]
    step = max(1.0, 0.18 * float(np.ptp(x))) if len(x) else 1.0
    for number_, place in enumerate(others):
        x[place] += step * number_
    return x


def _agreements(view: AgreementView, x: NDArray[np.float64], theme: Theme) -> Iterator[Part]:
    """Of each measure the smaller sets, joined, and those of the full size."""
    smaller = np.array([source == CAP for source in view.sources], bool)
    looks = (
        (theme.normal, "circle", "solid", 2.4),
        (theme.muted, "diamond", "dash", 1.6),
        (theme.muted, "square", "dot", 1.6),
    )
    for measure, (colour, symbol, dash, width) in enumerate(looks):
        line = {"color": colour, "dash": dash, "width": width}
        for mask, mode, symbol_ in (
            (smaller, "lines+markers", symbol),
            (~smaller, "markers", f"{symbol}-open"),
        ):
            if mask.any():
                trace = _agreement(view, measure, mask, x, colour)
                marker = {"symbol": symbol_, "size": 8, "color": colour}
                yield {**trace, "mode": mode, "line": line, "marker": marker}


def _agreement(
    view: AgreementView, measure: int, mask: NDArray[np.bool_], x: NDArray[np.float64], colour: str
) -> Part:
    values, low, high = (part[measure][mask] for part in (view.values, view.low, view.high))
    return {
        "type": "scatter",
        "x": x[mask] + 0.05 * (measure - 1),  # intervals side by side
        "y": values,
        "error_y": interval(values, low, high, color=colour),
        "hovertext": [_agreement_hover(view, measure, int(place)) for place in np.flatnonzero(mask)],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "name": list(MEASURES.values())[measure],
    }


def _agreement_marks(view: AgreementView, x: NDArray[np.float64], theme: Theme) -> Part:
    """The agreement that is enough, and the names of the lines."""
    last = int(np.argmax(x))
    ends = [
        (float(x[last]), float(value), name)
        for value, name in zip(view.values[:, last], MEASURES.values(), strict=True)
        if np.isfinite(value)
    ]
    above = {**placed("x", 0, "left", "x domain"), **placed("y", view.agrees, "bottom")}
    return {
        "shapes": [horizontal_line(view.agrees, theme.text, 1.2, "dash")],
        "annotations": [note(_share(view.agrees), theme, 12, **above), *end_labels(ends, 0.08, 12, theme)],
    }


def _floor(view: AgreementView) -> float:
    """Zero, or below it where repeats contradict one another."""
    drawn = np.concatenate([view.values.ravel(), view.low.ravel(), [0.0]])
    return min(-0.02, float(np.nanmin(drawn)) - 0.02)


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


# --- words


def _agreement_title(view: AgreementView) -> str:
    """Of the smallest cap that agrees; where none does, of the largest one tried, which then falls short."""
    found = {
        int(cap): float(share)
        for cap, share, source in zip(view.caps, view.values[0], view.sources, strict=True)
        if source == CAP
    }
    if not found:
        return "No smaller cap was tried"
    shown, find = (max(found), "find only") if view.smallest_cap is None else (view.smallest_cap, "find")
    top = f"the top {count(view.top)}"
    return f"{count(shown)} training rows {find} {percent(found[shown])} of {top} again, on average"


def _agreement_subtitle(view: AgreementView) -> str:
    return (
        f"Share of the top {count(view.top)} found again, and agreement between repeats · 95 % intervals · "
        "open = full size"
    )


def _strip_title(view: StripView) -> str:
    if not view.repeats:
        return "No repeat at the full cap: nothing is known of these samples"
    return (
        f"{count(view.returning)} of the {count(len(view.rows))} most anomalous come back in "
        f"at least {_share(view.often)} of repeats"
    )


def _strip_subtitle(view: StripView) -> str:
    return f"Share of {count(view.repeats)} repeats that name each sample again"


def _tick(view: AgreementView, place: int) -> str:
    rows = count(int(view.caps[place]))
    source = view.sources[place]
    return rows if source == CAP else f"{rows}<br>{_SOURCES[source]}"


def _agreement_hover(view: AgreementView, measure: int, place: int) -> str:
    value, low, high = (float(part[measure][place]) for part in (view.values, view.low, view.high))
    name, source = list(MEASURES.values())[measure], view.sources[place]
    how = "" if source == CAP else f", {_SOURCES[source]}"
    span = f" ({number(low)} to {number(high)})" if np.isfinite([low, high]).all() else ""
    fits = f"{count(int(view.repeats[place]))} fits on {count(int(view.caps[place]))} rows{how}"
    return f"{name} {number(value)}{span}<br>{fits}"


def _sample_hover(view: StripView, place: int) -> str:
    share = float(view.frequency[place])
    again = "not repeated" if np.isnan(share) else f"in {html.escape(percent(share))} of the repeats"
    name = html.escape(view.names[place]).replace("\n", "<br>")
    return f"{name}<br>{again}<br>log density {number(float(view.scores[place]), 4)} nats"


def _share(share: float) -> str:
    return f"{100 * share:.12g} %"


def _short(name: str) -> str:
    """A tick that leaves room for the bars; the whole id is in the hover text."""
    name = " ".join(name.split())
    return html.escape(name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…", quote=False)
