"""Two models on the same samples: what differs, whose verdict flips, and why."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st

from kdeviz import charts
from kdeviz.analysis import OnProgress
from kdeviz.comparison import Comparison, compare, separation_words, settings_table, verdict_words
from kdeviz.ui.door import options
from kdeviz.ui.panels.disagreements import LookedAt, show_disagreements
from kdeviz.ui.state import Screen, Session, session, theme
from kdeviz.ui.widgets.choices import one_of
from kdeviz.ui.widgets.help import HELP
from kdeviz.ui.widgets.plots import clicked_number, show_figure
from kdeviz.ui.widgets.progress import outcome, show_progress, watch
from kdeviz.ui.widgets.text import failure_words, plain_error, plain_warning
from kdeviz.ui.work.jobs import job_board
from kdeviz.ui.work.sides import Side, add_model_file, sides
from kdeviz.ui.work.tasks import Task

SIDE_KEYS = ("first_side", "second_side")
"""Widgets that keep their values while another page is shown."""

_CHART_HEIGHT = 360
_CONTROL_HEIGHT = 46
_TITLES = ("First", "Second")
_RANKS = "compared_ranks"
# How long a rerun waits for a comparison before it shows progress instead.
_EXPECTED_SECONDS = 2.0
_PATIENCE_SECONDS = 2.0


@dataclass(eq=False)
class Compared:
    """What is compared.

    Attributes:
        sides: the keys of the two models.
        identity: of what `task` compares.
        task: the last comparison.
        file_problem: why the uploaded model file cannot be used.
        files_read: how many model files were read.
    """

    sides: tuple[str, ...] = ()
    identity: object = None
    task: Task[Comparison] | None = None
    file_problem: str = ""
    files_read: int = 0


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
    comparison = outcome(task, "These two cannot be compared")
    if comparison is None:
        st.button("Compare again", icon=":material/refresh:", on_click=_forget)
        return
    for note in comparison.notes:
        plain_warning(note)
    _sentences(comparison)
    _charts(comparison)
    show_disagreements(current, screen, comparison)
    _settings(comparison)


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
    choices, buttons = st.columns([5.6, 1], vertical_alignment="center")
    with choices, st.container(gap="xsmall", key="sides"):
        # One above the other: the name of a run is long, and its end tells two of them apart.
        for side, (key, title) in enumerate(zip(SIDE_KEYS, _TITLES, strict=True)):
            words, choice = st.columns([1, 11], gap="small", vertical_alignment="center")
            words.markdown(title)
            choice.selectbox(
                title,
                keys,
                format_func=lambda key: known[key].name,
                key=key,
                on_change=_keep_apart,
                args=(side,),
                label_visibility="collapsed",
                help=HELP["side"],
            )
    with buttons, st.container(gap="xsmall"):
        st.button("Swap", icon=":material/swap_vert:", on_click=_swap, key="swap", width="stretch")
        _model_file(screen)
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


def _model_file(screen: Screen) -> None:
    if options().read_only:
        return
    # Under another key it is another popover, which is closed.
    key = f"model_file_{session().own(Compared).files_read}"
    with st.popover("Model file", icon=":material/upload_file:", width="stretch", key=key):
        st.file_uploader(
            "A model that kdeviz saved, to score the samples that are loaded now",
            type=["safetensors"],
            key="model_file",
            on_change=_read_model_file,
            args=(screen,),
            help=HELP["model_file"],
        )


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
    compared.files_read += 1
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

    task = job_board().start(work, _EXPECTED_SECONDS)
    compared.identity, compared.task = identity, task
    current.own(LookedAt).sample = None
    wait([task.future], _PATIENCE_SECONDS)
    return task


def _sentences(comparison: Comparison) -> None:
    if comparison.verdicts is None:
        st.caption("Without labels nobody can say which of the two is right: label samples, or mark some.")
        return
    separation = None if comparison.separation is None else separation_words(comparison.separation)
    for column, words in zip(st.columns(2), (separation, verdict_words(comparison.verdicts)), strict=True):
        if words is not None:
            with column, st.container(border=True, height="stretch"):
                st.markdown(words)


def _charts(comparison: Comparison) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        words = "Rank by the second against rank by the first"
        ranks = charts.ranks(comparison, theme=theme())
        show_figure(ranks, _RANKS, words, _CHART_HEIGHT, id(comparison), _clicked)
    with right:
        kind, height = "Percentiles", _CHART_HEIGHT
        if comparison.roc is not None:
            kind = one_of("Chart", ["Percentiles", "ROC"], "compared_chart", in_address=False)
            height -= _CONTROL_HEIGHT
        if kind == "ROC":
            rocs = charts.compared_roc(comparison, theme=theme())
            show_figure(rocs, "compared_rocs", "Both ROC curves", height, id(comparison))
        else:
            figure, words = charts.percentiles(comparison, theme()), "Histograms of percentiles"
            show_figure(figure, "compared_percentiles", words, height, id(comparison))


def _clicked() -> None:
    sample = clicked_number(_RANKS)
    session().own(LookedAt).sample = None if sample is None else int(sample)


def _settings(comparison: Comparison) -> None:
    st.subheader("Settings side by side")
    rows = sorted(settings_table(comparison), key=lambda row: not row.differs)
    words = [(row.name, row.first, row.second, "differs" if row.differs else "") for row in rows]
    st.dataframe(
        pd.DataFrame(words, columns=["setting", "first", "second", "differs"]),
        key="compared_settings",
        hide_index=True,
        height="content",
        column_config={
            "setting": st.column_config.TextColumn("Setting", width=150),
            "first": st.column_config.TextColumn("First", width=350),
            "second": st.column_config.TextColumn("Second", width=350),
            "differs": st.column_config.TextColumn("Differs", width=80),
        },
    )
