"""The density through one sample, beside the marginal over the same two components."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.explain import Slice, slice_density


class SliceView(NamedTuple):
    """Two densities over one grid."""

    slice: Slice
    """All other components fixed at the sample's values."""
    marginal: NDArray[Any]
    """(len(y), len(x)), nats: all other components averaged over."""
    threshold: float


@cached
def slice_view(analysis: Analysis, row: int, components: tuple[int, int], threshold: float) -> SliceView:
    """The slice through an inspected row, and the exact marginal at the same places.

    Raises:
        OptionError: there is no such row, or these are not two of the components.
    """
    cut = slice_density(analysis, row, components)
    grid = np.stack(np.meshgrid(cut.x, cut.y), axis=-1).reshape(-1, 2)
    marginal = analysis.classifier.kde_model.marginal(components).log_prob(grid).cpu().numpy()
    return SliceView(cut, marginal.reshape(cut.log_density.shape), threshold)
