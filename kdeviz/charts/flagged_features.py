"""Which input features matter for the flagged samples together."""

from __future__ import annotations

import html
from typing import NamedTuple

import plotly.graph_objects as go

from kdeviz.analysis import Analysis, cached
from kdeviz.charts.parts import explained, short, ticks
from kdeviz.charts.theme import NOTEBOOK, Theme, drawn
from kdeviz.decision import Decision
from kdeviz.errors import DataError
from kdeviz.explain import Matters, features_that_matter
from kdeviz.wording import capital, count, number, one_line

_ALIKE = 0.5


class FlaggedFeaturesNumbers(NamedTuple):
    """How unusual the flagged samples are in F of the input features, taken together."""

    names: tuple[str, ...]
    """F, that of the feature that matters most first."""
    matters: Matters

    @property
    def ways(self) -> tuple[str, ...]:
        """F words: whether the flagged are too high or too low."""
        return tuple(_way(float(direction)) for direction in self.matters.direction)


def flagged_features_numbers(decision: Decision) -> FlaggedFeaturesNumbers:
    """How much each feature would have to change for the flagged samples to become usual.

    Raises:
        DataError: no sample is flagged.
    """
    if not decision.n_flagged:
        raise DataError("no sample is flagged, so no feature matters yet: raise the threshold")
    if not len(decision.analysis.fitted_on):
        raise DataError("the training samples are not here, so no feature has a usual range: load them too")
    found = _matters(decision.analysis, decision.threshold)
    names = tuple(decision.analysis.train.feature_name(int(feature)) for feature in found.features)
    return FlaggedFeaturesNumbers(names, found)


@cached
def _matters(analysis: Analysis, threshold: float) -> Matters:
    return features_that_matter(analysis, (analysis.scores < threshold).nonzero()[0])


def flagged_features(decision: Decision, theme: Theme = NOTEBOOK) -> go.Figure:
    """The features in which the flagged samples, taken together, are most unusual.

    Raises:
        DataError: no sample is flagged.
    """
    return draw_flagged_features(flagged_features_numbers(decision), theme)


def draw_flagged_features(numbers: FlaggedFeaturesNumbers, theme: Theme) -> go.Figure:
    """The figure of these numbers."""
    names, matters = numbers.names, numbers.matters
    shown = [
        (tick, float(change), way)
        for tick, change, way in zip(ticks(names), matters.change, numbers.ways, strict=True)
    ]
    colours = [theme.anomalous] * len(shown)
    trace, layout = explained(shown, colours, theme, "typical change, in standard deviations (σ)", "")
    hover = "%{hovertext}: %{x:.3g} σ, %{text}<extra></extra>"
    whole = [html.escape(one_line(name)) for name in names]
    title = f"{capital(short(names[0]))} matters most, by {number(shown[0][1])} σ"
    seen = count(matters.rows)
    if matters.looked_at < matters.rows:
        seen = f"{count(matters.looked_at)} of {seen}"
    subtitle = f"What would have to change for {seen} flagged to become usual"
    return drawn([{**trace, "hovertext": whole, "hovertemplate": hover}], theme, title, subtitle, layout)


def _way(direction: float) -> str:
    if abs(direction) < _ALIKE:
        return "either way"
    return "flagged too low" if direction > 0 else "flagged too high"
