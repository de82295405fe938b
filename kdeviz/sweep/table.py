"""A sweep as a table: the same numbers on the screen, on the terminal and in a file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from kdeviz.decision import Estimate
from kdeviz.sweep.metrics import OF_LABELS
from kdeviz.sweep.sweep import Sweep, SweepRow

if TYPE_CHECKING:
    import pandas as pd

_WITH_INTERVAL = ("log_density", "alarm_share", *OF_LABELS)


def sweep_table(sweep: Sweep) -> pd.DataFrame:
    """One line per row, in the order of the sweep.

    The settings, then the fields of `SweepRow` by their names; a metric with an interval has two more
    columns, its name with "_low" and "_high". Missing numbers are NaN. Metrics of labels are there only when
    labels are. `bandwidth` is text, since it may be a rule or a factor.
    """
    import pandas as pd

    return pd.DataFrame([_line(row, sweep.labelled) for row in sweep.rows])


def _line(row: SweepRow, labelled: bool) -> dict[str, Any]:
    settings = {**row.settings.to_dict(), "bandwidth": str(row.settings.bandwidth)}
    numbers: dict[str, Any] = {}
    for name in ("components", "training_points", "explained_variance"):
        numbers[name] = getattr(row, name)
    for name in _WITH_INTERVAL:
        if labelled or name not in OF_LABELS:
            estimate: Estimate | None = getattr(row, name)
            value, (low, high) = estimate or (math.nan, (math.nan, math.nan))
            numbers |= {name: value, f"{name}_low": low, f"{name}_high": high}
    for name in ("fit_seconds", "score_seconds", "model_bytes"):
        numbers[name] = getattr(row, name)
    return {**settings, **numbers, "warnings": "; ".join(row.warnings), "error": row.error or ""}
