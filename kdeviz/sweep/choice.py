"""Which row of a sweep to take."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from kdeviz.decision import Estimate, Interval
from kdeviz.errors import DataError, OptionError
from kdeviz.settings import Settings
from kdeviz.sweep.sweep import Sweep, SweepRow
from kdeviz.wording import duration, number, percent, size

ENOUGH_VARIANCE = 0.9
"""Without labels, component counts that carry this share of the variance are looked at."""

STABLE = 0.5
"""Of those the fewest are taken that name this share of the top anomalies of the next larger count."""


class Metric(NamedTuple):
    """A number of a row."""

    words: str
    explanation: str
    higher_is_better: bool = True
    written: Callable[[float], str] = number
    """As a person reads it, with its unit."""


METRICS = {
    "auroc": Metric(
        "AUROC", "The chance that an anomalous sample scores lower than a normal one, ties counting half."
    ),
    "average_precision": Metric(
        "average precision", "The mean precision from the most to the least suspicious anomalous sample."
    ),
    "recall": Metric(
        "recall at 1 % false positives",
        "The share of the anomalous samples found when at most 1 % of the normal ones are flagged.",
        written=percent,
    ),
    "log_density": Metric(
        "mean leave-one-out log density",
        "How well the model predicts training rows it has not seen, in nats. It compares only settings with "
        "equal components and equal scaling.",
    ),
    "alarm_share": Metric(
        "held-out alarms",
        "The share of training rows flagged by models fitted without them, over five parts. Good is what the "
        "threshold's rule promises: far fewer may mean a model that sees nothing.",
        higher_is_better=False,
        written=percent,
    ),
    "explained_variance": Metric(
        "explained variance", "The share of the variance that the components kept carry.", written=percent
    ),
    "fit_seconds": Metric(
        "fit time", "Principal axes that another setting had found are not found again.", False, duration
    ),
    "score_seconds": Metric("scoring time", "For all training and all inspected rows.", False, duration),
    "model_bytes": Metric("model size", "Of the tensors in the model file.", False, size),
}
"""By the names of the fields of `SweepRow`."""

CHOICES = ("auroc", "average_precision", "recall", "log_density")
"""The metrics that `best` chooses by: a good value of the others alone says nothing about the model."""

OF_LABELS = ("auroc", "average_precision", "recall")
"""The metrics that there are only with labels."""


class Step(NamedTuple):
    """From one component count to the next larger one."""

    fewer: int
    more: int
    pairs: int
    """How many rows of each differ in nothing but the components."""
    top: int
    """How many top anomalies a row has."""
    common: int
    """Of these, how many are in both rows of a pair; the sum over the pairs."""

    @property
    def agreement(self) -> float:
        """Mean share of the larger count's top anomalies that the smaller one names."""
        return self.common / (self.top * self.pairs)


class Narrowed(NamedTuple):
    """How rows were narrowed down to those whose log densities compare; see `best`."""

    components: int
    carried: float
    """Share of the variance that these carry."""
    enough: bool
    """Whether that is `ENOUGH_VARIANCE`; otherwise they are the most tried."""
    stable: Step | None = None
    """To the next larger count, which names the same samples; None where no count is `STABLE`."""
    first: Step | None = None
    """Between the two smallest counts that carry enough; None where there are no two to compare."""
    from_more_counts: bool = False
    """Whether there were rows of other component counts."""
    scaling: str | None = None
    """The one that was taken; None where all rows have one."""
    scaling_is_default: bool = False


class Choice(NamedTuple):
    """Two rows to look at first."""

    metric: str
    best: SweepRow
    simplest: SweepRow
    """Fewest components, then fewest training rows, of those within the best one's interval."""
    narrowed: Narrowed | None = None
    """Which rows were compared, by log density, where not all of them compare."""

    def title(self, row: SweepRow) -> str:
        """What a row is, "best" or "simplest" or both; empty for all others."""
        titles = {"best": self.best, "simplest": self.simplest}
        return ", ".join(name for name, titled in titles.items() if titled.settings == row.settings)

    def as_good(self, row: SweepRow) -> bool | None:
        """Whether a row's value lies within the best one's interval or above; None if it does not compare."""
        own, best = estimate_of(row, self.metric), estimate_of(self.best, self.metric)
        alike = row.components == self.best.components and (
            row.settings.feature_scaling_method is self.best.settings.feature_scaling_method
        )
        if own is None or best is None or math.isnan(own.value):
            return None
        if self.metric == "log_density" and not alike:
            return None
        return own.value >= _lowest_within(best)


def estimate_of(row: SweepRow, metric: str) -> Estimate | None:
    """A row's value of one of `METRICS`, with its interval, (NaN, NaN) where it has none; None if missing.

    Raises:
        OptionError: there is no such metric.
    """
    if metric not in METRICS:
        raise OptionError(f"metric {metric!r} is not known: choose {', '.join(METRICS)}")
    value = None if row.error is not None else getattr(row, metric)
    if value is None or isinstance(value, Estimate):
        return value
    return Estimate(float(value), Interval(math.nan, math.nan))


def sorted_rows(sweep: Sweep, metric: str, choice: Choice | None = None) -> list[SweepRow]:
    """The better first; rows without the number last, in the order of the grid.

    Log densities are sorted within equal scaling and equal components, since no others compare; those of the
    chosen row come first.
    """

    def kind(row: SweepRow) -> tuple[str, int]:
        return row.settings.feature_scaling_method.value, row.components

    def place(row: SweepRow) -> tuple[bool, bool, str, int, float]:
        estimate = estimate_of(row, metric)
        missing = estimate is None or math.isnan(estimate.value)
        group = (False, "", 0)
        if metric == "log_density":
            group = (choice is not None and kind(row) != kind(choice.best), *kind(row))
        value = 0.0 if estimate is None or missing else estimate.value
        return missing, *group, -value if METRICS[metric].higher_is_better else value

    return sorted(sweep.rows, key=place)


def best(sweep: Sweep, metric: str | None = None) -> Choice:
    """The best row, and the simplest one that may be as good ("one standard error" rule).

    The best of many is flattered by chance: its value is no estimate of what new rows will show.

    Simplest: of the rows whose value lies within the best one's interval, the one with the fewest components,
    then with the fewest training rows, then with the best value. The rule is Breiman's (Classification and
    Regression Trees, 1984, section 3.4.3) with the 95 % interval instead of one standard error.

    By log density, which needs no labels, only settings with equal components and equal scaling compare. So
    the components come first, by variance and stability: of the counts that carry `ENOUGH_VARIANCE` of the
    variance, the fewest that rank like the next larger one. They do when at least `STABLE` of its top
    anomalies (see `SweepRow.top`) are among their own, on average over the rows equal but for the components.
    Where none do, the fewest with enough variance are taken; where none has enough, the most there are.
    Scaling stays at the default where the grid has it, for nothing here can judge it; and the leave-one-out
    likelihood then chooses the bandwidth, for which it is a sound criterion (Duin, IEEE Transactions on
    Computers C-25, 1976), and the cap.

    Args:
        sweep: with at least one row that has the metric.
        metric: one of `CHOICES`; AUROC where there are labels and log density where not, if None.

    Raises:
        OptionError: the metric is none of these.
        DataError: no row has it.
    """
    metric = metric or ("auroc" if sweep.labelled else "log_density")
    if metric not in CHOICES:
        raise OptionError(f"metric {metric!r} chooses no setting: choose {', '.join(CHOICES)}")
    if metric in OF_LABELS and not sweep.labelled:
        raise DataError(f"{METRICS[metric].words} needs both normal and anomalous labels: choose log_density")
    known = [row for row in sweep.rows if math.isfinite(_value(row, metric))]
    if not known:
        raise DataError("no setting of this sweep could be fitted: look at the errors of its rows")
    rows, narrowed = _comparable(known) if metric == "log_density" else (known, None)
    top = max(rows, key=lambda row: (_value(row, metric), *(-x for x in _size(row))))
    estimate = estimate_of(top, metric)
    assert estimate is not None
    within = [row for row in rows if _value(row, metric) >= _lowest_within(estimate)]
    simplest = min(within, key=lambda row: (*_size(row), -_value(row, metric)))
    return Choice(metric, top, simplest, narrowed)


def _value(row: SweepRow, metric: str) -> float:
    estimate = estimate_of(row, metric)
    return -math.inf if estimate is None or math.isnan(estimate.value) else estimate.value


def _lowest_within(estimate: Estimate) -> float:
    return estimate.value if math.isnan(estimate.interval.low) else estimate.interval.low


def _size(row: SweepRow) -> tuple[int, int]:
    return row.components, row.training_points


def _comparable(rows: Sequence[SweepRow]) -> tuple[list[SweepRow], Narrowed]:
    """Rows of one component count and one scaling, and how these were chosen; see `best`."""
    narrowed = _components(rows)
    chosen = [row for row in rows if row.components == narrowed.components]
    default = Settings().feature_scaling_method
    usual = [row for row in chosen if row.settings.feature_scaling_method is default]
    scalings = {row.settings.feature_scaling_method for row in rows}
    return usual or chosen, narrowed._replace(
        from_more_counts=len(chosen) < len(rows),
        scaling=(usual or chosen)[0].settings.feature_scaling_method.value if len(scalings) > 1 else None,
        scaling_is_default=bool(usual),
    )


def _components(rows: Sequence[SweepRow]) -> Narrowed:
    """How many components to take, and by what they were chosen; see `best`."""
    enough = [row for row in rows if row.explained_variance >= ENOUGH_VARIANCE]
    if not enough:
        most = max(rows, key=lambda row: (row.components, row.explained_variance))
        return Narrowed(most.components, most.explained_variance, False)
    steps = _steps(enough)
    step = next((step for step in steps if step.agreement >= STABLE), None)
    k = min(row.components for row in enough) if step is None else step.fewer
    carried = max(row.explained_variance for row in enough if row.components == k)
    return Narrowed(k, carried, True, step, steps[0] if steps else None)


def _steps(rows: Sequence[SweepRow]) -> list[Step]:
    """Between successive component counts, where there are rows that are equal but for the components."""
    tops: dict[int, dict[Settings, set[int]]] = {}
    for row in rows:
        others = replace(row.settings, n_pca_components=1)
        tops.setdefault(row.components, {})[others] = set(row.top)
    steps = []
    for fewer, more in pairwise(sorted(tops)):
        both = tops[fewer].keys() & tops[more].keys()
        common = sum(len(tops[fewer][others] & tops[more][others]) for others in both)
        top = max((len(tops[more][others]) for others in both), default=0)
        if top:
            steps.append(Step(fewer, more, len(both), top, common))
    return steps
