"""The look of the charts, light and dark. One colour means one thing on every chart."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.colors
import plotly.graph_objects as go

Part = dict[str, Any]
"""A trace, an axis, a shape or another piece of a figure, in plotly's JSON."""

_CIVIDIS = tuple(plotly.colors.sequential.Cividis)

_AXIS = {
    "automargin": True,
    "gridcolor": "white",
    "ticks": "",
    "title": {"standoff": 15},
    "zerolinecolor": "white",
    "zerolinewidth": 2,
}
_DEEP_AXIS = {
    "gridwidth": 2,
    "linecolor": "white",
    "showbackground": True,
    "ticks": "",
    "zerolinecolor": "white",
}
_COLOUR_BAR = {"colorbar": {"outlinewidth": 0, "ticks": ""}}
# As much of plotly's own template as these charts show. The whole is 7 KB, half of what a small chart sends,
# and takes a millisecond a figure.
_TEMPLATE = {
    "layout": {
        "autotypenumbers": "strict",
        "hoverlabel": {"align": "left"},
        "hovermode": "closest",
        "coloraxis": _COLOUR_BAR,
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "scene": {"xaxis": _DEEP_AXIS, "yaxis": _DEEP_AXIS, "zaxis": _DEEP_AXIS},
    },
    "data": {kind: [{"type": kind, "marker": _COLOUR_BAR}] for kind in ("scattergl", "scatter3d")},
}


class Theme(NamedTuple):
    """Colours of one appearance, safe for colour-blind readers."""

    name: str
    text: str
    muted: str
    line: str
    paper: str
    normal: str
    anomalous: str
    scale: tuple[str, ...]
    """For log density, the low and anomalous end first: the end that stands out from the paper."""
    categories: tuple[str, ...]
    """For values without a meaning of their own; neither `normal` nor `anomalous` is among them."""
    background: str = "rgba(0,0,0,0)"
    """Of the whole figure: that of the page shows through, unless it is a colour."""


# Of a category on light paper, and on dark.
_CATEGORIES = (
    ("#E69F00", "#E69F00"),
    ("#009E73", "#2BC59A"),
    ("#CC79A7", "#E39CC3"),
    ("#7A4EAB", "#B08AE0"),
    ("#8C6D1F", "#C9A66B"),
    ("#27A9B8", "#4FD3E0"),
    ("#5B5B5B", "#B5B5B5"),
    ("#A3A000", "#D6D34A"),
    ("#4C5FD5", "#8E9BFF"),
    ("#A83258", "#E0708F"),
)
LIGHT = Theme(
    name="light",
    text="#1B2430",
    muted="#5B6875",
    line="#DDE3E9",
    paper="#FFFFFF",
    normal="#0072B2",
    anomalous="#D55E00",
    scale=_CIVIDIS,
    categories=tuple(light for light, _ in _CATEGORIES),
)
DARK = Theme(
    name="dark",
    text="#E6EBF0",
    muted="#9AA7B4",
    line="#2C3640",
    paper="#11161C",
    normal="#56B4E9",
    anomalous="#FF7A1A",
    scale=_CIVIDIS[::-1],
    categories=tuple(dark for _, dark in _CATEGORIES),
)
NOTEBOOK = LIGHT._replace(name="notebook", background=LIGHT.paper)
"""`LIGHT` on paper of its own, so that it can be read on a dark page too."""

SIDES = ("first", "second")
"""Of two models that are compared."""


def drawn(
    traces: Sequence[Part], theme: Theme, title: str, subtitle: str, layout: Mapping[str, Any]
) -> go.Figure:
    """A figure of these traces, with the look that all charts share.

    Args:
        traces: each with its "type", in plotly's own JSON, as is the layout: nested, without plotly's
            short forms such as `title_font_size`.
        theme: LIGHT, DARK or NOTEBOOK.
        title: the finding.
        subtitle: what is drawn.
        layout: what this chart adds to the shared layout, or has instead; its axes get the shared look too.
    """
    whole = _merged(_shared_layout(theme, title, subtitle), layout)
    axis = {"linecolor": theme.line, "tickcolor": theme.line, "title": {"font": {"size": 13}}}
    for name in whole:
        if name.startswith(("xaxis", "yaxis")):
            whole[name] = _merged(axis, whole[name])
    # Measured on the sample set: 9 to 49 ms a figure with validation, 0.4 to 2.7 without. The tests validate.
    return go.Figure({"data": list(traces), "layout": whole}, _validate=False)


def plain(traces: Sequence[Part], theme: Theme, title: str, layout: Mapping[str, Any]) -> go.Figure:
    """A figure that is shown to a room: nobody zooms it, and a sentence stands above it in place of a title.

    Traces and layout are as `drawn` takes them; the title is what a screen reader says.
    """
    font = {"color": theme.text, "size": 13}
    legend = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom", "font": font}
    quiet = {"dragmode": False, "legend": legend, "margin": {"t": 34, "l": 4, "r": 4, "b": 4}, "font": font}
    return drawn(traces, theme, "", "", {**quiet, **layout, "meta": {"title": title}})


def without_title(figure: go.Figure) -> go.Figure:
    """Another chart, shown to a room: what its title says is said above it."""
    title = figure.layout.title.text
    figure.update_layout(
        title={"text": "", "subtitle": {"text": ""}}, meta={"title": title}, dragmode=False, margin={"t": 16}
    )
    return figure


def _shared_layout(theme: Theme, title: str, subtitle: str) -> Part:
    return {
        "title": {
            "text": title,
            "font": {"size": 16, "color": theme.text},
            "x": 0,
            "xanchor": "left",
            "y": 0.985,
            "yanchor": "top",
            "subtitle": {"text": subtitle, "font": {"size": 12.5, "color": theme.muted}},
        },
        "template": _TEMPLATE,
        "font": {"color": theme.muted, "size": 12.5, "family": "Source Sans, Source Sans Pro, sans-serif"},
        "paper_bgcolor": theme.background,
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 8, "t": 80, "b": 8},
        "hoverlabel": {
            "bgcolor": theme.paper,
            "bordercolor": theme.line,
            "font": {"color": theme.text, "size": 13},
        },
        "legend": {"font": {"color": theme.text}},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": theme.muted, "activecolor": theme.text},
    }


def _merged(shared: Mapping[str, Any], own: Mapping[str, Any]) -> Part:
    """Both, part by part; where they differ, `own`."""
    whole = {**shared, **own}
    for name in shared.keys() & own.keys():
        if isinstance(shared[name], Mapping):
            whole[name] = _merged(shared[name], own[name])
    return whole


def side_colours(theme: Theme) -> tuple[str, str]:
    """Of the first and the second, wherever two models are compared."""
    # The two that colour-blind readers tell apart best and that stand out from the paper.
    return theme.categories[1], theme.categories[3]


def faint(colour: str, opacity: float) -> str:
    """A #rrggbb colour, see-through."""
    red, green, blue = plotly.colors.hex_to_rgb(colour)
    return f"rgba({red},{green},{blue},{opacity})"


def luminance(scale: Sequence[str], share: float) -> float:
    """Relative luminance (WCAG 2.2) of the colour at a share of the scale."""
    (mixed,) = plotly.colors.sample_colorscale(list(scale), share, colortype="tuple")
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in mixed)
    red, green, blue = linear
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)
