"""Two sets of scores of the same samples, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdeviz.comparison.paired import SeparationTest, VerdictTest, auroc_difference, mcnemar
from kdeviz.comparison.scored import Scored
from kdeviz.data import UNKNOWN, sample_keys
from kdeviz.decision import OperatingPoints, has_both_labels, operating_points
from kdeviz.errors import DataError
from kdeviz.wording import count

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class Setting(NamedTuple):
    """One property of both."""

    name: str
    first: Any
    """None if that is not known."""
    second: Any

    @property
    def differs(self) -> bool:
        """Whether both are known, and not equal."""
        return self.first is not None and self.second is not None and bool(self.first != self.second)


class Percentiles(NamedTuple):
    """Where the C common samples lie among the training samples of each model.

    The percentile is the share, in per cent, of the reference scores that are lower, equal ones counting
    half: 0 is more anomalous than every training sample, and new normal samples spread evenly from 0 to 100.
    Unlike log densities, percentiles of different models have the same meaning.
    """

    first: Floats  # (C,)
    second: Floats  # (C,)
    edges: Floats  # (B + 1,), from 0 to 100
    first_counts: Indices  # (B,)
    second_counts: Indices  # (B,)
    first_reference: str
    """"training": leave-one-out scores of the training samples; "inspected" where those are not known."""
    second_reference: str


class Flips(NamedTuple):
    """Numbers of the common samples that exactly one of the two flags, the most anomalous for it first."""

    only_first: Indices
    only_second: Indices


class Comparison(NamedTuple):
    """What differs. "Common" are the C samples that both have scored, in the order of the first."""

    first: Scored
    second: Scored
    settings: tuple[Setting, ...]
    ids: NDArray[np.str_]
    """(C,)"""
    first_rows: Indices
    """(C,) numbers of the common samples in `first`."""
    second_rows: Indices
    labels: NDArray[np.int8] | None
    """(C,) what either says; UNKNOWN where they contradict each other. None if neither has labels."""
    first_ranks: Indices
    """(C,) among the common samples; 1 is the most anomalous, equal scores share a rank."""
    second_ranks: Indices
    spearman: float | None
    """Rank correlation, from -1 to 1; None where one model gives every common sample the same score."""
    percentiles: Percentiles
    roc: tuple[OperatingPoints, OperatingPoints] | None
    """On the labelled common samples; None without labels of both kinds."""
    flips: Flips
    verdicts: VerdictTest | None
    """None without labels."""
    separation: SeparationTest | None
    """None without labels of both kinds."""
    notes: tuple[str, ...]
    """What a person should know about this comparison, one sentence each."""

    @property
    def first_scores(self) -> NDArray[Any]:
        """(C,) log densities of the common samples."""
        return np.asarray(self.first.scores[self.first_rows])

    @property
    def second_scores(self) -> NDArray[Any]:
        """(C,) log densities of the common samples."""
        return np.asarray(self.second.scores[self.second_rows])


def compare(
    first: Scored, second: Scored, bins: int = 20, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> Comparison:
    """Compare two models on the samples that both have scored, matched by id.

    Where an id repeats, the first, second, ... samples of that id are matched with each other.

    Args:
        first: one of them.
        second: the other; differences are told as what it does more or better.
        bins: of the percentile histograms.
        resamples: of the bootstrap.
        seed: of the bootstrap.
        level: of the interval.

    Raises:
        DataError: no sample is in both.
        OptionError: a number out of its range.
    """
    first_rows, second_rows = _common(first, second)
    one, other = first.scores[first_rows], second.scores[second_rows]
    labels, contradictions = _labels(first, second, first_rows, second_rows)
    first_ranks, second_ranks = _ranks(one), _ranks(other)
    first_flagged, second_flagged = first.flagged[first_rows], second.flagged[second_rows]
    roc = verdicts = separation = None
    if labels is not None and (labels != UNKNOWN).any():
        verdicts = mcnemar(first_flagged, second_flagged, labels)
    if labels is not None and has_both_labels(labels):
        roc = operating_points(one, labels), operating_points(other, labels)
        separation = auroc_difference(one, other, labels, resamples, seed, level)
    return Comparison(
        first=first,
        second=second,
        settings=tuple(_settings(first, second)),
        ids=first.ids[first_rows],
        first_rows=first_rows,
        second_rows=second_rows,
        labels=labels,
        first_ranks=first_ranks,
        second_ranks=second_ranks,
        spearman=_spearman(one, other),
        percentiles=_percentiles(first, second, one, other, bins),
        roc=roc,
        flips=Flips(
            _only(first_flagged, second_flagged, first_ranks),
            _only(second_flagged, first_flagged, second_ranks),
        ),
        verdicts=verdicts,
        separation=separation,
        notes=tuple(_notes(first, second, len(first_rows), contradictions)),
    )


def _common(first: Scored, second: Scored) -> tuple[Indices, Indices]:
    """Which rows of each are samples that the other has as well, in the order of the first."""
    found = pd.Index(sample_keys(second.ids)).get_indexer(pd.Index(sample_keys(first.ids)))
    first_rows = np.flatnonzero(found >= 0)
    if not len(first_rows):
        raise DataError(
            f"{first.name} and {second.name} have no sample in common, by id: compare models on the same data"
        )
    return first_rows, found[first_rows].astype(np.int64)


def _labels(
    first: Scored, second: Scored, first_rows: Indices, second_rows: Indices
) -> tuple[NDArray[np.int8] | None, int]:
    """(C,) labels, and how many were dropped because the two contradict each other."""
    if first.labels is None or second.labels is None:
        known = (first, first_rows) if second.labels is None else (second, second_rows)
        return (None if known[0].labels is None else known[0].labels[known[1]]), 0
    one, other = first.labels[first_rows], second.labels[second_rows]
    contradict = (one != other) & (one != UNKNOWN) & (other != UNKNOWN)
    labels = np.where(one == UNKNOWN, other, one)
    return np.where(contradict, UNKNOWN, labels).astype(np.int8), int(contradict.sum())


def _settings(first: Scored, second: Scored) -> Iterator[Setting]:
    for (name, one), (_, other) in zip(_properties(first), _properties(second), strict=True):
        yield Setting(name, one, other)


def _properties(scored: Scored) -> Iterator[tuple[str, Any]]:
    settings, model, rule = scored.settings, scored.model, scored.rule
    yield "components", settings.n_pca_components
    yield "components kept", None if model is None else model.n_components_
    yield "scaling", settings.feature_scaling_method.value
    yield "training cap", settings.max_training_points
    yield "training samples", None if model is None else len(model.training_rows)
    yield "bandwidth", settings.bandwidth
    yield "seed", settings.seed
    yield "threshold rule", None if rule is None else rule.in_words
    yield "threshold", scored.threshold
    yield "curve midpoint", scored.curve.midpoint
    yield "curve steepness", scored.curve.steepness
    yield "fixes", scored.fixes
    yield "training data", None if model is None else model.data_digest
    yield "inspected data", scored.inspected_digest


def _ranks(scores: NDArray[Any]) -> Indices:
    return np.searchsorted(np.sort(scores), scores) + 1


def _spearman(one: NDArray[Any], other: NDArray[Any]) -> float | None:
    """Pearson's correlation of the ranks, tied ones averaged."""
    from scipy.stats import rankdata

    first, second = rankdata(one), rankdata(other)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _percentiles(
    first: Scored, second: Scored, one: NDArray[Any], other: NDArray[Any], bins: int
) -> Percentiles:
    edges = np.linspace(0, 100, bins + 1)
    first_found, second_found = _percentile(one, _reference(first)), _percentile(other, _reference(second))
    return Percentiles(
        first_found,
        second_found,
        edges,
        np.histogram(first_found, edges)[0],
        np.histogram(second_found, edges)[0],
        "inspected" if first.train_scores is None else "training",
        "inspected" if second.train_scores is None else "training",
    )


def _reference(scored: Scored) -> NDArray[Any]:
    return scored.scores if scored.train_scores is None else scored.train_scores


def _percentile(scores: NDArray[Any], reference: NDArray[Any]) -> Floats:
    ordered = np.sort(reference)
    twice = np.searchsorted(ordered, scores) + np.searchsorted(ordered, scores, "right")
    return np.asarray(50 * twice / len(ordered), np.float64)


def _only(flagged: NDArray[np.bool_], other: NDArray[np.bool_], ranks: Indices) -> Indices:
    found = np.flatnonzero(flagged & ~other)
    return found[np.argsort(ranks[found], kind="stable")]


def _notes(first: Scored, second: Scored, common: int, contradictions: int) -> Iterator[str]:
    only_first, only_second = len(first.scores) - common, len(second.scores) - common
    if only_first or only_second:
        yield (
            f"In both: {count(common)} samples; left out are {count(only_first)} that only the first has "
            f"and {count(only_second)} that only the second has."
        )
    digests = first.inspected_digest, second.inspected_digest
    if None not in digests and digests[0] != digests[1]:
        yield "The inspected data are not the same: samples are matched by id alone."
    if contradictions:
        yield f"Samples with contradicting labels, which count as not labelled: {count(contradictions)}."
