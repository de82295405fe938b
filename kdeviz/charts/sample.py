"""Why one sample: what each component adds to its distance from the usual ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.parts import explained
from kdeviz.charts.theme import NOTEBOOK, Theme, drawn
from kdeviz.decision import Decision
from kdeviz.explain import Components, explain
from kdeviz.wording import count, number, percent

_MOST_BARS = 10
_NO_DISTANCE = 1e-12
_MOST_DECIMALS = 1e5


class SampleNumbers(NamedTuple):
    """The parts of one sample's squared distance to the nearest usual samples."""

    components: NDArray[np.int64]
    """(B,) the components that add or take most, 0-based, the first of them first."""
    parts: NDArray[Any]
    """(B,) what each adds to the squared distance."""
    z: NDArray[Any]
    """(B,) standard deviations from the training mean."""
    others: int
    """How many components are not among these."""
    rest: float
    """What they add together."""
    squared_distance: float
    most: int
    """The component that adds most: the longest bar may be negative."""
    share: float
    """Its share of the squared distance; 0 where there is no distance."""


def sample_numbers(decision: Decision, row: int) -> SampleNumbers:
    """The components of one inspected row.

    Raises:
        OptionError: there is no such row.
    """
    return sample_of(explain(decision.analysis, row).components)


def sample_of(components: Components) -> SampleNumbers:
    """The same from an explanation that is there."""
    contribution, total = components.contribution, components.squared_distance
    order = np.argsort(-np.abs(contribution), kind="stable")
    shown, rest = order[:_MOST_BARS], order[_MOST_BARS:]
    most = int(contribution.argmax())
    return SampleNumbers(
        components=shown,
        parts=contribution[shown],
        z=components.z[shown],
        others=len(rest),
        rest=float(contribution[rest].sum()),
        squared_distance=total,
        most=most,
        share=float(contribution[most]) / total if total > _NO_DISTANCE else 0.0,
    )


def sample(decision: Decision, row: int, theme: Theme = NOTEBOOK) -> go.Figure:
    """What each component adds to the squared distance of one inspected row to the nearest usual samples.

    Raises:
        OptionError: there is no such row.
    """
    return draw_sample(sample_numbers(decision, row), theme)


def draw_sample(numbers: SampleNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    shown = [
        (f"{component + 1}", float(part), _deviations(float(z)))
        for component, part, z in zip(numbers.components, numbers.parts, numbers.z, strict=True)
    ]
    hovers = ["component %{y} adds %{x:.4g}, at %{text} from the training mean<extra></extra>"] * len(shown)
    if numbers.others:
        shown.append((f"{count(numbers.others)} more", numbers.rest, ""))
        hovers.append("%{y} add %{x:.4g}<extra></extra>")
    title = "No distance to the nearest usual samples"
    if numbers.share:
        title = f"Component {numbers.most + 1} adds most: {percent(numbers.share)} of the squared distance"
    colours = [theme.anomalous if part >= 0 else theme.normal for _, part, _ in shown]
    trace, layout = explained(shown, colours, theme, "adds to the squared distance", "component")
    distance = number(numbers.squared_distance)
    subtitle = f"Parts of {distance}, the squared distance to the nearest usual samples"
    return drawn([{**trace, "hovertemplate": hovers}], theme, title, subtitle, layout)


def _deviations(z: float) -> str:
    if abs(z) >= _MOST_DECIMALS:
        return f"{'+' if z > 0 else ''}{number(z)} σ"
    return f"{z:+.1f} σ".replace("-", "−")
