"""Why one sample: the input features that would have to change most for it to become usual."""

from __future__ import annotations

import html
from typing import Any, NamedTuple

import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.parts import explained, short, ticks
from kdeviz.charts.theme import NOTEBOOK, Theme, drawn
from kdeviz.data import EmbeddingSet
from kdeviz.decision import Decision
from kdeviz.explain import Direction, explain
from kdeviz.wording import capital, number, one_line


class SampleFeaturesNumbers(NamedTuple):
    """One step of one sample towards the nearest usual ones, in F of its input features."""

    features: NDArray[Any]
    """(F,) which ones, that of the largest change in standard deviations first."""
    names: tuple[str, ...]
    """F of them."""
    now: NDArray[Any]
    """(F,) their values."""
    then: NDArray[Any]
    """(F,) their values after the step."""
    change: NDArray[Any]
    """(F,) in standard deviations of each feature in training."""

    @property
    def stays(self) -> bool:
        """Whether nothing changes, to the last digit."""
        return bool((self.then == self.now).all())


def sample_features_numbers(decision: Decision, row: int) -> SampleFeaturesNumbers:
    """The features of one inspected row.

    Raises:
        OptionError: there is no such row.
    """
    return sample_features_of(explain(decision.analysis, row).direction, decision.analysis.train)


def sample_features_of(direction: Direction, samples: EmbeddingSet) -> SampleFeaturesNumbers:
    """The same from an explanation that is there; the samples tell the names of the features."""
    names = tuple(samples.feature_name(int(feature)) for feature in direction.features)
    now, change = direction.present, direction.change
    return SampleFeaturesNumbers(direction.features, names, now, now + change, direction.change_in_spreads)


def sample_features(decision: Decision, row: int, theme: Theme = NOTEBOOK) -> go.Figure:
    """The input features that would have to change most for one inspected row to become usual.

    Raises:
        OptionError: there is no such row.
    """
    return draw_sample_features(sample_features_numbers(decision, row), theme)


def draw_sample_features(numbers: SampleFeaturesNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    names = ticks(numbers.names)
    shown = [
        (name, float(change), f"{number(now)} → {number(then)}")
        for name, now, then, change in zip(names, numbers.now, numbers.then, numbers.change, strict=True)
    ]
    whole = [html.escape(one_line(name)) for name in numbers.names]
    title = "No feature would have to change"
    if not numbers.stays:
        title = f"{capital(short(numbers.names[0]))} would have to change most, by {number(shown[0][1])} σ"
    colours = [theme.normal] * len(shown)
    trace, layout = explained(shown, colours, theme, "change, in standard deviations of training (σ)", "")
    return drawn(
        [{**trace, "hovertext": whole, "hovertemplate": "%{hovertext}: %{text}, %{x:+.3g} σ<extra></extra>"}],
        theme,
        title,
        "One step towards the nearest usual samples · value now → after",
        layout,
    )
