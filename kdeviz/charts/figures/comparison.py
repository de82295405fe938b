"""Two models on the same samples: ranks, percentiles and ROC curves together."""

from __future__ import annotations

import html
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.figures.parts import (
    WEBGL_ABOVE,
    bare_axis,
    dotted_line,
    graded_axis,
    horizontal_line,
    note,
    placed,
    rate_axes,
    vertical_line,
)
from kdeviz.charts.theme import Part, Theme, drawn, faint
from kdeviz.charts.views.comparison import RankView, compared_roc, rank_view, shares_below
from kdeviz.comparison import Comparison, SeparationTest
from kdeviz.decision import OperatingPoints
from kdeviz.wording import count, number, percent

_SIDES = ("first", "second")
_SAME = "same verdict"
# Rank correlation at least this high, in words.
_ALIKE = (
    (0.9, "Both rank the samples much alike"),
    (0.7, "Both rank the samples fairly alike"),
    (0.4, "Both rank the samples somewhat alike"),
    (-0.4, "The two rank the samples differently"),
    (-1.1, "The two rank the samples in opposite order"),
)


def side_colours(theme: Theme) -> tuple[str, str]:
    """Of the first and the second, wherever two models are compared."""
    # The two that colour-blind readers tell apart best and that stand out from the paper.
    return theme.categories[1], theme.categories[3]


def rank_figure(comparison: Comparison, theme: Theme, most: int = 4000) -> go.Figure:
    """Rank by the second against rank by the first, 1 being the most anomalous.

    The samples that only one of the two flags are all drawn, of the others so many that there are `most`;
    customdata holds the numbers of the common samples.
    """
    view = rank_view(comparison, most)
    far = max(view.total, 2)
    equal = {**dotted_line([1, far], [1, far], "equal ranks", theme), "showlegend": False}
    lines, notes = _flag_lines(view, theme)
    ticks = {"type": "log", "range": [float(np.log10(0.8)), float(np.log10(1.25 * far))], "dtick": 1}
    layout = {
        "xaxis": bare_axis("rank by the first · 1 is the most anomalous", **ticks),
        "yaxis": bare_axis("rank by the second", **ticks),
        "shapes": lines,
        "annotations": notes,
        "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
        "margin": {"t": 88},
        "hovermode": "closest",
        "dragmode": "pan",
    }
    traces = [equal, *_verdict_groups(comparison, view, theme)]
    return drawn(traces, theme, _alike(comparison.spearman), _what_is_drawn(comparison, view), layout)


def percentile_figure(comparison: Comparison, theme: Theme) -> go.Figure:
    """Where the common samples lie among the training samples of each of the two."""
    shown = comparison.percentiles
    share = 1 / len(shown.first_counts)
    even = {**placed("x", 1, "right", "x domain"), **placed("y", share, "bottom")}
    words = "normal samples alone would spread evenly"
    layout = {
        "barmode": "group",
        "bargap": 0.18,
        "bargroupgap": 0,
        "xaxis": bare_axis("percentile · 0 is more anomalous than all of them", range=[0, 100], dtick=20),
        "yaxis": graded_axis("share of samples", theme, tickformat="~%", rangemode="tozero", nticks=5),
        "shapes": [horizontal_line(share, theme.muted, 1.2, "dot")],
        "annotations": [note(words, theme, 12, bgcolor=faint(theme.paper, 0.8), **even)],
        "legend": {"x": 0.99, "xanchor": "right", "y": 0.99, "yanchor": "top", "font": {"size": 12}},
    }
    traces = [
        _percentile_bars(comparison, counts, name, colour)
        for counts, name, colour in zip(
            (shown.first_counts, shown.second_counts), _SIDES, side_colours(theme), strict=True
        )
    ]
    first, second = map(percent, shares_below(comparison))
    title = f"Below percentile 1: {first} by the first, {second} by the second"
    if first == second:
        title = f"Below percentile 1: {first} by either"
    subtitle = f"{count(len(comparison.ids))} samples by their place among the training samples of each"
    return drawn(traces, theme, title, subtitle, layout)


def compared_roc_figure(comparison: Comparison, theme: Theme, log_fpr: bool = False) -> go.Figure:
    """Both ROC curves, and the present verdicts on them.

    Raises:
        OptionError: there are no labels of both kinds.
    """
    view, test = compared_roc(comparison), comparison.separation
    assert test is not None
    lowest = 0.5 / view.normal if log_fpr else 0.0  # no place for zero: half a sample stands for none
    # A straight line, which a logarithmic axis bends.
    chance = np.geomspace(lowest, 1, 50) if log_fpr else np.array([0.0, 1.0])
    traces, colours = [dotted_line(chance, chance, "guessing", theme)], side_colours(theme)
    for name, points, at, colour in zip(
        _SIDES, (view.first, view.second), (view.first_at, view.second_at), colours, strict=True
    ):
        traces += [_roc_curve(points, name, colour, lowest), _present(at, name, colour, lowest)]
    layout = {
        **rate_axes(
            f"flagged of {count(view.normal)} normal samples (false-positive rate)",
            f"caught of {count(view.anomalous)} anomalous ones",
            theme,
            float(np.log10(lowest)) - 0.02 if log_fpr else None,
        ),
        "annotations": [_area_labels(test, colours, theme)],
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": "pan",
    }
    subtitle = f"{test.interval_words or 'ROC curves'} · rings: thresholds"
    return drawn(traces, theme, test.finding, subtitle, layout)


def _percentile_bars(comparison: Comparison, counts: NDArray[Any], name: str, colour: str) -> Part:
    edges, total = comparison.percentiles.edges, len(comparison.ids)
    return {
        "type": "bar",
        "x": (edges[1:] + edges[:-1]) / 2,
        "y": counts / total,
        "customdata": counts,
        "hovertext": [f"{low:g} to {high:g}" for low, high in pairwise(edges)],
        "name": f"the {name}",
        "marker": {"color": colour, "line": {"width": 0}},
        "hovertemplate": f"percentile %{{hovertext}} by the {name}:<br>%{{customdata}} of "
        f"{count(total)} samples<extra></extra>",
    }


def _roc_curve(points: OperatingPoints, name: str, colour: str, lowest: float) -> Part:
    return {
        "type": "scatter",
        "x": np.maximum(points.fpr, lowest),
        "y": points.tpr,
        "customdata": np.stack([points.thresholds, points.fpr], axis=1),
        "mode": "lines",
        "name": name,
        "line": {"color": colour, "width": 2.4},
        "hovertemplate": f"{name}, threshold %{{customdata[0]:.4g}} nats<br>%{{y:.1%}} of the anomalous "
        "caught<br>%{customdata[1]:.2%} of the normal flagged<extra></extra>",
    }


def _present(at: tuple[float, float], name: str, colour: str, lowest: float) -> Part:
    """A ring at the rates of the present threshold."""
    return {
        "type": "scatter",
        "x": [max(at[0], lowest)],
        "y": [at[1]],
        "customdata": [at],
        "mode": "markers",
        "name": f"{name} at its threshold",
        "cliponaxis": False,
        "marker": {"size": 13, "color": faint(colour, 0.2), "line": {"color": colour, "width": 2.5}},
        "hovertemplate": f"{name} at its threshold<br>%{{customdata[1]:.1%}} of the anomalous caught<br>"
        "%{customdata[0]:.2%} of the normal flagged<extra></extra>",
    }


def _hover_names(comparison: Comparison, view: RankView) -> NDArray[Any]:
    names = (html.escape(str(name)).replace("\n", "<br>") for name in comparison.ids[view.samples])
    return np.array(list(names), dtype=object)


def _verdict_groups(comparison: Comparison, view: RankView, theme: Theme) -> Iterator[Part]:
    """Samples by who flags them, and in each group those labelled anomalous last."""
    names, (first, second) = _hover_names(comparison, view), side_colours(theme)
    for mask, name, colour, size in (
        (~(view.only_first | view.only_second), _SAME, faint(theme.muted, 0.45), 6),
        (view.only_first, "only the first flags", first, 9),
        (view.only_second, "only the second flags", second, 9),
    ):
        in_legend = name != _SAME
        for anomalous in (False, True):
            chosen = mask & (view.anomalous == anomalous)
            if chosen.any():
                trace = _ranked(view, chosen, names, name, colour, size, anomalous, theme)
                trace["showlegend"] = in_legend
                in_legend = False  # a group stands in the legend once
                yield trace


def _ranked(
    view: RankView,
    chosen: NDArray[np.bool_],
    names: NDArray[Any],
    name: str,
    colour: str,
    size: int,
    anomalous: bool,
    theme: Theme,
) -> Part:
    return {
        # All of one kind: WebGL would hide what is drawn otherwise.
        "type": "scattergl" if len(view.samples) > WEBGL_ABOVE else "scatter",
        "x": view.first_ranks[chosen],
        "y": view.second_ranks[chosen],
        "customdata": view.samples[chosen],
        "hovertext": names[chosen],
        "mode": "markers",
        "name": name,
        "legendgroup": name,
        "marker": {
            "color": colour,
            "size": size + anomalous,
            "symbol": "x" if anomalous else "circle",
            "line": {"width": 0 if name == _SAME else 1, "color": theme.paper},
        },
        "hovertemplate": "%{hovertext}<br>rank %{x:d} by the first<br>rank %{y:d} by the second"
        f"<br>{name}{', labelled anomalous' if anomalous else ''}<extra></extra>",
    }


def _flag_lines(view: RankView, theme: Theme) -> tuple[list[Part], list[Part]]:
    """Up to where each of the two flags, all below its line; and the words at the lines."""
    lines, notes, paper = [], [], faint(theme.paper, 0.8)
    # Notes stand at the logarithm of a rank, lines at the rank.
    if 0 < (first := view.first_flagged) < view.total:
        lines.append({**vertical_line(first + 0.5, theme.text, 1), "layer": "below"})
        place = {**placed("x", float(np.log10(first + 0.5)), "right"), **placed("y", 0, "bottom", "paper")}
        notes.append(note(f"first flags {count(first)}", theme, 12, bgcolor=paper, **place))
    if 0 < (second := view.second_flagged) < view.total:
        lines.append({**horizontal_line(second + 0.5, theme.text, 1), "layer": "below"})
        place = {**placed("x", 0, "left", "paper"), **placed("y", float(np.log10(second + 0.5)), "top")}
        notes.append(note(f"second flags {count(second)}", theme, 12, bgcolor=paper, **place))
    return lines, notes


def _alike(spearman: float | None) -> str:
    if spearman is None:
        return "There is no order to compare: one gives every sample the same score"
    words = next(words for lowest, words in _ALIKE if spearman >= lowest)
    return f"{words} (Spearman {number(spearman)})"


def _what_is_drawn(comparison: Comparison, view: RankView) -> str:
    only_first, only_second = map(len, comparison.disagreements)
    drawn = "" if len(view.samples) == view.total else f"{count(len(view.samples))} of "
    crosses = " · crosses: labelled anomalous" if view.anomalous.any() else ""
    flips = f"flagged by one only: {count(only_first)} + {count(only_second)}"
    if not only_first + only_second:
        flips = "the same are flagged by both"
    return f"{drawn}{count(view.total)} samples · {flips}{crosses}"


def _area_labels(test: SeparationTest, colours: tuple[str, str], theme: Theme) -> Part:
    """In the corner below both curves, with the colour of each."""
    lines = (
        f'<span style="color:{colour}">━</span> {name}: AUROC {area}'
        for name, area, colour in zip(_SIDES, test.areas, colours, strict=True)
    )
    corner = {**placed("x", 0.985, "right", "paper"), **placed("y", 0.03, "bottom", "paper")}
    return note("<br>".join(lines), theme, align="left", bgcolor=faint(theme.paper, 0.8), **corner)
