"""Two models on the same samples: what differs, whose verdict flips, and why."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray
from streamlit.elements.lib.column_types import ColumnConfig

from kdeviz import charts, explain
from kdeviz.analysis import OnProgress
from kdeviz.comparison import (
    Comparison,
    Scored,
    compare,
    decision_with_data,
    disagreement_table,
    settings_table,
    why_words,
)
from kdeviz.data import EmbeddingSet
from kdeviz.ui.state import Screen, Session, session, theme
from kdeviz.ui.widgets.choices import one_of
from kdeviz.ui.widgets.plots import clicked_number, show_figure
from kdeviz.ui.widgets.progress import show_progress, watch
from kdeviz.ui.widgets.text import failure_words, plain_error, plain_warning
from kdeviz.ui.work.jobs import job_board
from kdeviz.ui.work.sides import Side, add_model_file, sides
from kdeviz.ui.work.tasks import Task
from kdeviz.wording import count

SIDE_KEYS = ("first_side", "second_side")
"""Widgets that keep their values while another page is shown."""

_CHART_HEIGHT = 360
_CONTROL_HEIGHT = 46
_TITLES = ("First", "Second")
# How long a rerun waits for a comparison before it shows progress instead.
_PATIENCE_SECONDS = 2.0


@dataclass(eq=False)
class Compared:
    """What is compared.

    Attributes:
        sides: the keys of the two models.
        identity: of what `task` compares.
        task: the last comparison.
        flip: the number of the common sample that is looked at.
        file_problem: why the uploaded model file cannot be used.
    """

    sides: tuple[str, ...] = ()
    identity: object = None
    task: Task[Comparison] | None = None
    flip: int | None = None
    file_problem: str = ""


def show_comparison(current: Session, screen: Screen) -> None:
    """Draw the choice of two, and what differs between them."""
    chosen = _choose(current, screen)
    if chosen is None:
        return
    first, second = chosen
    task = _task(current, first, second)
    if task.running:
        watch(task.future, partial(show_progress, task, "comparison"))
        return
    found = _outcome(task)
    if found is None:
        st.button("Compare again", icon=":material/refresh:", on_click=_forget)
        return
    for note in found.notes:
        plain_warning(note)
    _sentences(found)
    _charts(found)
    _flips(current, screen, found)
    _settings(found)


def _outcome(task: Task[Comparison]) -> Comparison | None:
    """What came of it; None, and why, if nothing did."""
    try:
        found = task.result()
    except Exception as error:
        plain_error("These two cannot be compared", failure_words(error))
        return None
    if found is None:
        plain_warning("Cancelled.")
    return found


def _choose(current: Session, screen: Screen) -> tuple[Side, Side] | None:
    """The two sides; None where there is only one thing to choose."""
    known = sides(current, screen)
    keys = list(known)
    for key, usual in zip(SIDE_KEYS, _usual(screen, known), strict=True):
        if st.session_state.get(key) not in known:
            st.session_state[key] = usual
    if len({st.session_state[key] for key in SIDE_KEYS}) == 1:
        # Chosen when there was nothing else.
        st.session_state.update(zip(SIDE_KEYS, _usual(screen, known), strict=True))
    compared = current.own(Compared)
    compared.sides = tuple(st.session_state[key] for key in SIDE_KEYS)
    columns = st.columns([3, 0.5, 3, 1.4], vertical_alignment="bottom")
    for column, key, title in zip((columns[0], columns[2]), SIDE_KEYS, _TITLES, strict=True):
        with column:
            st.selectbox(
                title,
                keys,
                format_func=lambda key: known[key].name,
                key=key,
                on_change=_keep_apart,
                args=(SIDE_KEYS.index(key),),
            )
    with columns[1]:
        st.button(
            "",
            icon=":material/swap_horiz:",
            on_click=_swap,
            help="Swap the two.",
            key="swap",
            width="stretch",
        )
    with columns[3], st.popover("Model file", icon=":material/upload_file:", width="stretch"):
        st.file_uploader(
            "A model that kdeviz saved, to score the samples that are loaded now",
            type=["safetensors"],
            key="model_file",
            on_change=_read_model_file,
            args=(screen,),
        )
    if compared.file_problem:
        plain_error("That model file cannot be used", compared.file_problem)
    first, second = compared.sides
    if first == second == "screen":
        st.info(
            "Of these data there is only what is on the screen so far. Keep it with “Keep run” in the "
            "sidebar, change the settings and compare; or run a sweep on the page Tune, whose rows can be "
            "compared as well.",
            icon=":material/info:",
        )
        return None
    if first == second:
        st.caption("What is on the screen is kept: change the settings and compare.")
        return None
    return known[first], known[second]


def _usual(screen: Screen, known: dict[str, Side]) -> tuple[str, str]:
    """What is on the screen against the latest run, or best row of a sweep, that is another model."""
    shown = screen.analysis.settings
    others = [key for key, side in known.items() if key != "screen" and side.same_data]
    better = [key for key in others if known[key].settings != shown]
    return (better or others or ["screen"])[0], "screen"


def _read_model_file(screen: Screen) -> None:
    """Take the uploaded model as the second side."""
    current, file = session(), st.session_state["model_file"]
    compared = current.own(Compared)
    compared.file_problem = ""
    if file is None:
        return
    try:
        key = add_model_file(current, file.name, file.getvalue(), screen.analysis.inspected)
    except Exception as error:
        compared.file_problem = failure_words(error)
        return
    first, second = compared.sides
    st.session_state["first_side"], st.session_state["second_side"] = second if first == key else first, key


def _keep_apart(side: int) -> None:
    """Choosing for one side what the other shows swaps the two."""
    key, other = SIDE_KEYS[side], SIDE_KEYS[1 - side]
    if st.session_state[key] == st.session_state[other]:
        st.session_state[other] = session().own(Compared).sides[side]


def _swap() -> None:
    first, second = SIDE_KEYS
    st.session_state[first], st.session_state[second] = st.session_state[second], st.session_state[first]


def _forget() -> None:
    session().own(Compared).task = None


def _task(current: Session, first: Side, second: Side) -> Task[Comparison]:
    compared, identity = current.own(Compared), (first.identity, second.identity)
    if compared.task is not None:
        if compared.identity == identity:
            return compared.task
        compared.task.cancel()

    def work(report: OnProgress, cancelled: Callable[[], bool]) -> Comparison:
        one, other = first.score(report, cancelled), second.score(report, cancelled)
        report("Comparing", 1.0)
        return compare(one, other)

    task = job_board().start(work)
    compared.identity, compared.task, compared.flip = identity, task, None
    wait([task.future], _PATIENCE_SECONDS)
    return task


def _sentences(found: Comparison) -> None:
    if found.verdicts is None:
        st.caption("Without labels nobody can say which of the two is right: label samples, or mark some.")
        return
    for column, test in zip(st.columns(2), (found.separation, found.verdicts), strict=True):
        if test is not None:
            with column, st.container(border=True, height="stretch"):
                st.markdown(test.sentence)


def _charts(found: Comparison) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        words = "Rank by the second against rank by the first"
        _chart(found, charts.ranks(found, theme=theme()), "ranks", words, True)
    with right:
        kinds = ["Percentiles", "ROC"] if found.roc is not None else ["Percentiles"]
        kind, less = kinds[0], _CONTROL_HEIGHT * (len(kinds) > 1)
        if len(kinds) > 1:
            kind = one_of("Chart", kinds, "compared_chart", in_address=False)
        if kind == "ROC":
            _chart(found, charts.compared_roc(found, theme=theme()), "rocs", "Both ROC curves", less=less)
        else:
            figure, words = charts.percentiles(found, theme()), "Histograms of percentiles"
            _chart(found, figure, "percentiles", words, less=less)


def _chart(
    found: Comparison, figure: go.Figure, key: str, words: str, clickable: bool = False, less: int = 0
) -> None:
    key = f"compared_{key}"
    on_click = partial(_clicked, key) if clickable else None
    show_figure(figure, key, words, _CHART_HEIGHT - less, id(found), on_click)


def _clicked(key: str) -> None:
    sample = clicked_number(key)
    session().own(Compared).flip = None if sample is None else int(sample)


def _flips(current: Session, screen: Screen, found: Comparison) -> None:
    st.subheader("Whose verdict flips")
    for column, side, rows in zip(
        st.columns(2, gap="medium"), ("first", "second"), found.disagreements, strict=True
    ):
        with column:
            st.caption(f"Flagged only by the {side}: {count(len(rows))}")
            if len(rows):
                _flip_table(found, side, screen.analysis.inspected)
    flip = current.own(Compared).flip
    if flip is not None and flip < len(found.ids):
        _why_of_each(found, flip, screen)
    elif any(map(len, found.disagreements)):
        st.caption("Choose a sample in a table, or click one in the rank chart, to see why.")


def _flip_table(found: Comparison, side: str, inspected: EmbeddingSet) -> None:
    table = disagreement_table(found, side)
    shown = table[[name for name in ("id", "label", "first_rank", "second_rank") if name in table]]
    columns: dict[str, ColumnConfig] = {
        "id": st.column_config.TextColumn("Sample"),
        "label": st.column_config.TextColumn("Label"),
        "first_rank": st.column_config.NumberColumn("Rank by the first"),
        "second_rank": st.column_config.NumberColumn("by the second"),
    }
    rows = _rows_in(inspected, found)
    if rows is not None and inspected.thumbnails is not None:
        images = [inspected.thumbnail_uri(int(row)) for row in rows[table["sample"]]]
        shown.insert(0, "picture", pd.Series(images, dtype=object))
        columns["picture"] = st.column_config.ImageColumn("", width=58)
    key = f"flips_{side}_{id(found)}"
    st.dataframe(
        shown,
        key=key,
        hide_index=True,
        height=min(38 + 48 * len(shown), 300),
        row_height=48 if "picture" in shown else None,
        column_config={name: columns[name] for name in map(str, shown)},
        on_select=partial(_flip_chosen, key, table["sample"].to_numpy()),
        selection_mode="single-row",
    )


def _flip_chosen(key: str, samples: NDArray[np.int64]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    session().own(Compared).flip = int(samples[rows[0]]) if rows else None


def _rows_in(inspected: EmbeddingSet, found: Comparison) -> NDArray[np.int64] | None:
    """(C,) where the common samples are among those loaded; None if neither side has scored these."""
    for scored, rows in ((found.first, found.first_rows), (found.second, found.second_rows)):
        if scored.inspected_digest == inspected.digest:
            return rows
    return None


def _why_of_each(found: Comparison, sample: int, screen: Screen) -> None:
    inspected, rows = screen.analysis.inspected, _rows_in(screen.analysis.inspected, found)
    with st.container(horizontal=True, vertical_alignment="center"):
        picture = None if rows is None else inspected.thumbnail_uri(int(rows[sample]))
        if picture is not None:
            st.image(picture, width=80)
        st.text(str(found.ids[sample]))
    places = ((found.first, found.first_rows), (found.second, found.second_rows))
    for column, title, (scored, own) in zip(
        st.columns(2, gap="medium"), ("first", "second"), places, strict=True
    ):
        with column:
            _why(scored, int(own[sample]), title, screen)


def _why(scored: Scored, row: int, title: str, screen: Screen) -> None:
    flagged = (
        ":orange[:material/flag: **flagged**]" if scored.flagged[row] else ":material/check: not flagged"
    )
    st.markdown(f"By the {title}: {flagged}")
    decision = decision_with_data(scored, screen.data.train, screen.data.inspected)
    if decision is None:
        st.caption("Why: load the data that this model was fitted on and has scored.")
        return
    reasons = explain.explain(decision.analysis, row)
    with st.container(gap="xxsmall"):
        for sentence in why_words(decision, row, reasons):
            st.text(sentence)
    figure = charts.sample(decision, row, theme())
    show_figure(figure, f"why_{title}", f"Components, by the {title}", 300, (id(scored), row))


def _settings(found: Comparison) -> None:
    st.subheader("Settings side by side")
    rows = sorted(settings_table(found), key=lambda row: not row.differs)
    st.dataframe(
        pd.DataFrame(
            {
                "setting": [row.name for row in rows],
                "first": [row.first for row in rows],
                "second": [row.second for row in rows],
                "differs": ["differs" if row.differs else "" for row in rows],
            }
        ),
        key="compared_settings",
        hide_index=True,
        height="content",
        column_config={
            "setting": st.column_config.TextColumn("Setting"),
            "first": st.column_config.TextColumn("First"),
            "second": st.column_config.TextColumn("Second"),
            "differs": st.column_config.TextColumn("Differs"),
        },
    )
