"""The scree plot: how much of the variance each component carries."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.parts import bare_axis, bars, graded_axis, positions, scatter, share_axis, vertical_line
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, drawn
from kdeviz.decision import Decision
from kdeviz.wording import count, percent


class ScreeNumbers(NamedTuple):
    """How much of the variance each component carries."""

    shares: NDArray[Any]
    """One per component of the training rows, falling."""
    cumulative: NDArray[Any]
    kept: int
    """How many components the model keeps."""

    @property
    def kept_share(self) -> float:
        """Share of the variance that the kept components carry."""
        return float(self.cumulative[self.kept - 1])


def scree_numbers(decision: Decision) -> ScreeNumbers:
    """Share of the variance per component, and where the model cuts."""
    classifier = decision.analysis.classifier
    spectrum = classifier.pca_model.spectrum.cpu().numpy()
    shares = spectrum / spectrum.sum()
    return ScreeNumbers(shares, np.cumsum(shares), classifier.n_components_)


def scree(decision: Decision, theme: Theme = NOTEBOOK) -> go.Figure:
    """Variance carried by each component, the kept ones in full colour."""
    return draw_scree(scree_numbers(decision), theme)


def draw_scree(numbers: ScreeNumbers, theme: Theme, most: int = 64) -> go.Figure:
    """The figure of these numbers, with so many components at `most`, but all that are kept."""
    total = len(numbers.shares)
    shown = min(total, max(most, numbers.kept))
    layout = {
        "bargap": 0.15,
        "xaxis": bare_axis("principal component"),
        "yaxis": graded_axis("share of variance", theme, tickformat=".0%", nticks=5),
        "yaxis2": share_axis("cumulative"),
        "margin": {"r": 56},
        "showlegend": False,
        "shapes": [vertical_line(numbers.kept + 0.5, theme.text, 1.5)] if numbers.kept < shown else [],
    }
    title = kept_words(numbers)
    subtitle = f"Variance of each component · {count(total)} components in all"
    subtitle += f", the first {count(shown)} drawn" if shown < total else ""
    return drawn(_variances(numbers, shown, theme), theme, title, subtitle, layout)


def kept_words(numbers: ScreeNumbers) -> str:
    """How much the kept components carry."""
    kept = count(numbers.kept)
    if numbers.kept >= len(numbers.shares):
        return (
            "The one component there is is kept" if numbers.kept == 1 else f"All {kept} components are kept"
        )
    keep = "component keeps" if numbers.kept == 1 else "components keep"
    return f"{kept} {keep} {percent(numbers.kept_share)} of the variance"


def _variances(numbers: ScreeNumbers, shown: int, theme: Theme) -> list[Part]:
    order = range(1, shown + 1)
    return [
        bars(
            positions(order),
            numbers.shares[:shown],
            [theme.normal if i <= numbers.kept else theme.line for i in order],
            name="this component",
            hovertemplate="component %{x}: %{y:.2%} of the variance<extra></extra>",
        ),
        scatter(
            positions(order),
            numbers.cumulative[:shown],
            "lines",
            "all so far (right axis)",
            yaxis="y2",
            line={"color": theme.muted, "width": 2},
            hovertemplate="components 1 to %{x}: %{y:.1%} of the variance<extra></extra>",
        ),
    ]
