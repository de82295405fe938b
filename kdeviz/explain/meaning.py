"""What a component stands for: the training rows at its two ends, and the features it goes with."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.errors import OptionError
from kdeviz.explain.place import Floats, as_array, double
from kdeviz.explain.spread import feature_spread, in_spreads
from kdeviz.wording import number, percent

_STRONG = 0.3
_MOST_NAMED = 3


class Meaning(NamedTuple):
    """One component as the training rows show it."""

    component: int
    """0-based."""
    variance_share: float
    """Of the variance of the training rows."""
    low: NDArray[np.int64]
    """(E,) rows of `Analysis.train` at its low end, the lowest first; none is at both ends."""
    high: NDArray[np.int64]
    """(E,) at its high end, the highest first."""
    low_z: Floats
    """(E,) standard deviations of `low` from the training mean."""
    high_z: Floats
    """(E,) of `high`."""
    features: NDArray[np.int64]
    """(F,) the input features that go with it most."""
    correlations: Floats
    """(F,) Pearson's correlation of each with the component's PCA score over the training rows."""


@cached
def component_meaning(analysis: Analysis, component: int, ends: int = 5, features: int = 5) -> Meaning:
    """What one component of the whole model stands for.

    The ends are those of the model's scaled space. A PCA score is the centred features times the axis v, and
    its covariance with feature f is its variance times v_f; the correlation of the two is therefore
    v_f sd(score) / sd(f). It compares features of any unit.

    Args:
        analysis: of a fitted model whose training rows are there.
        component: which one, 0-based.
        ends: how many rows of each end to name; less where there are few rows.
        features: how many features to name.

    Raises:
        OptionError: there is no such component.
    """
    pca = analysis.classifier.pca_model
    if not 0 <= component < pca.n_components_:
        raise OptionError(
            f"component={component} is not possible: choose one from 0 to {pca.n_components_ - 1}"
        )
    along = analysis.train_coordinates[:, component].astype(np.float64)
    z = in_spreads(along - along.mean(), np.full(len(along), along.std(ddof=1)))
    order = np.argsort(along, kind="stable")
    each = min(ends, len(order) // 2)
    low, high = order[:each], order[::-1][:each]
    correlations = _correlations(analysis, component)
    most = np.argsort(-np.abs(correlations), kind="stable")[:features]
    share = float(pca.explained_variance_ratio[component])
    rows = analysis.fitted_on
    return Meaning(component, share, rows[low], rows[high], z[low], z[high], most, correlations[most])


def _correlations(analysis: Analysis, component: int) -> Floats:
    """(D,) of all features with one component."""
    pca, spread = analysis.classifier.pca_model, feature_spread(analysis)
    axis, spectrum = as_array(double(pca.singular_vectors)[:, component]), as_array(double(pca.spectrum))
    variance = spectrum[component] / spectrum.sum() * (spread**2).sum()  # of the PCA score, with n - 1
    return np.clip(in_spreads(axis * np.sqrt(variance), spread), -1.0, 1.0)


def meaning_words(meaning: Meaning, analysis: Analysis) -> str:
    """Which way the component points, in a sentence; names of features are what the file says."""
    named = [
        ("more" if correlation > 0 else "less", analysis.train.feature_name(int(feature)), correlation)
        for feature, correlation in zip(meaning.features, meaning.correlations, strict=True)
        if abs(correlation) >= _STRONG
    ][:_MOST_NAMED]
    first = f"Component {meaning.component + 1} carries {percent(meaning.variance_share)} of the variance"
    if not named:
        return f"{first}. No single feature goes with it."
    parts = [f"{how} {name} ({number(correlation, 2)})" for how, name, correlation in named]
    return (
        f"{first}. A high value means {', '.join(parts)}; a low value the opposite. In brackets: correlation."
    )
