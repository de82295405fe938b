"""The numbers behind the pictures of stability: agreement between repeats, and which anomalies return."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.data import EmbeddingSet
from kdeviz.sweep import AGREES, CAP, Repeats, Stability

MEASURES = {"found": "found again", "spearman": "Spearman", "jaccard": "Jaccard"}
"""By the names of the fields of `Repeats`, in words."""


class AgreementView(NamedTuple):
    """How well S sets of repeats agree: smaller caps ascending, then those of the full fit's size."""

    top: int
    """K, how many anomalies are followed."""
    sources: tuple[str, ...]
    """As `Repeats.source`."""
    caps: NDArray[np.int64]
    """(S,) training rows of each fit, at most."""
    repeats: NDArray[np.int64]
    """(S,) how many fits."""
    values: NDArray[np.float64]
    """(3, S), by `MEASURES`."""
    low: NDArray[np.float64]
    """(3, S) lower end of the interval; NaN where there is none."""
    high: NDArray[np.float64]
    agrees: float
    """The share found again from which on a cap agrees with the full fit."""
    smallest_cap: int | None
    """The smallest cap that agrees, as do all larger ones; None if none does."""


class StripView(NamedTuple):
    """The K most anomalous samples, the first of them first, and how often each is named again."""

    rows: NDArray[np.int64]
    """(K,) inspected rows."""
    names: tuple[str, ...]
    """Their ids."""
    scores: NDArray[np.float64]
    """(K,) log densities under the full fit."""
    frequency: NDArray[np.float64]
    """(K,) share of the repeats at the full cap that name it again; NaN where there are none."""
    repeats: int
    """How many there are."""
    often: float
    """The share from which on a sample counts as coming back."""
    returning: int
    """How many samples reach it."""


def agreement_view(stability: Stability) -> AgreementView:
    """Share found again, rank correlation and overlap of the top K, by the number of training rows."""
    others = [each for each in stability.repeats if each.source != CAP]
    shown = [*stability.caps, *others]
    numbers = np.array([_numbers(each) for each in shown], np.float64).reshape(len(shown), 3, 3)
    value, low, high = numbers.transpose(2, 1, 0)
    return AgreementView(
        top=len(stability.top),
        sources=tuple(each.source for each in shown),
        caps=np.array([each.cap for each in shown], np.int64),
        repeats=np.array([len(each.scores) for each in shown], np.int64),
        values=value,
        low=low,
        high=high,
        agrees=AGREES,
        smallest_cap=stability.smallest_cap,
    )


def strip_view(stability: Stability, inspected: EmbeddingSet) -> StripView:
    """How often each of the most anomalous samples is among the most anomalous of a repeat."""
    frequency = stability.frequency
    return StripView(
        rows=stability.top,
        names=tuple(inspected.ids[stability.top].tolist()),
        scores=stability.scores[stability.top].astype(np.float64),
        frequency=frequency,
        repeats=sum(len(each.scores) for each in stability.repeats if each.source != CAP),
        often=AGREES,
        returning=int((frequency >= AGREES).sum()),
    )


def _numbers(repeats: Repeats) -> list[tuple[float, float, float]]:
    found = (getattr(repeats, name) for name in MEASURES)
    return [(estimate.value, *estimate.interval) for estimate in found]
