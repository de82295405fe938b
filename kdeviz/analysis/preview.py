"""Before all rows are scored: analyses of random samples that grow, and what they say of the whole."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz.analysis.analysis import Analysis, Preview
from kdeviz.analysis.estimate import estimate
from kdeviz.settings import Settings

FIRST_ROWS = 20_000
"""Rows of the first sample; each later one has twice as many as the one before."""
_LARGEST_SHARE = 0.75
"""Of all rows in a sample: from there on the end is near."""
_QUICK_S = 0.5
_FEWEST_POINTS, _POINTS_PER_COMPONENT = 2000, 10


class Total(NamedTuple):
    """A count in the whole, as a sample tells it."""

    value: int
    low: int
    """Lower end of the 95 % interval."""
    high: int


def parts_of(rows: int, seed: int) -> list[NDArray[np.int64]]:
    """Which rows are scored together, in which order: the first parts together are always a random sample.

    Each part ascends; few rows are one part.
    """
    ends, most = [], FIRST_ROWS
    while most <= _LARGEST_SHARE * rows:
        ends.append(most)
        most *= 2
    if not ends:
        return [np.arange(rows)]
    order = np.random.default_rng(seed).permutation(rows)
    return [np.sort(part) for part in np.split(order, ends)]


def preview_of(
    whole: Analysis, rows: NDArray[np.int64], points: NDArray[np.int64], scores: NDArray[Any]
) -> Analysis:
    """An analysis of (m,) some of the inspected rows of the whole one, whose scores and points are not known.

    `points` tells which row of the fit each of them is, -1 for none; `scores` are their log densities.
    """
    preview = Preview(whole.inspected, rows, whole.inspects_training)
    some = whole.inspected.take(rows)
    return whole.inspecting(some, scores, points, preview=preview, timings=dict(whole.timings))


def estimated_total(events: int, of: int, total: int) -> Total:
    """How many of `total` rows have what `events` of a random sample of `of` rows have.

    The interval is the exact one of a rate, narrowed by the finite population correction (Cochran, Sampling
    Techniques, 1977, section 2.6): nothing is left to be guessed when all rows are in the sample.
    """
    from scipy.special import betainccinv, betaincinv

    rate, left = events / of, math.sqrt(max(total - of, 0) / max(total - 1, 1))
    low = float(betaincinv(events, of - events + 1, 0.025)) if events else 0.0
    high = float(betainccinv(events + 1, of - events, 0.025)) if events < of else 1.0
    ends = rate - left * (rate - low), rate + left * (high - rate)
    lowest, highest = events, total - (of - events)
    return Total(
        round(rate * total),
        max(math.floor(ends[0] * total), lowest),
        min(math.ceil(ends[1] * total), highest),
    )


def quick_settings(n: int, d: int, settings: Settings, device: str | torch.device = "auto") -> Settings:
    """For (n, d) training rows, with fewer of them where a fit of all would keep somebody waiting."""
    points, quick, k = min(n, settings.max_training_points), settings, settings.n_pca_components
    fewest = max(_FEWEST_POINTS, _POINTS_PER_COMPONENT * int(k))
    while points > fewest and estimate(points, d, quick, device, FIRST_ROWS).seconds > _QUICK_S:
        points = max(points // 2, fewest)
        quick = replace(settings, max_training_points=points)
    return quick
