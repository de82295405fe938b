"""What came of a sweep: the choice, the charts, and taking a row over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kdeviz import charts
from kdeviz.data import EmbeddingSet
from kdeviz.errors import DataError
from kdeviz.output import TABLE_WRITERS, sweep_bytes
from kdeviz.settings import name_of
from kdeviz.sweep import (
    CHOICES,
    METRICS,
    Choice,
    Grid,
    Sweep,
    SweepRow,
    best,
    edge_words,
    edges,
    estimate_of,
    extended,
    next_words,
)
from kdeviz.ui.panels.model import can_use, use_settings
from kdeviz.ui.panels.sweep_table import ChosenRow, show_rows
from kdeviz.ui.state import Screen, Session, session, theme
from kdeviz.ui.widgets.choices import one_of
from kdeviz.ui.widgets.help import HELP, metrics_help
from kdeviz.ui.widgets.plots import clicked_number, show_figure
from kdeviz.ui.widgets.text import failure_words, note_with, plain_error, plain_warning
from kdeviz.ui.work.sweep_run import SweepRun
from kdeviz.wording import capital, count

_CHART_HEIGHT = 330


@dataclass(eq=False)
class Metric:
    """The sweep whose metric was chosen last."""

    of: SweepRun | None = None


GoOn = Callable[[Screen, SweepRun, Grid], None]
"""Extends the grid of a sweep."""


def show_results(current: Session, screen: Screen, run: SweepRun, go_on: GoOn | None = None) -> None:
    """Draw what is finished; it grows while the sweep runs."""
    finished = run.finished
    _troubles(run, finished, screen)
    if not finished.rows:
        return
    controls = st.columns([1.5, 1, 1, 1.1], vertical_alignment="bottom")
    with controls[0]:
        metric = _metric(finished)
    choice = _choice(finished, metric)
    usable = run.token == screen.key[0]
    if choice is not None:
        _cards(run, choice, screen, usable)
        if go_on is not None and usable and run.rule == screen.rule:
            _edge(screen, run, choice, go_on)
    _chart(current, finished, metric, choice, controls[1:])
    _chosen(current, finished, usable)
    if choice is not None:
        so_far = f"Of the {count(len(finished.rows))} settings done: " if finished.cancelled else ""
        flattered = "The best of many is flattered by chance: expect a little less on new data."
        st.caption(f"{so_far}{choice.sentence} {flattered}")
    rule = f" The threshold: {run.rule.rule.title.lower()}." if metric == "alarm_share" else ""
    st.caption(f"{capital(METRICS[metric].words)}: {METRICS[metric].explanation}{rule}")
    show_rows(finished, metric, choice, run.task.running)
    _downloads(run, choice)


def _troubles(run: SweepRun, finished: Sweep, screen: Screen) -> None:
    error = None if run.task.running or run.task.future.cancelled() else run.task.future.exception()
    if error is not None:
        plain_error("The sweep did not finish", failure_words(error))
    elif finished.cancelled and not run.task.running:
        plain_warning(
            f"Cancelled: {count(len(finished.rows))} of {count(finished.asked)} settings are done and kept."
        )
    if run.token != screen.key[0]:
        plain_warning(f"This sweep was over {run.train.name}: run it again for the present data.")
    elif run.rule != screen.rule or not _same_labels(run.inspected, screen.analysis.inspected):
        st.caption("The threshold rule or the labels have changed since: run it again to count with them.")
    if run.logging is not None and (problem := run.logging.result()):
        plain_warning(f"The sweep is not in MLflow: {problem}")


def _same_labels(one: EmbeddingSet, other: EmbeddingSet) -> bool:
    if one.labels is None or other.labels is None:
        return one.labels is other.labels
    return np.array_equal(one.labels, other.labels)


def _metric(finished: Sweep) -> str:
    known = [name for name in METRICS if any(estimate_of(row, name) is not None for row in finished.rows)]
    known = known or ["auroc" if finished.labelled else "log_density"]
    current = session()
    chosen = current.own(Metric)
    before, chosen.of = chosen.of, current.swept
    other_data = before is not None and current.swept is not None and before.token != current.swept.token
    if other_data or st.session_state.get("sweep_metric") not in known:
        st.session_state["sweep_metric"] = "auroc" if "auroc" in known else "log_density"
    metric: str = st.selectbox(
        "Compare by",
        known,
        format_func=lambda name: f"Compare by {METRICS[name].words}",
        key="sweep_metric",
        label_visibility="collapsed",
        help=metrics_help(
            "\n\n".join(f"{METRICS[name].words}: {METRICS[name].explanation}" for name in known)
        ),
    )
    return metric


def _choice(finished: Sweep, metric: str) -> Choice | None:
    try:
        return best(finished, metric) if metric in CHOICES else None
    except DataError:  # no row has it
        return None


def _cards(run: SweepRun, choice: Choice, screen: Screen, usable: bool) -> None:
    """The best, the simplest that may be as good, and how the settings in use compare."""
    title, top = f"Best {METRICS[choice.metric].words}", choice.best
    if choice.metric == "log_density":  # it compares nothing else
        scaling = top.settings.feature_scaling_method.value
        units = ", standardised" if top.settings.standardise else ""
        title = f"Best for {count(top.components)} components, {scaling}{units}"
    used = next((row for row in run.rows if row.settings == screen.analysis.settings), None)
    columns = st.columns(3, gap="small")
    with columns[0]:
        _card(title, top, choice.metric, usable)
    with columns[1]:
        if choice.simplest is choice.best:
            st.container(border=True, height="stretch").caption("Nothing simpler is as good.")
        else:
            _card("Simplest as good", choice.simplest, choice.metric, usable)
    with columns[2], st.container(border=True, height="stretch", gap="xxsmall"):
        st.markdown("**In use now**")
        st.caption(_standing(run, choice, used, screen))
        st.page_link(st.session_state["explore_page"], label="See it in Explore")


def _edge(screen: Screen, run: SweepRun, choice: Choice, go_on: GoOn) -> None:
    """That the best lies at the edge of the grid, and one click to go on; nothing where it lies within."""
    if not _same_labels(run.inspected, screen.analysis.inspected):
        return
    beyond = edges(run.finished, choice, *run.train.to_fit.features.shape)
    if not beyond:
        return
    with note_with(edge_words(beyond)), st.container(horizontal_alignment="right"):
        grid = extended(run.grid, beyond)
        st.button(
            f"Go on with {next_words(beyond)}",
            icon=":material/arrow_outward:",
            key="go_on",
            on_click=go_on,
            args=(screen, run, grid),
            help=f"{count(len(grid) - len(run.rows))} more settings; what is done is not done again.",
        )


def _card(title: str, row: SweepRow, metric: str, usable: bool) -> None:
    estimate = estimate_of(row, metric)
    assert estimate is not None
    with st.container(border=True, height="stretch", horizontal=True, vertical_alignment="center"):
        with st.container(gap="xxsmall"):
            st.markdown(f"**{title}: {METRICS[metric].written(estimate.value)}**")
            st.caption(name_of(row.settings))
        _use_button(row, f"use_{title}", usable)


def _standing(run: SweepRun, choice: Choice, used: SweepRow | None, screen: Screen) -> str:
    name = name_of(screen.analysis.settings)
    good = None if used is None else choice.as_good(used)
    estimate = None if used is None else estimate_of(used, choice.metric)
    if used is None and screen.analysis.settings in run.grid.settings:
        return f"{name}: not done yet."
    if good is None or estimate is None:
        return f"{name}: not among the settings that this compares."
    where = "within" if good else "outside"
    return f"{name}: {METRICS[choice.metric].written(estimate.value)}, {where} the interval of the best."


def _use_button(row: SweepRow, key: str, usable: bool) -> None:
    # A row that failed has no components.
    settings = replace(row.settings, n_pca_components=row.components or row.settings.n_pca_components)
    pressed = st.button(
        "Use",
        key=key,
        icon=":material/check:",
        help="Takes these settings over, in Explore and everywhere; this can be undone.",
        on_click=use_settings,
        args=(settings,),
        disabled=not usable or not row.components or not can_use(settings, session().data),
    )
    if pressed:  # while the sweep runs only this part of the page would be drawn again
        st.rerun()


def _chart(
    current: Session, finished: Sweep, metric: str, choice: Choice | None, controls: list[DeltaGenerator]
) -> None:
    varied = charts.varied(finished)
    across = varied[0] if varied else "components"
    others = [knob for knob in varied if knob != across]
    down = others[0] if others else ("bandwidth" if across != "bandwidth" else "components")
    with controls[0]:
        if len(others) > 1:
            down = st.selectbox(
                "Rows",
                others,
                format_func=lambda knob: f"Rows: {charts.KNOBS[knob]}",
                key="sweep_down",
                label_visibility="collapsed",
                help=HELP["sweep_knob"],
            )
    with controls[2]:
        drawn = one_of("Chart", ["Heat map", "Lines"], "sweep_chart", in_address=False, wide=True)
    with controls[1]:
        fixed = {knob: _held(finished, knob, choice) for knob in others if knob != down}
    if drawn == "Lines":
        figure = charts.tuning_lines(finished, metric, across, fixed, choice, theme=theme())
    else:
        rows = [row.settings for row in finished.rows]
        wanted = current.own(ChosenRow).settings
        chosen = rows.index(wanted) if wanted in rows else None
        knobs = across, down, fixed
        figure = charts.heat_map(finished, metric, *knobs, choice, picked=chosen, theme=theme())
    key, words = f"sweep_{drawn}", f"{METRICS[metric].words} of every setting"
    about = (id(current.swept), metric, across, down, fixed)
    show_figure(figure, key, words, _CHART_HEIGHT, about, partial(_cell_clicked, key))


def _held(finished: Sweep, knob: str, choice: Choice | None) -> charts.KnobValue:
    """At which of its values the chart shows the other knobs; where the best row is, at first."""
    values = charts.values_of(finished, knob)
    best = None if choice is None else charts.knob_value(choice.best.settings, knob)
    value: charts.KnobValue = st.selectbox(
        charts.KNOBS[knob].capitalize(),
        values,
        index=values.index(best) if best in values else 0,
        format_func=lambda value: f"{charts.KNOBS[knob].capitalize()}: {charts.knob_text(knob, value)}",
        key=f"sweep_at_{knob}_{best}",
        label_visibility="collapsed",
        help=HELP["sweep_knob"],
    )
    return value


def _cell_clicked(key: str) -> None:
    current, row = session(), clicked_number(key)
    if current.swept is not None and row is not None and 0 <= row < len(current.swept.rows):
        current.own(ChosenRow).settings = current.swept.rows[int(row)].settings


def _chosen(current: Session, finished: Sweep, usable: bool) -> None:
    row = next((row for row in finished.rows if row.settings == current.own(ChosenRow).settings), None)
    with st.container(horizontal=True, vertical_alignment="center"):
        if row is None:
            st.caption("Click a cell of the heat map or a row of the table to choose a setting.")
        else:
            st.markdown(f"Chosen: **{name_of(row.settings)}**", width="stretch")
            _use_button(row, "use_chosen", usable)


def _downloads(run: SweepRun, choice: Choice | None) -> None:
    with st.container(horizontal=True):
        for suffix, writer in TABLE_WRITERS.items():
            st.download_button(
                writer.name,
                partial(sweep_bytes, run.finished, run.grid, run.train, choice, suffix),
                f"sweep{suffix}",
                on_click="ignore",
                icon=":material/download:",
            )
