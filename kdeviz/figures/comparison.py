"""Two models on the same samples: ranks, percentiles and ROC curves together."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.comparison import Comparison, SeparationTest
from kdeviz.metrics import OperatingPoints
from kdeviz.theme import Theme, faint, finish
from kdeviz.views import RankView, compared_roc, rank_view, shares_below
from kdeviz.wording import count, number, percent

__all__ = ["compared_roc_figure", "percentile_figure", "rank_figure", "side_colours"]

# Above this many points SVG becomes slow; below it SVG is crisper than WebGL.
_WEBGL_ABOVE = 2000
_DASH = "8px 6px"
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
    figure = go.Figure(_equal_ranks(far, theme))
    figure.add_traces(list(_verdict_groups(comparison, view, theme)))
    _flag_lines(figure, view, theme)
    finish(figure, theme, _alike(comparison.spearman), _what_is_drawn(comparison, view))
    ends = [np.log10(0.8), np.log10(1.25 * far)]
    axis = {"type": "log", "showgrid": False, "zeroline": False, "range": ends, "dtick": 1}
    figure.update_layout(
        xaxis={**axis, "title": {"text": "rank by the first · 1 is the most anomalous"}},
        yaxis={**axis, "title": {"text": "rank by the second"}},
        legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
        margin={"t": 88},
        hovermode="closest",
        dragmode="pan",
        uirevision="ranks",
    )
    return figure


def percentile_figure(comparison: Comparison, theme: Theme) -> go.Figure:
    """Where the common samples lie among the training samples of each of the two."""
    shown, total = comparison.percentiles, len(comparison.ids)
    figure = go.Figure()
    centres = (shown.edges[1:] + shown.edges[:-1]) / 2
    spans = [f"{low:g} to {high:g}" for low, high in zip(shown.edges[:-1], shown.edges[1:], strict=True)]
    for name, counts, colour in zip(
        _SIDES, (shown.first_counts, shown.second_counts), side_colours(theme), strict=True
    ):
        figure.add_trace(
            go.Bar(
                x=centres,
                y=counts / total,
                customdata=counts,
                hovertext=spans,
                name=f"the {name}",
                marker={"color": colour, "line": {"width": 0}},
                hovertemplate=f"percentile %{{hovertext}} by the {name}:<br>%{{customdata}} of "
                f"{count(total)} samples<extra></extra>",
            )
        )
    _even_line(figure, 1 / len(centres), theme)
    first, second = map(percent, shares_below(comparison))
    title = f"Below percentile 1: {first} by the first, {second} by the second"
    if first == second:
        title = f"Below percentile 1: {first} by either"
    finish(figure, theme, title, f"{count(total)} samples by their place among {_references(comparison)}")
    figure.update_layout(
        barmode="group",
        bargap=0.18,
        bargroupgap=0,
        xaxis={
            "title": {"text": "percentile · 0 is more anomalous than all of them"},
            "showgrid": False,
            "zeroline": False,
            "range": [0, 100],
            "dtick": 20,
        },
        yaxis={
            "title": {"text": "share of samples"},
            "tickformat": "~%",
            "gridcolor": theme.line,
            "zeroline": False,
            "rangemode": "tozero",
            "nticks": 5,
        },
        legend={"x": 0.99, "xanchor": "right", "y": 0.99, "yanchor": "top", "font": {"size": 12}},
        uirevision="percentiles",
    )
    return figure


def compared_roc_figure(comparison: Comparison, theme: Theme, log_fpr: bool = False) -> go.Figure:
    """Both ROC curves, and the present verdicts on them.

    Raises:
        OptionError: there are no labels of both kinds.
    """
    view, test = compared_roc(comparison), comparison.separation
    assert test is not None
    lowest = 0.5 / view.normal if log_fpr else 0.0  # no place for zero: half a sample stands for none
    figure, colours = go.Figure(_guessing(lowest, theme)), side_colours(theme)
    for name, points, at, colour in zip(
        _SIDES, (view.first, view.second), (view.first_at, view.second_at), colours, strict=True
    ):
        figure.add_traces([_roc_curve(points, name, colour, lowest), _present(at, name, colour, lowest)])
    _area_labels(figure, test, colours, theme)
    interval = f" · {test.interval_words}" if test.interval_words else ""
    finish(figure, theme, test.finding, f"ROC curves · rings: present thresholds{interval}")
    axis = {"zeroline": False, "tickformat": "~%", "nticks": 6}
    figure.update_layout(
        xaxis={
            **axis,
            "title": {"text": f"flagged of {count(view.normal)} normal samples (false-positive rate)"},
            "showgrid": False,
            "range": [-0.01, 1.02],
        },
        yaxis={
            **axis,
            "title": {"text": f"caught of {count(view.anomalous)} anomalous ones"},
            "gridcolor": theme.line,
            "range": [-0.02, 1.04],
        },
        showlegend=False,
        hovermode="closest",
        dragmode="pan",
        uirevision="compared ROC",
    )
    if log_fpr:
        figure.update_xaxes(type="log", range=[np.log10(lowest) - 0.02, 0.02], nticks=None, dtick=1)
    return figure


def _guessing(lowest: float, theme: Theme) -> go.Scatter:
    """A straight line, which a logarithmic axis bends."""
    chance = np.geomspace(lowest, 1, 50) if lowest else np.array([0.0, 1.0])
    return go.Scatter(
        x=chance,
        y=chance,
        mode="lines",
        name="guessing",
        line={"color": theme.muted, "width": 1.2, "dash": "dot"},
        hoverinfo="skip",
    )


def _roc_curve(points: OperatingPoints, name: str, colour: str, lowest: float) -> go.Scatter:
    return go.Scatter(
        x=np.maximum(points.fpr, lowest),
        y=points.tpr,
        customdata=np.stack([points.thresholds, points.fpr], axis=1),
        mode="lines",
        name=name,
        line={"color": colour, "width": 2.4},
        hovertemplate=f"{name}, threshold %{{customdata[0]:.4g}} nats<br>%{{y:.1%}} of the anomalous caught"
        "<br>%{customdata[1]:.2%} of the normal flagged<extra></extra>",
    )


def _present(at: tuple[float, float], name: str, colour: str, lowest: float) -> go.Scatter:
    """A ring at the rates of the present threshold."""
    return go.Scatter(
        x=[max(at[0], lowest)],
        y=[at[1]],
        customdata=[at],
        mode="markers",
        name=f"{name} at its threshold",
        cliponaxis=False,
        marker={"size": 13, "color": faint(colour, 0.2), "line": {"color": colour, "width": 2.5}},
        hovertemplate=f"{name} at its threshold<br>%{{customdata[1]:.1%}} of the anomalous caught<br>"
        "%{customdata[0]:.2%} of the normal flagged<extra></extra>",
    )


def _hover_names(comparison: Comparison, view: RankView) -> NDArray[Any]:
    names = (html.escape(str(name)).replace("\n", "<br>") for name in comparison.ids[view.samples])
    return np.array(list(names), dtype=object)


def _equal_ranks(far: int, theme: Theme) -> go.Scatter:
    return go.Scatter(
        x=[1, far],
        y=[1, far],
        mode="lines",
        name="equal ranks",
        line={"color": theme.muted, "width": 1.2, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )


def _verdict_groups(comparison: Comparison, view: RankView, theme: Theme) -> Iterator[Any]:
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
                trace.showlegend = in_legend
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
) -> Any:
    # All of one kind: WebGL would hide what is drawn otherwise.
    kind = go.Scattergl if len(view.samples) > _WEBGL_ABOVE else go.Scatter
    return kind(
        x=view.first_ranks[chosen],
        y=view.second_ranks[chosen],
        customdata=view.samples[chosen],
        hovertext=names[chosen],
        mode="markers",
        name=name,
        legendgroup=name,
        marker={
            "color": colour,
            "size": size + anomalous,
            "symbol": "x" if anomalous else "circle",
            "line": {"width": 0 if name == _SAME else 1, "color": theme.paper},
        },
        hovertemplate="%{hovertext}<br>rank %{x:d} by the first<br>rank %{y:d} by the second"
        f"<br>{name}{', labelled anomalous' if anomalous else ''}<extra></extra>",
    )


def _flag_lines(figure: go.Figure, view: RankView, theme: Theme) -> None:
    """Up to where each of the two flags: all below its line."""
    line = {"color": theme.text, "width": 1, "dash": _DASH}
    text = {
        "showarrow": False,
        "font": {"color": theme.text, "size": 12},
        "bgcolor": faint(theme.paper, 0.8),
    }
    if 0 < view.first_flagged < view.total:
        at = np.log10(view.first_flagged + 0.5)
        figure.add_vline(x=view.first_flagged + 0.5, line=line, layer="below")
        figure.add_annotation(
            x=at,
            y=0,
            yref="paper",
            xanchor="right",
            yanchor="bottom",
            text=f"first flags {count(view.first_flagged)}",
            **text,
        )
    if 0 < view.second_flagged < view.total:
        at = np.log10(view.second_flagged + 0.5)
        figure.add_hline(y=view.second_flagged + 0.5, line=line, layer="below")
        figure.add_annotation(
            x=0,
            xref="paper",
            y=at,
            xanchor="left",
            yanchor="top",
            text=f"second flags {count(view.second_flagged)}",
            **text,
        )


def _alike(spearman: float | None) -> str:
    if spearman is None:
        return "There is no order to compare: one gives every sample the same score"
    words = next(words for lowest, words in _ALIKE if spearman >= lowest)
    return f"{words} (Spearman {number(spearman)})"


def _what_is_drawn(comparison: Comparison, view: RankView) -> str:
    only_first, only_second = map(len, comparison.flips)
    drawn = "" if len(view.samples) == view.total else f"{count(len(view.samples))} of "
    crosses = " · crosses: labelled anomalous" if view.anomalous.any() else ""
    flips = f"flagged by one only: {count(only_first)} + {count(only_second)}"
    if not only_first + only_second:
        flips = "the same are flagged by both"
    return f"{drawn}{count(view.total)} samples · {flips}{crosses}"


def _even_line(figure: go.Figure, share: float, theme: Theme) -> None:
    figure.add_hline(
        y=share,
        line={"color": theme.muted, "width": 1.2, "dash": "dot"},
        annotation={
            "text": "normal samples alone would spread evenly",
            "font": {"color": theme.text, "size": 12},
            "bgcolor": faint(theme.paper, 0.8),
            "showarrow": False,
        },
        annotation_position="top right",
    )


def _references(comparison: Comparison) -> str:
    first, second = comparison.percentiles.first_reference, comparison.percentiles.second_reference
    if first == second:
        return f"the {first} samples of each"
    return f"the {first} samples of the first and the {second} ones of the second"


def _area_labels(figure: go.Figure, test: SeparationTest, colours: tuple[str, str], theme: Theme) -> None:
    """In the corner below both curves, with the colour of each."""
    lines = (
        f'<span style="color:{colour}">━</span> {name}: AUROC {area}'
        for name, area, colour in zip(_SIDES, test.areas, colours, strict=True)
    )
    figure.add_annotation(
        text="<br>".join(lines),
        x=0.985,
        y=0.03,
        xref="paper",
        yref="paper",
        xanchor="right",
        yanchor="bottom",
        align="left",
        showarrow=False,
        font={"color": theme.text, "size": 12.5},
        bgcolor=faint(theme.paper, 0.8),
    )
