"""Panels side by side, which share their y axis."""

from __future__ import annotations

from collections.abc import Sequence

from kdeviz.charts.parts import placed
from kdeviz.charts.theme import Part


def in_panel(panel: int) -> Part:
    """What puts a trace into a panel."""
    return {"xaxis": axis_name("x", panel), "yaxis": axis_name("y", panel)}


def axis_name(letter: str, panel: int) -> str:
    """Plotly's name of a panel's axis: "x", "x2", "x3"."""
    return f"{letter}{panel + 1}" if panel else letter


def panel_axes(panels: int, gap: float, x: Part, y: Part) -> Part:
    """The axes of so many panels, a gap (a share of the width) apart; y is named at the first one only."""
    axes: Part = {}
    for panel, domain in enumerate(_domains(panels, gap)):
        number = panel + 1 if panel else ""
        axes[f"xaxis{number}"] = {**x, "domain": domain, "anchor": axis_name("y", panel)}
        axes[f"yaxis{number}"] = {**y, "anchor": axis_name("x", panel)}
        if panel:
            del axes[f"yaxis{number}"]["title"]
            axes[f"yaxis{number}"] |= {"matches": "y", "showticklabels": False}
    return axes


def panel_titles(titles: Sequence[str], gap: float, size: float, colour: str) -> list[Part]:
    """Above the middle of each panel."""
    return [
        {
            "text": title,
            "font": {"size": size, "color": colour},
            "showarrow": False,
            **placed("x", (left + right) / 2, "center", "paper"),
            **placed("y", 1, "bottom", "paper"),
            "yshift": -2,
        }
        for title, (left, right) in zip(titles, _domains(len(titles), gap), strict=True)
    ]


def _domains(panels: int, gap: float) -> list[list[float]]:
    width = (1 - gap * (panels - 1)) / max(panels, 1)
    return [[left, left + width] for left in (panel * (width + gap) for panel in range(panels))]
