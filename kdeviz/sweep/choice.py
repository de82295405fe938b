"""Which row of a sweep to take."""

from __future__ import annotations

import math
from typing import NamedTuple

from kdeviz.decision import Estimate
from kdeviz.errors import DataError, OptionError
from kdeviz.settings import bandwidth_in_words
from kdeviz.sweep.metrics import CHOICES, METRICS, OF_LABELS, estimate_of
from kdeviz.sweep.narrowing import Narrowed, comparable, kind_of
from kdeviz.sweep.sweep import Sweep, SweepRow
from kdeviz.wording import count


class Choice(NamedTuple):
    """Two rows to look at first."""

    metric: str
    best: SweepRow
    simplest: SweepRow
    """Fewest components, then fewest training rows, of those within the best one's interval."""
    narrowed: Narrowed | None = None
    """Which rows were compared, by log density, where not all of them compare."""

    @property
    def sentence(self) -> str:
        """What was chosen and why, in plain words."""
        because = () if self.narrowed is None else self.narrowed.sentences()
        return " ".join([_compared(self.metric, self.best, self.simplest), *because])

    def title(self, row: SweepRow) -> str:
        """What a row is, "best" or "simplest" or both; empty for all others."""
        titles = {"best": self.best, "simplest": self.simplest}
        return ", ".join(name for name, titled in titles.items() if titled.settings == row.settings)

    def as_good(self, row: SweepRow) -> bool | None:
        """Whether a row's value lies within the best one's interval or above; None if it does not compare."""
        own, best = estimate_of(row, self.metric), estimate_of(self.best, self.metric)
        if own is None or best is None or math.isnan(own.value):
            return None
        if self.metric == "log_density" and kind_of(row) != kind_of(self.best):
            return None
        return own.value >= _lowest_within(best)


def sorted_rows(sweep: Sweep, metric: str, choice: Choice | None = None) -> list[SweepRow]:
    """The better first; rows without the number last, in the order of the grid.

    Log densities are sorted within one kind of rows, since no others compare; those of the chosen row come
    first.
    """

    def place(row: SweepRow) -> tuple[bool, bool, bool, str, int, float]:
        estimate = estimate_of(row, metric)
        missing = estimate is None or math.isnan(estimate.value)
        group = (False, False, "", 0)
        if metric == "log_density":
            group = (choice is not None and kind_of(row) != kind_of(choice.best), *kind_of(row))
        value = 0.0 if estimate is None or missing else estimate.value
        return missing, *group, -value if METRICS[metric].higher_is_better else value

    return sorted(sweep.rows, key=place)


def best(sweep: Sweep, metric: str | None = None) -> Choice:
    """The best row, and the simplest one that may be as good ("one standard error" rule).

    The best of many is flattered by chance: its value is no estimate of what new rows will show.

    Simplest: of the rows whose value lies within the best one's interval, the one with the fewest components,
    then with the fewest training rows, then with the best value. The rule is Breiman's (Classification and
    Regression Trees, 1984, section 3.4.3) with the 95 % interval instead of one standard error.

    By log density, which needs no labels, only settings with equal components and equal scaling compare, and
    only standardised ones with each other. Features are not standardised where the grid has that. The
    components come first, by variance and stability: of the counts that carry `ENOUGH_VARIANCE` of the
    variance, the fewest that rank like the next larger one. They do when at least `STABLE` of its top
    anomalies (see `SweepRow.top`) are among their own, on average over the rows equal but for the components.
    Where none do, the fewest with enough variance are taken; where none has enough, the most there are.
    Scaling stays at the default where the grid has it, for nothing here can judge it; and the held-out
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
    rows, narrowed = comparable(known) if metric == "log_density" else (known, None)
    top = max(rows, key=lambda row: (_value(row, metric), *(-x for x in _size(row))))
    estimate = estimate_of(top, metric)
    assert estimate is not None
    within = [row for row in rows if _value(row, metric) >= _lowest_within(estimate)]
    simplest = min(within, key=lambda row: (*_size(row), -_value(row, metric)))
    if narrowed is not None:
        narrowed = narrowed._replace(carried=top.explained_variance)
    return Choice(metric, top, simplest, narrowed)


def _value(row: SweepRow, metric: str) -> float:
    estimate = estimate_of(row, metric)
    return -math.inf if estimate is None or math.isnan(estimate.value) else estimate.value


def _lowest_within(estimate: Estimate) -> float:
    return estimate.value if math.isnan(estimate.interval.low) else estimate.interval.low


def _size(row: SweepRow) -> tuple[int, int]:
    return row.components, row.training_points


def _compared(name: str, best: SweepRow, simplest: SweepRow) -> str:
    metric, of_best, of_simplest = METRICS[name], estimate_of(best, name), estimate_of(simplest, name)
    assert of_best is not None and of_simplest is not None
    low, high = of_best.interval
    span = "" if math.isnan(low) else f" (95 % interval {metric.written(low)} to {metric.written(high)})"
    first = f"{_described(best)} give the best {metric.words}, {metric.written(of_best.value)}{span}"
    if simplest is best:
        return f"{first}; nothing simpler lies within that interval." if span else f"{first}."
    return f"{first}; {_described(simplest)} give {metric.written(of_simplest.value)}, within that interval."


def _described(row: SweepRow) -> str:
    settings = row.settings
    width = f"bandwidth {bandwidth_in_words(settings.bandwidth)}"
    # The seed counts where the cap was reached.
    seed = f", seed {settings.seed}" if row.training_points == settings.max_training_points else ""
    units = ", standardised" if settings.standardise else ""
    return (
        f"{count(row.components)} component{'s' * (row.components != 1)}, "
        f"{settings.feature_scaling_method.value}, {width}, "
        f"{count(row.training_points)} training rows{seed}{units}"
    )
