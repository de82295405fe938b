"""The numbers behind the charts of log density, and the scree plot."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.data import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.model import ProbabilityCurve

_BINS = 48


class ScreeView(NamedTuple):
    """How much of the variance each component carries."""

    shares: NDArray[Any]
    cumulative: NDArray[Any]
    kept: int


class HistogramView(NamedTuple):
    """Log densities in common bins."""

    edges: NDArray[Any]
    """(B + 1,) nats; samples beyond either end are counted in the outermost bins."""
    counts: dict[str, NDArray[np.int64]]
    """Per series, B counts. The first is the training samples."""
    sizes: dict[str, int]
    threshold: float
    alarm_rate: float
    """Share of training samples below the threshold."""
    below_range: int
    """Samples further left than the drawn range."""


class CurveView(NamedTuple):
    """The probability curve over the drawn log densities."""

    log_density: NDArray[Any]
    probability: NDArray[Any]
    saturated: float
    """Share of inspected samples whose probability is 0 or 1 to three digits."""
    threshold: float
    threshold_probability: float


def scree(analysis: Analysis) -> ScreeView:
    """Share of the variance per component, and where the model cuts."""
    spectrum = analysis.classifier.pca_model.spectrum.cpu().numpy()
    shares = spectrum / spectrum.sum()
    return ScreeView(shares, np.cumsum(shares), analysis.classifier.n_components_)


@cached
def density_histogram(analysis: Analysis, threshold: float, bins: int = _BINS) -> HistogramView:
    """Training (leave-one-out) and inspected log densities in common bins.

    The range covers the bulk of the training scores, eight times over to the left; a tail further out is
    counted in the first bin, and `below_range` says how many samples that hides.
    """
    inspected = _inspected_series(analysis)
    series = {"training": analysis.train_scores, **inspected}
    # Inspected training samples are in two series, and still one sample each.
    samples = inspected if inspected and analysis.inspects_training else series
    edges = np.linspace(*_drawn_range(analysis, threshold), bins + 1)
    inside = {name: np.clip(scores, edges[0], edges[-1]) for name, scores in series.items()}
    return HistogramView(
        edges=edges,
        counts={name: np.histogram(scores, edges)[0] for name, scores in inside.items()},
        sizes={name: len(scores) for name, scores in series.items()},
        threshold=threshold,
        alarm_rate=float((analysis.train_scores < threshold).mean()),
        below_range=int(sum((scores < edges[0]).sum() for scores in samples.values())),
    )


def _inspected_series(analysis: Analysis) -> dict[str, NDArray[Any]]:
    labels = analysis.inspected.labels
    if analysis.inspects_training and labels is None:
        return {}
    if labels is None:
        return {"scored": analysis.scores}
    names = {NORMAL: "scored, normal", ANOMALOUS: "scored, anomalous", UNKNOWN: "scored, not labelled"}
    split = {name: analysis.scores[labels == label] for label, name in names.items()}
    return {name: scores for name, scores in split.items() if len(scores)}


def _drawn_range(analysis: Analysis, threshold: float) -> tuple[float, float]:
    low, middle, high = np.quantile(analysis.train_scores.astype(np.float64), [0.01, 0.5, 1.0])
    spread = max(middle - low, high - middle, 1e-6)
    lowest, highest = float(analysis.scores.min()), float(analysis.scores.max())
    left = max(min(lowest, float(analysis.train_scores.min())), middle - 8 * spread)
    right = max(high, min(highest, middle + 8 * spread))
    if np.isfinite(threshold):
        left, right = min(left, threshold - spread / 4), max(right, threshold + spread / 4)
    if right - left < 1e-3:  # all scores are equal
        return left - 0.5, right + 0.5
    return left, right + 0.02 * (right - left)


def probability_curve(
    analysis: Analysis, curve: ProbabilityCurve, threshold: float, edges: NDArray[Any]
) -> CurveView:
    """The probability curve over the range of a histogram's edges."""
    log_density = np.linspace(edges[0], edges[-1], 200)
    probabilities = curve(analysis.scores.astype(np.float64))
    saturated = (probabilities < 0.0005) | (probabilities >= 0.9995)
    return CurveView(
        log_density,
        curve(log_density),
        float(saturated.mean()),
        threshold,
        float(curve(np.array([threshold], dtype=np.float64))[0]),
    )


def score_range(analysis: Analysis) -> tuple[float, float]:
    """Log densities that a colour scale should tell apart: the bulk, with a far tail sharing its end."""
    low, middle, high = np.quantile(analysis.train_scores.astype(np.float64), [0.01, 0.5, 1.0])
    lowest = float(min(analysis.scores.min(), low))
    return max(lowest, middle - 2.5 * (middle - low)), float(max(high, analysis.scores.max()))
