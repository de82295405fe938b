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

_FACTORS = {
    "recall": 100,
    "alarm_share": 100,
    "explained_variance": 100,
    "fit_seconds": 1e3,
    "score_seconds": 1e3,
}
_FORMATS = {
    "recall": "%.3g %%",
    "alarm_share": "%.3g %%",
    "explained_variance": "%.3g %%",
    "log_density": "%.3g",
    "fit_seconds": "%.3g ms",
    "score_seconds": "%.3g ms",
    "model_bytes": "bytes",
}
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
        shown[name] = table[name] * _FACTORS.get(name, 1)
        if name == metric and f"{name}_low" in table:
            for end in ("low", "high"):
                shown[f"{name}_{end}"] = table[f"{name}_{end}"] * _FACTORS.get(name, 1)
    shown["warnings"] = table["warnings"].where(table["error"] == "", table["error"])
    key = f"sweep_table_{metric}_{len(rows)}"
    st.dataframe(
        shown,
        key=key,
        hide_index=True,
        on_select="ignore" if running else partial(_row_clicked, key, [row.settings for row in rows]),
        selection_mode="single-row",
        column_config=_columns(shown, metric),
        height=min(38 + 35 * len(rows), 420),
    )


def _row_clicked(key: str, settings: list[Settings]) -> None:
    chosen = st.session_state[key]["selection"]["rows"]
    session().own(ChosenRow).settings = settings[chosen[0]] if chosen else None


def _columns(shown: pd.DataFrame, metric: str) -> dict[str, ColumnConfig]:
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
    for name in METRICS:
        words, form = METRICS[name].words, _FORMATS.get(name, "%.3g")
        columns[name] = number_column(capital(words), format=form, help=METRICS[name].explanation)
        for end, title in (("low", "from"), ("high", "to")):
            columns[f"{name}_{end}"] = number_column(title, format=form, help="End of the 95 % interval.")
    return {name: columns[name] for name in map(str, shown)}
