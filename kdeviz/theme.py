"""The look of the charts, light and dark. One colour means one thing on every chart."""

from typing import Any, NamedTuple

import plotly.graph_objects as go
from numpy.typing import NDArray

__all__ = ["DARK", "LIGHT", "Mark", "Theme", "faint", "finish"]

_CIVIDIS = (
    "#00224E",
    "#123570",
    "#3B496C",
    "#575D6D",
    "#707173",
    "#8A8678",
    "#A59C74",
    "#C3B369",
    "#E1CC55",
    "#FEE838",
)


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


LIGHT = Theme(
    name="light",
    text="#1B2430",
    muted="#5B6875",
    line="#DDE3E9",
    paper="#FFFFFF",
    normal="#0072B2",
    anomalous="#D55E00",
    scale=_CIVIDIS,
    categories=(
        "#E69F00",
        "#009E73",
        "#CC79A7",
        "#7A4EAB",
        "#8C6D1F",
        "#27A9B8",
        "#5B5B5B",
        "#A3A000",
        "#4C5FD5",
        "#A83258",
    ),
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
    categories=(
        "#E69F00",
        "#2BC59A",
        "#E39CC3",
        "#B08AE0",
        "#C9A66B",
        "#4FD3E0",
        "#B5B5B5",
        "#D6D34A",
        "#8E9BFF",
        "#E0708F",
    ),
)


class Mark(NamedTuple):
    """The sample picked by the user: ringed on every chart."""

    name: str
    log_density: float
    probability: float
    coordinates: NDArray[Any]
    """(k,) in the model's space."""


def finish(figure: go.Figure, theme: Theme, title: str, subtitle: str) -> None:
    """The layout that all charts share; the title is the finding, the subtitle what is drawn."""
    figure.update_layout(
        title={
            "text": title,
            "font": {"size": 16, "color": theme.text},
            "x": 0,
            "xanchor": "left",
            "y": 0.985,
            "yanchor": "top",
            "subtitle": {"text": subtitle, "font": {"size": 12.5, "color": theme.muted}},
        },
        font={"color": theme.muted, "size": 12.5, "family": "Source Sans, Source Sans Pro, sans-serif"},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 8, "r": 8, "t": 80, "b": 8},
        hoverlabel={
            "bgcolor": theme.paper,
            "bordercolor": theme.line,
            "font": {"color": theme.text, "size": 13},
        },
        legend={"font": {"color": theme.text}},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": theme.muted, "activecolor": theme.text},
        overwrite=True,  # whole parts at once: merging them takes plotly ten times as long
    )
    axes = {"automargin": True, "linecolor": theme.line, "tickcolor": theme.line, "title_font_size": 13}
    figure.update_xaxes(**axes)
    figure.update_yaxes(**axes)


def faint(colour: str, opacity: float) -> str:
    """A #rrggbb colour, see-through."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
