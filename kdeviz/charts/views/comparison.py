"""The numbers behind the charts of a comparison."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.comparison import Comparison
from kdeviz.data import ANOMALOUS, NORMAL
from kdeviz.decision import OperatingPoints
from kdeviz.errors import OptionError

Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]


class RankView(NamedTuple):
    """Common samples by their rank in both; S of C are drawn."""

    samples: Indices
    """(S,) numbers of the common samples."""
    first_ranks: Indices
    """(S,)"""
    second_ranks: Indices
    only_first: Mask
    """(S,) flagged by the first alone."""
    only_second: Mask
    anomalous: Mask
    """(S,) labelled anomalous."""
    total: int
    """C."""
    first_flagged: int
    """How many of all common samples."""
    second_flagged: int


class ComparedRoc(NamedTuple):
    """Both ROC curves on the labelled common samples."""

    first: OperatingPoints
    """Thinned for drawing."""
    second: OperatingPoints
    first_at: tuple[float, float]
    """False- and true-positive rate of the verdicts."""
    second_at: tuple[float, float]
    normal: int
    anomalous: int


def rank_view(comparison: Comparison, most: int = 4000) -> RankView:
    """The common samples to draw: all that only one of the two flags, and as many others as `most` allows.

    Of the others, the highest ranks in either are kept, and further down a seeded share that falls with the
    rank: even on a logarithmic axis.
    """
    total = len(comparison.ids)
    chosen = np.zeros((2, total), bool)
    for mask, numbers in zip(chosen, comparison.disagreements, strict=True):
        mask[numbers] = True
    others = np.flatnonzero(~chosen.any(0))
    room = max(most - (total - len(others)), 0)
    if room < len(others):
        best = np.minimum(comparison.first_ranks, comparison.second_ranks)[others]
        keys = np.random.default_rng(0).random(len(others)) * best
        others = others[np.argsort(keys, kind="stable")[:room]]
    samples = np.union1d(np.flatnonzero(chosen.any(0)), others)
    labels = comparison.labels
    return RankView(
        samples=samples,
        first_ranks=comparison.first_ranks[samples],
        second_ranks=comparison.second_ranks[samples],
        only_first=chosen[0][samples],
        only_second=chosen[1][samples],
        anomalous=np.zeros(len(samples), bool) if labels is None else labels[samples] == ANOMALOUS,
        total=total,
        first_flagged=int(comparison.first.flagged[comparison.first_rows].sum()),
        second_flagged=int(comparison.second.flagged[comparison.second_rows].sum()),
    )


def shares_below(comparison: Comparison, percentile: float = 1.0) -> tuple[float, float]:
    """Share of the common samples below a percentile (0 to 100) of each one's training samples."""
    first, second = comparison.percentiles[:2]
    return float((first < percentile).mean()), float((second < percentile).mean())


def compared_roc(comparison: Comparison) -> ComparedRoc:
    """Both ROC curves, and where the present verdicts lie on them.

    Raises:
        OptionError: there are no labels of both kinds.
    """
    if comparison.roc is None or comparison.labels is None:
        raise OptionError("ROC curves need samples labelled normal and anomalous: load labels, or mark some")
    first, second = (points.thinned() for points in comparison.roc)
    normal, anomalous = comparison.labels == NORMAL, comparison.labels == ANOMALOUS
    at = [
        (float(flagged[normal].mean()), float(flagged[anomalous].mean()))
        for flagged in (
            comparison.first.flagged[comparison.first_rows],
            comparison.second.flagged[comparison.second_rows],
        )
    ]
    return ComparedRoc(first, second, at[0], at[1], int(normal.sum()), int(anomalous.sum()))
