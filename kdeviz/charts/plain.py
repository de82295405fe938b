"""The look of the charts that are shown to a room: no title, as a sentence stands above, and plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from kdeviz.charts.theme import Part, Theme, drawn

_LEGEND = {
    "orientation": "h",
    "x": 0,
    "xanchor": "left",
    "y": 1.02,
    "yanchor": "bottom",
    "font": {"size": 13},
}


def plain(traces: Sequence[Part], theme: Theme, title: str, layout: Mapping[str, Any]) -> go.Figure:
    """A figure of these traces that nobody zooms.

    Args:
        traces: as `theme.drawn` takes them.
        theme: LIGHT, DARK or NOTEBOOK.
        title: what a screen reader says; it is not drawn.
        layout: what this chart adds to the shared layout, or has instead.
    """
    legend = {**_LEGEND, "font": {"size": 13, "color": theme.text}}
    quiet: Part = {"dragmode": False, "legend": legend, "margin": {"t": 34, "l": 4, "r": 4, "b": 4}}
    figure = drawn(traces, theme, "", "", {**quiet, **layout, "meta": {"title": title}})
    figure.update_layout(font={"color": theme.text, "size": 13})
    return figure


def without_title(figure: go.Figure) -> go.Figure:
    """Another chart in this look: what its title says is said above it."""
    title = figure.layout.title.text
    figure.update_layout(title={"text": "", "subtitle": {"text": ""}}, meta={"title": title}, dragmode=False)
    figure.update_layout(margin={"t": 16})
    return figure
