"""Why one sample: the density around it, beside the marginal over the same two components."""

from __future__ import annotations

import html
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached, judge_of
from kdeviz.charts.panels import in_panel, panel_axes, panel_titles
from kdeviz.charts.parts import bare_axis, colour_scale, heat, level_line, ring
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, drawn
from kdeviz.decision import Decision
from kdeviz.explain import Slice, slice_density

_GAP = 0.04  # between the two slices
# A slice tells densities apart down to this quantile of what it shows, and at most so many nats deep.
_LOWEST_SHOWN, _DEPTH = 0.15, 30.0
# Of huge log densities at least this share, or their differences would be rounding.
_RELATIVE_DEPTH = 1e-6


class SampleSliceNumbers(NamedTuple):
    """Two densities over one grid."""

    slice: Slice
    """All other components fixed at the sample's values."""
    marginal: NDArray[Any]
    """(len(y), len(x)), nats: all other components averaged over."""
    threshold: float

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest log density around the sample."""
        return float(self.slice.log_density.min()), float(self.slice.log_density.max())

    def colour_ends(self, log_density: NDArray[Any]) -> tuple[float, float]:
        """The log densities that the colours of one of the two tell apart."""
        finite = log_density[np.isfinite(log_density)]  # far out even a log density overflows
        highest = float(finite.max()) if len(finite) else 0.0
        deepest = highest - max(_DEPTH, _RELATIVE_DEPTH * abs(highest))
        lowest = max(deepest, float(np.quantile(finite, _LOWEST_SHOWN))) if len(finite) else deepest
        return (lowest if lowest < highest else deepest), highest


def sample_slice_numbers(
    decision: Decision, row: int, components: tuple[int, int] = (0, 1)
) -> SampleSliceNumbers:
    """The slice through an inspected row, and the exact marginal at the same places.

    Raises:
        OptionError: there is no such row, or these are not two of the components.
    """
    return _slice(decision.analysis, row, components, decision.threshold)


@cached
def _slice(analysis: Analysis, row: int, components: tuple[int, int], threshold: float) -> SampleSliceNumbers:
    cut = slice_density(analysis, row, components)
    grid = np.stack(np.meshgrid(cut.x, cut.y), axis=-1).reshape(-1, 2)
    marginal = judge_of(analysis, row).classifier.kde_model.marginal(components).log_prob(grid).cpu().numpy()
    return SampleSliceNumbers(cut, marginal.reshape(cut.log_density.shape), threshold)


# --- the picture


def sample_slice(
    decision: Decision, row: int, components: tuple[int, int] = (0, 1), theme: Theme = NOTEBOOK
) -> go.Figure:
    """Two densities over two components: through one inspected row, and averaged over all other components.

    Raises:
        OptionError: there is no such row, or these are not two of the components.
    """
    name = str(decision.analysis.inspected.ids[row])
    return draw_sample_slice(sample_slice_numbers(decision, row, components), theme, name)


def draw_sample_slice(numbers: SampleSliceNumbers, theme: Theme, name: str) -> go.Figure:
    """The figure of these numbers, for the sample of this name."""
    first, second = (component + 1 for component in numbers.slice.components)
    here, sample = _density(numbers, numbers.slice.log_density, theme), _this_sample(numbers, theme)
    lines = _threshold_contours(numbers, theme)
    traces = [{**trace, **in_panel(0)} for trace in (here, *lines, sample)]
    traces += [{**trace, **in_panel(1)} for trace in (_density(numbers, numbers.marginal, theme), sample)]
    x, y = bare_axis(f"component {first}", nticks=4), bare_axis(f"component {second}")
    layout = {
        **panel_axes(2, _GAP, x, y),
        "annotations": panel_titles(
            ("through this sample", "averaged over the rest"), _GAP, 12.5, theme.muted
        ),
        "showlegend": False,
        "margin": {"t": 92},
    }
    subtitle = f"Components {first} and {second} · {_where(numbers)}"
    return drawn(traces, theme, f"Density around {html.escape(name)}", subtitle, layout)


def _where(numbers: SampleSliceNumbers) -> str:
    lowest, highest = numbers.ends
    if highest <= numbers.threshold:
        return "below the threshold everywhere on the left"
    if lowest >= numbers.threshold:
        return "above the threshold everywhere on the left"
    return "the dashed line is the threshold"


def _density(numbers: SampleSliceNumbers, log_density: NDArray[Any], theme: Theme) -> Part:
    lowest, highest = numbers.colour_ends(log_density)
    return heat(
        numbers.slice.x,
        numbers.slice.y,
        log_density,
        zmin=lowest,
        zmax=highest,
        zsmooth="best",
        colorscale=colour_scale(theme.scale),
        showscale=False,
        hovertemplate="log density %{z:.4g}<extra></extra>",
    )


def _threshold_contours(numbers: SampleSliceNumbers, theme: Theme) -> list[Part]:
    lowest, highest = numbers.ends
    if not lowest < numbers.threshold < highest:
        return []
    line = {"color": theme.text, "width": 2, "dash": "dash"}
    cut = numbers.slice
    return [level_line(cut.x, cut.y, cut.log_density, numbers.threshold, line)]


def _this_sample(numbers: SampleSliceNumbers, theme: Theme) -> Part:
    x, y = numbers.slice.place
    return {
        "type": "scatter",
        "x": [x],
        "y": [y],
        "mode": "markers",
        "marker": ring(14, theme, 3),
        "hovertemplate": "this sample<extra></extra>",
    }
