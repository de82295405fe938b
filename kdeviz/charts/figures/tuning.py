"""A sweep over two knobs."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.figures.panels import in_panel, panel_axes, panel_titles
from kdeviz.charts.figures.parts import bare_axis, colour_scale
from kdeviz.charts.figures.tuning_frames import frame_names, frames
from kdeviz.charts.figures.tuning_words import (
    TICKS,
    bar_title,
    heat_subtitle,
    heat_title,
    hover,
    shown_text,
    ticks,
)
from kdeviz.charts.theme import Part, Theme, drawn
from kdeviz.charts.views.tuning import KNOBS, HeatView
from kdeviz.sweep import METRICS

# More columns or rows than these leave no room for a number in a cell.
_MOST_COLUMNS, _MOST_ROWS = 14, 12
_MOST_TICKS = 16
_DEPTH = 3.0  # of the colours, in distances of the median from the best
_ROOM_FOR_A_WORD = 0.08  # of a panel's height, above and below the cells
_GAP = 0.03  # between panels
_DARK_INK, _LIGHT_INK = "#000000", "#FFFFFF"
# Here both inks have the same contrast (WCAG 2.2, relative luminance).
_EVEN_LUMINANCE = 0.18


def heat_figure(view: HeatView, theme: Theme, chosen: int | None = None) -> go.Figure:
    """A metric over two knobs, one panel per scaling; a click on a cell gives the place of its row.

    The cell of the `chosen` row is framed.
    """
    low, high = _colour_range(view)
    scale = theme.scale[::-1] if METRICS[view.metric].higher_is_better else theme.scale
    traces = []
    for panel in range(len(view.scalings)):
        traces += [{**trace, **in_panel(panel)} for trace in _panel(view, panel, theme)]
        if max(len(view.scalings), 1) * len(view.x) <= _MOST_COLUMNS and len(view.y) <= _MOST_ROWS:
            shares = np.clip((view.shown[panel] - low) / (high - low), 0, 1)
            traces += [{**trace, **in_panel(panel)} for trace in _written_cells(view, panel, shares, scale)]
    names = [html.escape(name) for name in view.scalings]
    layout = {
        **_heat_axes(view),
        "coloraxis": {
            "colorscale": colour_scale(scale),
            "cmin": low,
            "cmax": high,
            "showscale": bool(np.isfinite(view.shown).any()),
            "colorbar": _colour_bar(view),
        },
        "annotations": [*panel_titles(names, _GAP, 13, theme.text), *frame_names(view, theme)],
        "shapes": frames(view, chosen, theme),
        "showlegend": False,
        "hovermode": "closest",
        "hoverdistance": 60,  # from the middle of a cell
        "dragmode": False,
        "margin": {"t": 96},
    }
    return drawn(traces, theme, heat_title(view), heat_subtitle(view, low, high), layout)


def _panel(view: HeatView, panel: int, theme: Theme) -> Iterator[Part]:
    """The colours, and on each cell a point to hover and click, since colours cannot be selected."""
    yield {
        "type": "heatmap",
        "x": np.arange(len(view.x)),
        "y": np.arange(len(view.y)),
        "z": view.shown[panel],
        "coloraxis": "coloraxis",
        "xgap": 2,
        "ygap": 2,
        "hoverinfo": "skip",
    }
    y, x = np.nonzero(view.rows[panel] >= 0)
    places = [(panel, int(row), int(column)) for row, column in zip(y, x, strict=True)]
    yield {
        "type": "scatter",
        "x": x,
        "y": y,
        "mode": "markers",
        "customdata": view.rows[panel][y, x],
        "hovertext": [hover(view, place) for place in places],
        "hovertemplate": "%{hovertext}<extra></extra>",
        # Small, or neighbours would overlap where there are many.
        "marker": {"size": 6, "opacity": 0},
        "unselected": {"marker": {"opacity": 0}},
        "name": "settings",
    }
    y, x = np.nonzero((view.rows[panel] >= 0) & np.isnan(view.shown[panel]))
    if len(x):
        yield _crosses(x, y, theme)


def _crosses(x: NDArray[np.int64], y: NDArray[np.int64], theme: Theme) -> Part:
    """On the empty cells of settings that were tried: they failed, or have no such number."""
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "mode": "markers",
        "marker": {"symbol": "x-thin", "size": 8, "line": {"color": theme.muted, "width": 1.5}},
        "unselected": {"marker": {"opacity": 1}},
        "hoverinfo": "skip",
        "name": "no number",
    }


def _written_cells(
    view: HeatView, panel: int, shares: NDArray[np.float64], scale: Sequence[str]
) -> Iterator[Part]:
    """The numbers, in dark ink on light cells and in light ink on dark ones."""
    y, x = np.nonzero(~np.isnan(view.shown[panel]))
    light = np.array([_luminance(scale, share) < _EVEN_LUMINANCE for share in shares[y, x]], bool)
    for ink, mask in ((_DARK_INK, ~light), (_LIGHT_INK, light)):
        if mask.any():
            places = zip(y[mask], x[mask], strict=True)
            yield {
                "type": "scatter",
                "x": x[mask],
                "y": y[mask],
                "mode": "text",
                "text": [shown_text(view, (panel, row, column)) for row, column in places],
                "textfont": {"color": ink, "size": 12},
                "unselected": {"textfont": {"color": ink}},
                "hoverinfo": "skip",
                "name": "numbers",
            }


def _heat_axes(view: HeatView) -> Part:
    panels, room = max(len(view.scalings), 1), _ROOM_FOR_A_WORD * len(view.y)
    columns, column_names = ticks(view.across, view.x, _MOST_TICKS // panels)
    rows, row_names = ticks(view.down, view.y, _MOST_ROWS)
    still = {"showline": False, "fixedrange": True}
    x = {"tickvals": columns, "ticktext": column_names, "range": [-0.5, max(len(view.x), 1) - 0.5]}
    y = {"tickvals": rows, "ticktext": row_names, "range": [-0.5 - room, max(len(view.y), 1) - 0.5 + room]}
    across, down = bare_axis(KNOBS[view.across], **still, **x), bare_axis(KNOBS[view.down], **still, **y)
    return panel_axes(panels, _GAP, across, down)


def _colour_bar(view: HeatView) -> Part:
    return {
        "title": {"text": bar_title(view), "side": "right", "font": {"size": 13}},
        "thickness": 12,
        "outlinewidth": 0,
        "nticks": 6,
        **TICKS.get(METRICS[view.metric].written, {}),
    }


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
