"""A sweep over two knobs."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from kdeviz.figures.tuning_words import (
    TICKS,
    bar_title,
    heat_subtitle,
    heat_title,
    hover,
    shown_text,
    ticks,
)
from kdeviz.sweep import METRICS
from kdeviz.theme import Theme, finish
from kdeviz.views import KNOBS, HeatView

__all__ = ["heat_figure"]

# More columns or rows than these leave no room for a number in a cell.
_MOST_COLUMNS, _MOST_ROWS = 14, 12
_MOST_TICKS = 16
_DEPTH = 3.0  # of the colours, in distances of the median from the best
_ROOM_FOR_A_WORD = 0.08  # of a panel's height, above and below the cells
_DARK_INK, _LIGHT_INK = "#000000", "#FFFFFF"
# Here both inks have the same contrast (WCAG 2.2, relative luminance).
_EVEN_LUMINANCE = 0.18


def heat_figure(view: HeatView, theme: Theme, chosen: int | None = None) -> go.Figure:
    """A metric over two knobs, one panel per scaling; a click on a cell gives the place of its row.

    The cell of the `chosen` row is framed.
    """
    panels = max(len(view.scalings), 1)
    figure = make_subplots(
        1,
        panels,
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[html.escape(name) for name in view.scalings],
    )
    figure.update_annotations(font={"size": 13, "color": theme.text}, yshift=-2)
    low, high = _colour_range(view)
    scale = theme.scale[::-1] if METRICS[view.metric].higher_is_better else theme.scale
    for panel in range(len(view.scalings)):
        _panel(figure, view, panel, theme)
        if panels * len(view.x) <= _MOST_COLUMNS and len(view.y) <= _MOST_ROWS:
            shares = np.clip((view.shown[panel] - low) / (high - low), 0, 1)
            _written_cells(figure, view, panel, shares, scale)
    _frames(figure, view, theme)
    for place in np.argwhere(view.rows == chosen).tolist() if chosen is not None else ():
        _outline(figure, view, place, theme.text, 2, "dot")
    finish(figure, theme, heat_title(view), heat_subtitle(view, low, high))
    _heat_axes(figure, view)
    figure.update_layout(
        coloraxis={
            "colorscale": [[i / (len(scale) - 1), colour] for i, colour in enumerate(scale)],
            "cmin": low,
            "cmax": high,
            "showscale": bool(np.isfinite(view.shown).any()),
            "colorbar": {
                "title": {"text": bar_title(view), "side": "right", "font": {"size": 13}},
                "thickness": 12,
                "outlinewidth": 0,
                "nticks": 6,
                **TICKS.get(METRICS[view.metric].written, {}),
            },
        },
        showlegend=False,
        hovermode="closest",
        hoverdistance=60,  # from the middle of a cell
        dragmode=False,
        uirevision="heat",
        margin={"t": 96},
    )
    return figure


def _panel(figure: go.Figure, view: HeatView, panel: int, theme: Theme) -> None:
    """The colours, and on each cell a point to hover and click, since colours cannot be selected."""
    figure.add_trace(
        go.Heatmap(
            x=np.arange(len(view.x)),
            y=np.arange(len(view.y)),
            z=view.shown[panel],
            coloraxis="coloraxis",
            xgap=2,
            ygap=2,
            hoverinfo="skip",
        ),
        1,
        panel + 1,
    )
    y, x = np.nonzero(view.rows[panel] >= 0)
    places = [(panel, int(row), int(column)) for row, column in zip(y, x, strict=True)]
    figure.add_trace(
        go.Scatter(
            x=x,
            y=y,
            mode="markers",
            customdata=view.rows[panel][y, x],
            hovertext=[hover(view, place) for place in places],
            hovertemplate="%{hovertext}<extra></extra>",
            # Small, or neighbours would overlap where there are many.
            marker={"size": 6, "opacity": 0},
            unselected={"marker": {"opacity": 0}},
            name="settings",
        ),
        1,
        panel + 1,
    )
    y, x = np.nonzero((view.rows[panel] >= 0) & np.isnan(view.shown[panel]))
    if len(x):
        figure.add_trace(_crosses(x, y, theme), 1, panel + 1)


def _crosses(x: NDArray[np.int64], y: NDArray[np.int64], theme: Theme) -> go.Scatter:
    """On the empty cells of settings that were tried: they failed, or have no such number."""
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"symbol": "x-thin", "size": 8, "line": {"color": theme.muted, "width": 1.5}},
        unselected={"marker": {"opacity": 1}},
        hoverinfo="skip",
        name="no number",
    )


def _written_cells(
    figure: go.Figure, view: HeatView, panel: int, shares: NDArray[np.float64], scale: Sequence[str]
) -> None:
    """The numbers, in dark ink on light cells and in light ink on dark ones."""
    y, x = np.nonzero(~np.isnan(view.shown[panel]))
    light = np.array([_luminance(scale, share) < _EVEN_LUMINANCE for share in shares[y, x]], bool)
    for ink, mask in ((_DARK_INK, ~light), (_LIGHT_INK, light)):
        if not mask.any():
            continue
        figure.add_trace(
            go.Scatter(
                x=x[mask],
                y=y[mask],
                mode="text",
                text=[
                    shown_text(view, (panel, row, column))
                    for row, column in zip(y[mask], x[mask], strict=True)
                ],
                textfont={"color": ink, "size": 12},
                unselected={"textfont": {"color": ink}},
                hoverinfo="skip",
                name="numbers",
            ),
            1,
            panel + 1,
        )


def _frames(figure: go.Figure, view: HeatView, theme: Theme) -> None:
    """The best cell and the simplest one that may be as good."""
    best, simplest = view.best, view.simplest
    if best is not None and best == simplest:
        _frame(figure, view, best, "best and simplest", 3, True, theme)
        return
    # On the sides that do not face each other, so that the words never meet.
    best_above = best is None or simplest is None or simplest[1] <= best[1]
    if simplest is not None:
        _frame(figure, view, simplest, "simplest", 1.5, not best_above, theme)
    if best is not None:
        _frame(figure, view, best, "best", 3, best_above, theme)


def _frame(
    figure: go.Figure,
    view: HeatView,
    place: tuple[int, int, int],
    word: str,
    width: float,
    above: bool,
    theme: Theme,
) -> None:
    _, y, x = place
    _outline(figure, view, place, theme.paper, width + 4)  # seen on every colour
    _outline(figure, view, place, theme.text, width)
    left = x < len(view.x) / 2
    figure.add_annotation(
        x=x - 0.5 if left else x + 0.5,
        y=y + 0.5 if above else y - 0.5,
        xanchor="left" if left else "right",
        yanchor="bottom" if above else "top",
        text=word,
        font={"size": 12, "color": theme.text},
        bgcolor=theme.paper,
        borderpad=1,
        showarrow=False,
        **_axes_of(view, place),
    )


def _outline(
    figure: go.Figure, view: HeatView, place: Sequence[int], colour: str, width: float, dash: str = "solid"
) -> None:
    _, y, x = place
    line = {"color": colour, "width": width, "dash": dash}
    ends = {"x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5}
    figure.add_shape(type="rect", line=line, **ends, **_axes_of(view, place))


def _axes_of(view: HeatView, place: Sequence[int]) -> dict[str, str]:
    axis = "" if place[0] == 0 else str(place[0] + 1)
    return {"xref": f"x{axis}", "yref": f"y{axis}"}


def _heat_axes(figure: go.Figure, view: HeatView) -> None:
    room = _ROOM_FOR_A_WORD * len(view.y)
    columns, names = ticks(view.across, view.x, _MOST_TICKS // max(len(view.scalings), 1))
    figure.update_xaxes(
        title_text=KNOBS[view.across],
        tickvals=columns,
        ticktext=names,
        range=[-0.5, max(len(view.x), 1) - 0.5],
        showgrid=False,
        zeroline=False,
        showline=False,
        fixedrange=True,
    )
    rows, names = ticks(view.down, view.y, _MOST_ROWS)
    figure.update_yaxes(
        tickvals=rows,
        ticktext=names,
        range=[-0.5 - room, max(len(view.y), 1) - 0.5 + room],
        showgrid=False,
        zeroline=False,
        showline=False,
        fixedrange=True,
    )
    figure.update_yaxes(title_text=KNOBS[view.down], col=1)


def _colour_range(view: HeatView) -> tuple[float, float]:
    """What the colours tell apart: the choice is among good settings, and a bad one would make them alike."""
    finite = view.shown[~np.isnan(view.shown)]
    if not len(finite) or finite.min() == finite.max():
        middle = float(finite[0]) if len(finite) else 0.5
        return middle - 0.5, middle + 0.5
    low, middle, high = (float(value) for value in np.quantile(finite, [0, 0.5, 1]))
    if METRICS[view.metric].higher_is_better:
        return (max(low, high - _DEPTH * (high - middle)) if middle < high else low), high
    return low, (min(high, low + _DEPTH * (middle - low)) if middle > low else high)


def _luminance(scale: Sequence[str], share: float) -> float:
    """Relative luminance (WCAG 2.2) of the colour at a share of the scale."""
    colours = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in scale]) / 255
    at = share * (len(colours) - 1)
    mixed = np.array([np.interp(at, np.arange(len(colours)), channel) for channel in colours.T])
    linear = np.where(mixed <= 0.04045, mixed / 12.92, ((mixed + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
