"""What a sweep has found: the choice, the charts, and taking a row over."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kdeviz import figures, views
from kdeviz.errors import DataError
from kdeviz.export.sweeps import sweep_csv, sweep_parquet
from kdeviz.settings import name_of
from kdeviz.sweep import (
    CHOICES,
    METRICS,
    Choice,
    Sweep,
    SweepRow,
    best,
    estimate_of,
)
from kdeviz.ui.choices import one_of
from kdeviz.ui.clicks import clicked_number
from kdeviz.ui.model_panel import can_use, use_settings
from kdeviz.ui.state import Screen, Session, session, theme
from kdeviz.ui.sweep_run import SweepRun
from kdeviz.ui.sweep_table import metric_title, show_rows
from kdeviz.ui.text import plain_error, plain_warning
from kdeviz.wording import count

__all__ = ["show_results"]

_CHART_HEIGHT = 340
_NO_TOOLS = {"displayModeBar": False}


def show_results(current: Session, screen: Screen, run: SweepRun) -> None:
    """Draw what is finished; it grows while the sweep runs."""
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
    st.caption(f"{metric_title(metric)}: {METRICS[metric].explanation}")
    _chosen(current, run, choice, usable)
    show_rows(found, metric, choice, run.task.running)


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
