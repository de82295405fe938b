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


class Disagreements(NamedTuple):
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
    disagreements: Disagreements
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

    @property
    def of_training(self) -> bool:
        """Whether the common samples are all that both models were given to learn from.

        Their percentiles then spread evenly by construction.
        """
        return all(
            side.of_training and len(side.scores) == len(self.ids) for side in (self.first, self.second)
        )


def compare(
    first: Scored, second: Scored, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> Comparison:
    """Compare two models on the samples that both have scored, matched by id.

    Where an id repeats, the first, second, ... samples of that id are matched with each other. What differs
    is told as what the second does more or better. `resamples`, `seed` and `level`: see `auroc_difference`.

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
    properties = zip(_properties(first), _properties(second), strict=True)
    return Comparison(
        first=first,
        second=second,
        settings=tuple(Setting(name, its, others) for (name, its), (_, others) in properties),
        ids=first.ids[first_rows],
        first_rows=first_rows,
        second_rows=second_rows,
        labels=labels,
        first_ranks=first_ranks,
        second_ranks=second_ranks,
        spearman=_spearman(one, other),
        percentiles=Percentiles(_percentile(one, first), _percentile(other, second)),
        roc=roc,
        disagreements=Disagreements(
            _only(first_flagged, second_flagged, first_ranks),
            _only(second_flagged, first_flagged, second_ranks),
        ),
        verdicts=verdicts,
        separation=separation,
        notes=tuple(_notes(first, second, len(first_rows), contradictions)),
    )


def _common(first: Scored, second: Scored) -> tuple[Indices, Indices]:
    """Which rows of each are samples that the other has as well, in the order of the first."""
    places = pd.Index(sample_keys(second.ids)).get_indexer(pd.Index(sample_keys(first.ids)))
    first_rows = np.flatnonzero(places >= 0)
    if not len(first_rows):
        raise DataError(
            f"{first.name} and {second.name} have no sample in common, by id: compare models on the same data"
        )
    return first_rows, places[first_rows].astype(np.int64)


def _labels(
    first: Scored, second: Scored, first_rows: Indices, second_rows: Indices
) -> tuple[NDArray[np.int8] | None, int]:
    """(C,) labels, and how many were dropped because the two contradict each other."""
    firsts, seconds = first.decision.labels, second.decision.labels
    if firsts is None or seconds is None:
        labels, rows = (firsts, first_rows) if seconds is None else (seconds, second_rows)
        return (None if labels is None else labels[rows]), 0
    one, other = firsts[first_rows], seconds[second_rows]
    contradict = (one != other) & (one != UNKNOWN) & (other != UNKNOWN)
    either = np.where(one == UNKNOWN, other, one)
    return np.where(contradict, UNKNOWN, either).astype(np.int8), int(contradict.sum())


def _properties(scored: Scored) -> Iterator[tuple[str, Any]]:
    decision = scored.decision
    settings, model = decision.analysis.settings, decision.analysis.classifier
    yield "components", settings.n_pca_components
    yield "components kept", model.n_components_
    yield "scaling", settings.feature_scaling_method.value
    yield "standardised", "yes" if settings.standardise else "no"
    yield "training cap", settings.max_training_points
    yield "training samples", len(model.training_rows)
    yield "rows of the axes", model.axes_rows or len(model.training_rows)
    yield "bandwidth", settings.bandwidth
    yield "seed", settings.seed
    yield "threshold rule", None if decision.rule is None else decision.rule.in_words
    yield "threshold", decision.threshold
    yield "curve midpoint", decision.curve.midpoint
    yield "curve steepness", decision.curve.steepness
    yield "fixes", scored.fixes
    yield "training data", model.data_digest
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


def _percentile(scores: NDArray[Any], scored: Scored) -> Floats:
    ordered = np.sort(scored.decision.analysis.reference)
    twice = np.searchsorted(ordered, scores) + np.searchsorted(ordered, scores, "right")
    return np.asarray(50 * twice / len(ordered), np.float64)


def _only(flagged: NDArray[np.bool_], other: NDArray[np.bool_], ranks: Indices) -> Indices:
    samples = np.flatnonzero(flagged & ~other)
    return samples[np.argsort(ranks[samples], kind="stable")]


def _notes(first: Scored, second: Scored, common: int, contradictions: int) -> Iterator[str]:
    only_first, only_second = len(first.scores) - common, len(second.scores) - common
    if only_first or only_second:
        yield (
            f"In both: {count(common)} samples; left out are {count(only_first)} that only the first has "
            f"and {count(only_second)} that only the second has."
        )
    if first.inspected_digest != second.inspected_digest:
        yield "The inspected data are not the same: samples are matched by id alone."
    if contradictions:
        yield f"Samples with contradicting labels, which count as not labelled: {count(contradictions)}."
    rules = first.decision.rule, second.decision.rule
    if rules[0] != rules[1]:
        aims = ("as the saved model has it" if rule is None else rule.rule.aim for rule in rules)
        yield (
            "The threshold of the first is put {}; that of the second {}. Their verdicts differ for that "
            "reason too; the AUROC knows no threshold.".format(*aims)
        )
