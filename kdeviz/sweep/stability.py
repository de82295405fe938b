"""stability: would another subset, a smaller cap or other training rows name the same anomalies?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations, takewhile
from itertools import count as counter
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, OnProgress, analyse
from kdeviz.data import EmbeddingSet
from kdeviz.decision import Estimate, Interval, student_quantile
from kdeviz.errors import DataError, OptionError
from kdeviz.settings import Settings
from kdeviz.wording import count

AGREES = 0.95
"""The share of the top anomalies, beyond chance, that a smaller cap must name on average to agree."""

RANKS_ALIKE = 0.9
"""The rank correlation of two of its fits that a smaller cap needs, on average, to agree."""

SEEDS, CAP, BOOTSTRAP = "seeds", "cap", "bootstrap"
"""What changes between repeats: the random subset, the cap and its subset, or the training rows."""

_FEWEST_POINTS = 50
_POINTS_PER_COMPONENT = 4


class Repeats(NamedTuple):
    """R fits that differ in one thing."""

    source: str
    """SEEDS, CAP or BOOTSTRAP."""
    cap: int
    """Training rows of each fit, at most."""
    scores: NDArray[Any]
    """(R, M) log densities of the inspected rows."""
    hits: NDArray[np.float64]
    """(K,) in how many of the R fits each of the full fit's top anomalies is among the top K as well.

    Where scores tie for the last places, each has its share of them: equal scores name nothing."""
    found: Estimate
    """Mean share of the full fit's top K that a repeat has in its own; Student's interval of a mean."""
    spearman: Estimate
    """Mean rank correlation of two repeats, over all pairs."""
    jaccard: Estimate
    """Mean of (common to both) / (in either) of the top K of two repeats, over all pairs."""


class Stability(NamedTuple):
    """How much of an answer would come out again."""

    settings: Settings
    top: NDArray[np.int64]
    """(K,) numbers of the inspected rows that the full fit ranks most anomalous, the first of them first."""
    scores: NDArray[Any]
    """(M,) log densities under the full fit."""
    repeats: tuple[Repeats, ...]
    """Other seeds (where the cap leaves rows out), bootstrap resamples, and caps, ascending."""
    smallest_cap: int | None
    """The smallest cap that `agrees` with the full fit, as do all larger ones tried; None if none does."""
    notes: tuple[str, ...]

    @property
    def chance(self) -> float:
        """Share of the top K that fits without any skill would find again: K / M."""
        return len(self.top) / max(len(self.scores), 1)

    @property
    def unseen(self) -> str:
        """Why nothing can be seen here, in words; empty where something can."""
        return _unseen(self.scores, len(self.top))

    @property
    def frequency(self) -> NDArray[np.float64]:
        """(K,) share of the fits at the full cap, other seeds and resamples, that name each top anomaly.

        NaN where there are none, or nothing can be seen.
        """
        full = [repeats for repeats in self.repeats if repeats.source != CAP]
        fits = 0 if self.unseen else sum(len(repeats.scores) for repeats in full)
        if not fits:
            return np.full(len(self.top), math.nan)
        return np.asarray(np.sum([repeats.hits for repeats in full], axis=0) / fits, np.float64)

    @property
    def caps(self) -> tuple[Repeats, ...]:
        """The repeats at smaller caps, ascending."""
        return tuple(repeats for repeats in self.repeats if repeats.source == CAP)


def stability(
    train: EmbeddingSet,
    score: EmbeddingSet | None,
    settings: Settings | None = None,
    top: int = 20,
    repeats: int = 10,
    caps: Sequence[int] | None = None,
    device: str | torch.device = "auto",
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
    level: float = 0.95,
) -> Stability:
    """Repeat a fit over seeds, caps and bootstrap resamples, and compare what each finds most anomalous.

    The full fit is `analyse(train, score, settings)`: all training rows, or as many as its cap allows. Every
    repeat is an `analyse` too. A resample draws as many training rows as there are, with replacement; without
    a score set, a row that was drawn is scored by a model without any of its copies.

    Intervals of Spearman and Jaccard are jackknifed over the repeats, since pairs share them: each repeat is
    left out in turn, and Student's quantile has R - 1 degrees of freedom (Arvesen, Annals of Mathematical
    Statistics 40, 1969); two repeats have none. They end at the ends of the measure.

    Fits that know nothing also find K / M of the top K of M samples again. Where that is all of them, or all
    scores are equal, nothing can be seen: there is no frequency and no smallest cap, and a note says so.

    Args:
        train: as for `analyse`.
        score: as for `analyse`; None inspects the training rows.
        settings: of the full fit; the defaults if None.
        top: K, how many anomalies to follow; at most the inspected rows.
        repeats: R, fits per source and per cap; 2 or more.
        caps: smaller caps to try; None halves the full fit's rows down to some 50, or 4 per component.
        device: as for `analyse`.
        on_progress: told (stage in words, fraction of all the fits done).
        cancelled: asked after every block of rows.
        level: of the intervals.

    Raises:
        DataError: the full fit fails. A repeat that fails is left out, with a note.
        OptionError: `top` is below 1, `repeats` below 2, or a cap is not possible.
        Cancelled: `cancelled` said yes.
    """
    settings = settings or Settings()
    if top < 1 or repeats < 2:
        raise OptionError(f"top={top!r}, repeats={repeats!r} is not possible: give top >= 1 and repeats >= 2")
    fits = _Fits(train, score, settings, device, cancelled)
    full = fits.analysis(train, score, settings)
    chosen, plan = most_anomalous(full.scores, top), _plan(full, caps)
    tell = _counted(on_progress, len(plan) * repeats)
    made, notes = [], []
    if plan[0][0] != SEEDS:
        notes.append("the cap leaves no row out: the seed changes nothing")
    for source, cap in plan:
        scores, failures = fits.repeated(source, cap, repeats, tell)
        if failures:
            notes.append(f"{len(failures)} of {repeats} fits failed ({_words(source, cap)}): {failures[0]}")
        if len(scores) >= 2:
            made.append(_compared(source, cap, np.stack(scores), chosen, level))
    tell("Comparing")
    if unseen := _unseen(full.scores, len(chosen)):
        notes.append(f"nothing can be seen: {unseen}")
    smallest = None if unseen else _smallest(made, len(chosen) / len(full.scores))
    return Stability(settings, chosen, full.scores, tuple(made), smallest, tuple(notes))


def most_anomalous(scores: NDArray[Any], most: int) -> NDArray[np.int64]:
    """(K,) numbers of the rows of lowest score, at most so many, the lowest first; in a tie the first row."""
    return np.argsort(scores, kind="stable")[:most]


def beyond_chance(share: float, chance: float) -> float:
    """What of a share is more than chance, 1 being all: (share - chance) / (1 - chance), as Cohen's kappa.

    Source: J. Cohen, Educational and Psychological Measurement 20, 1960.
    """
    return (share - chance) / (1 - chance) if chance < 1 else math.nan


def _unseen(scores: NDArray[Any], K: int) -> str:
    """Why these scores name no top K; empty if they do."""
    M = len(scores)
    if M <= K:
        return f"all {count(M)} scored samples are among the top {count(K)}: follow fewer, or score more"
    lowest = int((scores == scores.min()).sum())
    if lowest == M:
        return "all samples have the same score, so none is more anomalous than another"
    if lowest > K:
        return f"{count(lowest)} samples share the lowest score, so there is no top {count(K)}"
    return ""


def _named(scores: NDArray[Any], K: int) -> NDArray[np.float64]:
    """(M,) 1 for the K lowest scores; those that tie for the last of these places share them."""
    last = np.partition(scores, K - 1)[K - 1]
    below, tied = scores < last, scores == last
    return np.asarray(np.where(tied, (K - below.sum()) / tied.sum(), below.astype(np.float64)))


def _plan(full: Analysis, caps: Sequence[int] | None) -> list[tuple[str, int]]:
    """What to repeat: (source, cap), caps ascending; seeds where the cap of the full fit leaves rows out."""
    points = len(full.fitted_on)
    ladder = _ladder(points, full.classifier.n_components_) if caps is None else sorted(set(caps))
    seeds = [(SEEDS, full.settings.max_training_points)] if points < len(full.train.to_fit) else []
    return [*seeds, (BOOTSTRAP, points), *((CAP, cap) for cap in ladder if cap < points)]


def _counted(on_progress: OnProgress | None, total: int) -> Callable[[str], None]:
    """Tells a stage, and that one more of so many fits is done at every call after the first."""
    done = counter()

    def tell(stage: str) -> None:
        fraction = next(done) / total
        if on_progress is not None:
            on_progress(stage, fraction)

    return tell


class _Fits(NamedTuple):
    train: EmbeddingSet
    score: EmbeddingSet | None
    settings: Settings
    device: str | torch.device
    cancelled: Callable[[], bool] | None

    def analysis(self, rows: EmbeddingSet, inspected: EmbeddingSet | None, settings: Settings) -> Analysis:
        """One fit."""
        return analyse(rows, inspected, settings, self.device, None, self.cancelled)

    def repeated(
        self, source: str, cap: int, repeats: int, tell: Callable[[str], None]
    ) -> tuple[list[NDArray[Any]], list[str]]:
        """The scores of the fits that succeed, and why the others do not."""
        scores, failures = [], []
        for repeat in range(repeats):
            tell(_words(source, cap))
            try:
                scores.append(self.scores(source, cap, repeat))
            except DataError as error:
                failures.append(str(error))
        return scores, failures

    def scores(self, source: str, cap: int, repeat: int) -> NDArray[Any]:
        """(M,) scores of the inspected rows under one more fit."""
        other = replace(self.settings, seed=self.settings.seed + repeat + 1)
        if source != BOOTSTRAP:
            return self.analysis(self.train, self.score, replace(other, max_training_points=cap)).scores
        rows = np.arange(len(self.train))
        if self.train.excluded is not None:
            rows = rows[~self.train.excluded]
        drawn = np.random.default_rng((self.settings.seed, repeat)).choice(rows, len(rows))
        inspected = self.train if self.score is None else self.score
        resample = replace(self.train.take(drawn), name=f"{self.train.name}, resampled")
        return self.analysis(resample, inspected, other).scores


def _ladder(points: int, components: int) -> list[int]:
    """Half the points, a quarter, and so on; ascending."""
    fewest = max(_FEWEST_POINTS, _POINTS_PER_COMPONENT * components)
    return [points >> i for i in range(points.bit_length(), 0, -1) if points >> i >= fewest]


def _words(source: str, cap: int) -> str:
    return {SEEDS: "Other seeds", BOOTSTRAP: "Resampled training rows", CAP: f"At most {cap} rows"}[source]


def _compared(
    source: str, cap: int, scores: NDArray[Any], chosen: NDArray[np.int64], level: float
) -> Repeats:
    from scipy.stats import rankdata

    K = len(chosen)
    inside = np.stack([_named(row, K) for row in scores])
    again, common = inside[:, chosen], inside @ inside.T
    correlation = np.full((len(scores),) * 2, math.nan)
    if scores.shape[1] > 1:
        with np.errstate(invalid="ignore"):  # where all scores are equal there is no order to agree on
            correlation = np.corrcoef(rankdata(scores, axis=1))
    return Repeats(
        source,
        cap,
        scores,
        again.sum(0),
        _mean(again.mean(1), level),
        _pairwise(correlation, level, -1.0),
        _pairwise(common / (2 * K - common), level, 0.0),
    )


def _mean(values: NDArray[np.float64], level: float) -> Estimate:
    spread = float(values.std(ddof=1)) / math.sqrt(len(values))
    return _within(float(values.mean()), spread, len(values), level, 0.0)


def _pairwise(measure: NDArray[np.float64], level: float, lowest: float) -> Estimate:
    """The mean over all pairs of repeats, with its jackknife interval."""
    R = len(measure)
    pairs = np.array([measure[i, j] for i, j in combinations(range(R), 2)])
    if R == 2:
        return Estimate(float(pairs[0]), Interval(math.nan, math.nan))
    total = pairs.sum()
    without = (total - (measure.sum(1) - np.diag(measure))) / ((R - 1) * (R - 2) / 2)
    spread = math.sqrt((R - 1) / R * float(np.square(without - without.mean()).sum()))
    return _within(float(pairs.mean()), spread, R, level, lowest)


def _within(value: float, spread: float, n: int, level: float, lowest: float) -> Estimate:
    half_width = student_quantile(level, n - 1) * spread
    return Estimate(value, Interval(max(value - half_width, lowest), min(value + half_width, 1.0)))


def agrees(repeats: Repeats, chance: float) -> bool:
    """Whether fits find the top of the full fit, `AGREES` of it beyond chance, and rank all `RANKS_ALIKE`."""
    found = beyond_chance(repeats.found.value, chance)
    return found >= AGREES and repeats.spearman.value >= RANKS_ALIKE


def _smallest(made: Sequence[Repeats], chance: float) -> int | None:
    """From the largest cap down, while they agree."""
    caps = sorted((each for each in made if each.source == CAP), key=lambda each: -each.cap)
    agreeing = takewhile(lambda each: agrees(each, chance), caps)
    return min((each.cap for each in agreeing), default=None)
