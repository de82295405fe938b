"""The rows of a sweep as a table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from kdeviz.settings import Settings
from kdeviz.sweep import METRICS, Choice, Sweep, sorted_rows, sweep_table
from kdeviz.ui.state import session
from kdeviz.wording import capital

_SHOWN: dict[str, tuple[float, str]] = {
    "recall": (100, "%.3g %%"),
    "alarm_share": (100, "%.3g %%"),
    "explained_variance": (100, "%.3g %%"),
    "fit_seconds": (1e3, "%.3g ms"),
    "score_seconds": (1e3, "%.3g ms"),
    "model_bytes": (1, "bytes"),
}
"""The factor and the format of metrics that are not shown as they are."""
_AS_IT_IS = (1, "%.3g")
_SETTINGS = (
    "n_pca_components",
    "feature_scaling_method",
    "standardise",
    "bandwidth",
    "max_training_points",
    "seed",
)
_ALWAYS = ("n_pca_components", "feature_scaling_method")


@dataclass(eq=False)
class ChosenRow:
    """The settings of the row that is chosen, here or in the chart."""

    settings: Settings | None = None


def show_rows(finished: Sweep, metric: str, choice: Choice | None, running: bool) -> None:
    """Draw the rows, the better first; a click chooses one."""
    rows = sorted_rows(finished, metric, choice)
    table = sweep_table(finished._replace(rows=tuple(rows)))
    marks = ["" if choice is None else choice.title(row) for row in rows]
    shown = pd.DataFrame({"choice": marks})
    settings = [name for name in _SETTINGS if name in _ALWAYS or table[name].nunique() > 1]
    shown[settings] = table[settings]
    for name in [metric, *(name for name in METRICS if name in table and name != metric)]:
        factor, _ = _SHOWN.get(name, _AS_IT_IS)
        shown[name] = table[name] * factor
        if name == metric and f"{name}_low" in table:
            for end in ("low", "high"):
                shown[f"{name}_{end}"] = table[f"{name}_{end}"] * factor
    shown["warnings"] = table["warnings"].where(table["error"] == "", table["error"])
    key = f"sweep_table_{metric}_{len(rows)}"
    st.dataframe(
        shown,
        key=key,
        hide_index=True,
        on_select="ignore" if running else partial(_row_clicked, key, [row.settings for row in rows]),
        selection_mode="single-row",
        column_config=_columns(shown),
        height=min(38 + 35 * len(rows), 420),
    )


def _row_clicked(key: str, settings: list[Settings]) -> None:
    chosen = st.session_state[key]["selection"]["rows"]
    session().own(ChosenRow).settings = settings[chosen[0]] if chosen else None


def _columns(shown: pd.DataFrame) -> dict[str, ColumnConfig]:
    number_column, text_column = st.column_config.NumberColumn, st.column_config.TextColumn
    columns: dict[str, ColumnConfig] = {
        "choice": text_column("", width=92),
        "n_pca_components": number_column("Components"),
        "feature_scaling_method": text_column("Scaling"),
        "standardise": st.column_config.CheckboxColumn("Standardised"),
        "bandwidth": text_column("Bandwidth"),
        "max_training_points": number_column("Training cap", format="%d"),
        "seed": number_column("Seed"),
        "warnings": text_column("Remarks", width="large"),
    }
    for name, metric in METRICS.items():
        _, form = _SHOWN.get(name, _AS_IT_IS)
        columns[name] = number_column(capital(metric.words), format=form, help=metric.explanation)
        for end, title in (("low", "from"), ("high", "to")):
            columns[f"{name}_{end}"] = number_column(title, format=form, help="End of the 95 % interval.")
    return {name: columns[name] for name in map(str, shown)}
