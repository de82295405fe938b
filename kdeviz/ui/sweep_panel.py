"""A sweep over settings: the grid, the rows as they come, the choice between them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.lib.column_types import ColumnConfig

from kdeviz import figures, views
from kdeviz.errors import DataError, OptionError
from kdeviz.export.sweeps import sweep_csv, sweep_parquet
from kdeviz.settings import Settings, name_of
from kdeviz.sweep import (
    CHOICES,
    METRICS,
    Choice,
    Grid,
    Sweep,
    SweepRow,
    best,
    estimate_of,
    sorted_rows,
    sweep_table,
)
from kdeviz.ui.choices import one_of
from kdeviz.ui.clicks import clicked_number
from kdeviz.ui.jobs import job_board
from kdeviz.ui.model_panel import can_use, use_settings
from kdeviz.ui.progress import POLL_SECONDS, show_progress
from kdeviz.ui.state import Screen, Session, session, theme
from kdeviz.ui.sweep_run import SweepRun
from kdeviz.ui.text import plain_error, plain_warning
from kdeviz.wording import count

__all__ = ["GRID_KEYS", "show_sweep"]

GRID_KEYS = ("grid_components", "grid_scalings", "grid_bandwidths", "grid_caps", "grid_seeds", "sweep_metric")
"""Widgets that keep their values while another page is shown."""

_USUAL_COMPONENTS = (2, 4, 6, 8, 12, 16, 20, 24, 28, 32)
_CHART_HEIGHT = 340
_FACTORS = {
    "recall": 100,
    "alarm_share": 100,
    "explained_variance": 100,
    "fit_seconds": 1e3,
    "score_seconds": 1e3,
}
_FORMATS = {
    "recall": "%.1f %%",
    "alarm_share": "%.2f %%",
    "explained_variance": "%.1f %%",
    "log_density": "%.2f",
    "fit_seconds": "%.0f ms",
    "score_seconds": "%.0f ms",
    "model_bytes": "bytes",
}
_SETTINGS = ("n_pca_components", "feature_scaling_method", "bandwidth", "max_training_points", "seed")
_ALWAYS = ("n_pca_components", "feature_scaling_method")
_NO_TOOLS = {"displayModeBar": False}


def show_sweep(current: Session, screen: Screen) -> None:
    """Draw the grid, and what is known of the last sweep."""
    run = current.swept
    running = run is not None and run.task.running
    _grid(screen, running)
    if run is None:
        return
    if running:
        _live()
    else:
        _results(current, screen, run)


@st.fragment(run_every=POLL_SECONDS)
def _live() -> None:
    current = session()
    run, screen = current.swept, current.screen
    if run is None or screen is None:
        return
    if not run.task.running:
        st.rerun()
    show_progress(run.task, "sweep")
    _results(current, screen, run)


def _grid(screen: Screen, running: bool) -> None:
    """What to try, and the button that starts it."""
    _default_grid(screen)
    columns = st.columns([1.7, 1.1, 1.1, 1, 0.65, 1.15], gap="small", vertical_alignment="bottom")
    with columns[0]:
        components = st.text_input(
            "Components",
            key="grid_components",
            help="Such as 2, 4, 8, or 2:32:2 for every second one from 2 to 32.",
        )
    with columns[1]:
        scalings = st.selectbox("Scaling", ["scale, norm", "scale", "norm"], key="grid_scalings")
    with columns[2]:
        bandwidths = st.text_input(
            "Bandwidth", key="grid_bandwidths", help="scott, silverman, or factors that multiply Scott's."
        )
    with columns[3]:
        caps = st.text_input(
            "Training cap", key="grid_caps", help="Fit on at most so many samples, such as 1000, 40000."
        )
    with columns[4]:
        seeds = st.text_input("Seeds", key="grid_seeds", help="Of the random subsets: such as 0, 1 or 0:4.")
    grid, problem = None, ""
    try:
        grid = Grid.parse(
            components=components,
            scalings=scalings,
            bandwidths=bandwidths,
            caps=caps,
            seeds=seeds,
        )
    except OptionError as error:
        problem = str(error)
    with columns[5]:
        st.button(
            "Run the sweep" if grid is None else f"Run {count(len(grid))} fit{'s' * (len(grid) != 1)}",
            type="primary",
            icon=":material/play_arrow:",
            key="run_sweep",
            disabled=grid is None or running,
            on_click=_start,
            args=(screen, grid),
            width="stretch",
            help="Every combination of these. Each is fitted five more times, on four fifths of the training "
            "samples, to count false alarms on samples that it has not seen.",
        )
    if problem:
        plain_error("This grid cannot be read", problem)


def _default_grid(screen: Screen) -> None:
    limit = min(screen.analysis.train.features.shape)
    settings = screen.analysis.settings
    defaults = {
        "grid_components": ", ".join(str(k) for k in _USUAL_COMPONENTS if k < limit) or "1",
        "grid_scalings": "scale, norm",
        "grid_bandwidths": "0.5, scott, 2",
        "grid_caps": str(settings.max_training_points),
        "grid_seeds": str(settings.seed),
    }
    for key, value in defaults.items():
        st.session_state.setdefault(key, value)


def _start(screen: Screen, grid: Grid) -> None:
    current = session()
    current.chosen_row = None
    current.swept = SweepRun.start(
        job_board(),
        screen.key[0],
        screen.analysis,
        grid,
        screen.rule,
        screen.curve,
        screen.key[2],
        st.session_state.get("mlflow"),
    )


def _results(current: Session, screen: Screen, run: SweepRun) -> None:
    found = run.found
    _troubles(run, found, screen)
    if not found.rows:
        return
    controls = st.columns([1.5, 1, 1, 1.1], vertical_alignment="bottom")
    with controls[0]:
        metric = _metric(found)
    choice = _choice(found, metric)
    usable = run.token == screen.key[0]
    if choice is not None:
        _cards(found, choice, screen, usable)
    _chart(found, metric, choice, controls[1:])
    if choice is not None:
        st.caption(
            f"{choice.sentence} The best of many is flattered by chance: expect a little less on new data."
        )
    st.caption(f"{_title(metric)}: {METRICS[metric].explanation}")
    _chosen(current, run, choice, usable)
    _table(found, metric, choice, run.task.running)


def _troubles(run: SweepRun, found: Sweep, screen: Screen) -> None:
    error = None if run.task.running or run.task.future.cancelled() else run.task.future.exception()
    if error is not None:
        plain_error("The sweep did not finish", str(error))
    elif found.cancelled and not run.task.running:
        plain_warning(
            f"Cancelled: {count(len(found.rows))} of {count(found.asked)} settings are done and kept."
        )
    if run.token != screen.key[0]:
        plain_warning(f"This sweep was over {run.train.name}: run it again for the present data.")
    if run.log_problem:
        plain_warning(f"The sweep is not in MLflow: {run.log_problem}")


def _metric(found: Sweep) -> str:
    known = [name for name in METRICS if any(estimate_of(row, name) is not None for row in found.rows)]
    known = known or ["auroc" if found.labelled else "log_density"]
    if st.session_state.get("sweep_metric") not in known:
        st.session_state["sweep_metric"] = "auroc" if "auroc" in known else "log_density"
    metric: str = st.selectbox(
        "Compare by",
        known,
        format_func=lambda name: f"Compare by {METRICS[name].words}",
        key="sweep_metric",
        label_visibility="collapsed",
        help="\n\n".join(f"{METRICS[name].words}: {METRICS[name].explanation}" for name in known),
    )
    return metric


def _title(metric: str) -> str:
    words = METRICS[metric].words
    return words[0].upper() + words[1:]


def _choice(found: Sweep, metric: str) -> Choice | None:
    try:
        return best(found, metric) if metric in CHOICES else None
    except DataError:  # no row has it
        return None


def _cards(found: Sweep, choice: Choice, screen: Screen, usable: bool) -> None:
    """The best, the simplest that may be as good, and how the settings in use compare."""
    words = METRICS[choice.metric].words
    used = next((row for row in found.rows if row.settings == screen.analysis.settings), None)
    columns = st.columns(3, gap="small")
    with columns[0]:
        _card(f"Best {words}", choice.best, choice.metric, usable)
    with columns[1]:
        _card("Simplest as good", choice.simplest, choice.metric, usable)
    with columns[2], st.container(border=True, height="stretch", gap="xxsmall"):
        st.markdown("**In use now**")
        st.caption(_standing(choice, used, screen))
        st.page_link(st.session_state["explore_page"], label="See it in Explore")


def _card(title: str, row: SweepRow, metric: str, usable: bool) -> None:
    found = estimate_of(row, metric)
    assert found is not None
    with st.container(border=True, height="stretch", horizontal=True, vertical_alignment="center"):
        with st.container(gap="xxsmall"):
            st.markdown(f"**{title}: {METRICS[metric].written(found.value)}**")
            st.caption(name_of(row.settings))
        _use_button(row, f"use_{title}", usable)


def _standing(choice: Choice, used: SweepRow | None, screen: Screen) -> str:
    name = name_of(screen.analysis.settings)
    good = None if used is None else choice.as_good(used)
    found = None if used is None else estimate_of(used, choice.metric)
    if good is None or found is None:
        return f"{name}: not among the settings that this compares."
    where = "within" if good else "outside"
    return f"{name}: {METRICS[choice.metric].written(found.value)}, {where} the interval of the best."


def _use_button(row: SweepRow, key: str, usable: bool) -> None:
    # A row that failed has no components.
    settings = replace(row.settings, n_pca_components=row.components or row.settings.n_pca_components)
    st.button(
        "Use",
        key=key,
        icon=":material/check:",
        help="Takes these settings over, in Explore and everywhere; this can be undone.",
        on_click=use_settings,
        args=(settings,),
        disabled=not usable or not row.components or not can_use(settings),
    )


def _chart(found: Sweep, metric: str, choice: Choice | None, controls: list[DeltaGenerator]) -> None:
    varied = views.varied(found)
    across = varied[0] if varied else "components"
    others = [knob for knob in varied if knob != across]
    down = others[0] if others else ("bandwidth" if across != "bandwidth" else "components")
    with controls[0]:
        if len(others) > 1:
            down = st.selectbox("Rows", others, format_func=views.KNOBS.__getitem__, key="sweep_down")
    with controls[2]:
        drawn = one_of("Chart", ["Heat map", "Lines"], "sweep_chart", in_address=False, wide=True)
    fixed = {}
    for place, knob in zip(controls[1:2], [knob for knob in others if knob != down], strict=False):
        with place:
            fixed[knob] = st.selectbox(
                views.KNOBS[knob].capitalize(), views.values_of(found, knob), key=f"sweep_at_{knob}"
            )
    if drawn == "Lines":
        figure = figures.line_figure(views.line_view(found, metric, across, fixed, choice), theme())
    else:
        figure = figures.heat_figure(views.heat_view(found, metric, across, down, fixed, choice), theme())
    figure.update_layout(height=_CHART_HEIGHT)
    st.plotly_chart(
        figure,
        theme=None,
        key=f"sweep_{drawn}",
        config=_NO_TOOLS,
        on_select=partial(_cell_clicked, f"sweep_{drawn}"),
        selection_mode="points",
        alt=f"{METRICS[metric].words} of every setting",
    )


def _cell_clicked(key: str) -> None:
    current, row = session(), clicked_number(key)
    if current.swept is not None and row is not None and 0 <= row < len(current.swept.rows):
        current.chosen_row = current.swept.rows[int(row)].settings


def _chosen(current: Session, run: SweepRun, choice: Choice | None, usable: bool) -> None:
    found = run.found
    row = next((row for row in found.rows if row.settings == current.chosen_row), None)
    with st.container(horizontal=True, vertical_alignment="center"):
        if row is None:
            st.caption(
                "Click a cell of the heat map or a row of the table to choose a setting.", width="stretch"
            )
        else:
            st.markdown(f"Chosen: **{name_of(row.settings)}**", width="stretch")
            _use_button(row, "use_chosen", usable)
        for label, write in (("CSV", sweep_csv), ("Parquet", sweep_parquet)):
            st.download_button(
                label,
                partial(write, found, run.grid, run.train, choice),
                f"sweep.{label.lower()}",
                on_click="ignore",
                icon=":material/download:",
            )


def _table(found: Sweep, metric: str, choice: Choice | None, running: bool) -> None:
    rows = sorted_rows(found, metric, choice)
    table = sweep_table(found._replace(rows=tuple(rows)))
    marks = ["" if choice is None else _mark(row, choice) for row in rows]
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
    session().chosen_row = settings[chosen[0]] if chosen else None


def _mark(row: SweepRow, choice: Choice) -> str:
    names = [name for name in ("best", "simplest") if getattr(choice, name).settings == row.settings]
    return ", ".join(names)


def _columns(shown: pd.DataFrame, metric: str) -> dict[str, ColumnConfig]:
    number_column, text_column = st.column_config.NumberColumn, st.column_config.TextColumn
    columns: dict[str, ColumnConfig] = {
        "choice": text_column("", width=92),
        "n_pca_components": number_column("Components"),
        "feature_scaling_method": text_column("Scaling"),
        "bandwidth": text_column("Bandwidth"),
        "max_training_points": number_column("Training cap", format="%d"),
        "seed": number_column("Seed"),
        "warnings": text_column("Remarks", width="large"),
    }
    for name in METRICS:
        words, form = METRICS[name].words, _FORMATS.get(name, "%.3f")
        columns[name] = number_column(
            words[0].upper() + words[1:], format=form, help=METRICS[name].explanation
        )
        for end, title in (("low", "from"), ("high", "to")):
            columns[f"{name}_{end}"] = number_column(title, format=form, help="End of the 95 % interval.")
    return {name: columns[name] for name in map(str, shown)}
