"""Why one sample: the input features that would have to change most for it to become usual."""

from __future__ import annotations

from typing import Any, NamedTuple

import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.parts import explained
from kdeviz.charts.theme import NOTEBOOK, Theme, drawn
from kdeviz.decision import Decision
from kdeviz.explain import Direction, explain
from kdeviz.wording import number


class SampleFeaturesNumbers(NamedTuple):
    """One step of one sample towards the nearest usual ones, in F of its input features."""

    features: NDArray[Any]
    """(F,) which ones, that of the largest change first."""
    now: NDArray[Any]
    """(F,) their values."""
    then: NDArray[Any]
    """(F,) their values after the step."""
    change: NDArray[Any]
    """(F,)"""

    @property
    def stays(self) -> bool:
        """Whether nothing changes, to the last digit."""
        return bool((self.then == self.now).all())


def sample_features_numbers(decision: Decision, row: int) -> SampleFeaturesNumbers:
    """The features of one inspected row.

    Raises:
        OptionError: there is no such row.
    """
    return sample_features_of(explain(decision.analysis, row).direction)


def sample_features_of(direction: Direction) -> SampleFeaturesNumbers:
    """The same from an explanation that is there."""
    now, change = direction.present, direction.change
    return SampleFeaturesNumbers(direction.features, now, now + change, change)


def sample_features(decision: Decision, row: int, theme: Theme = NOTEBOOK) -> go.Figure:
    """The input features that would have to change most for one inspected row to become usual.

    Raises:
        OptionError: there is no such row.
    """
    return draw_sample_features(sample_features_numbers(decision, row), theme)


def draw_sample_features(numbers: SampleFeaturesNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    shown = [
        (f"{feature}", float(change), f"{number(now)} → {number(then)}")
        for feature, now, then, change in zip(*numbers, strict=True)
    ]
    title = f"Feature {shown[0][0]} would have to change most, by {number(shown[0][1])}"
    colours = [theme.normal] * len(shown)
    trace, layout = explained(shown, colours, theme, "change, in the feature's own unit", "feature")
    return drawn(
        [{**trace, "hovertemplate": "feature %{y}: %{text}<extra></extra>"}],
        theme,
        "No feature would have to change" if numbers.stays else title,
        "One step towards the nearest usual samples · value now → after",
        layout,
    )
