"""The numbers of a row that rows are compared by, and all numbers of a sweep as a table."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from kdeviz.decision import Estimate, Interval
from kdeviz.errors import OptionError
from kdeviz.sweep.sweep import Sweep, SweepRow
from kdeviz.wording import duration, number, percent, size

if TYPE_CHECKING:
    import pandas as pd


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
        "mean held-out log density",
        "How well the model predicts training rows it has not seen, in nats. It compares only settings with "
        "equal components and equal scaling, all of them standardised or none.",
    ),
    "alarm_share": Metric(
        "held-out alarms",
        "The share of training rows flagged by models fitted without them, part by part. Good is what the "
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

_WITH_INTERVAL = ("log_density", "alarm_share", *OF_LABELS)


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


def sweep_table(sweep: Sweep) -> pd.DataFrame:
    """One line per row, in the order of the sweep.

    The settings, then the fields of `SweepRow` by their names; a metric with an interval has two more
    columns, its name with "_low" and "_high". Missing numbers are NaN. Metrics of labels are there only when
    labels are. `bandwidth` is text, since it may be a rule or a factor.
    """
    import pandas as pd

    return pd.DataFrame([_line(row, sweep.labelled) for row in sweep.rows])


def _line(row: SweepRow, labelled: bool) -> dict[str, Any]:
    line: dict[str, Any] = {**row.settings.to_dict(), "bandwidth": str(row.settings.bandwidth)}
    for name, value in row._asdict().items():
        if name in _WITH_INTERVAL:
            if labelled or name not in OF_LABELS:
                middle, (low, high) = value or (math.nan, (math.nan, math.nan))
                line |= {name: middle, f"{name}_low": low, f"{name}_high": high}
        elif name not in ("settings", "top"):
            line[name] = value
    return line | {"warnings": "; ".join(row.warnings), "error": row.error or ""}
