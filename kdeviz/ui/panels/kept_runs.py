"""Kept runs: keeping what is on the screen, and the list of all that were kept."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from kdeviz.analysis import OnProgress
from kdeviz.errors import DataError, OptionError
from kdeviz.output import DamagedRun, Run, RunStore, log_run, proposed_name
from kdeviz.ui.door import options, visitor
from kdeviz.ui.panels.model import can_use, use_settings
from kdeviz.ui.state import Screen, Session, session
from kdeviz.ui.widgets.help import HELP
from kdeviz.ui.widgets.text import failure_words, literal, plain_error, plain_warning
from kdeviz.ui.work.jobs import job_board
from kdeviz.ui.work.reporting import screen_extras, screen_report
from kdeviz.ui.work.tasks import Task
from kdeviz.wording import count, size

_WRAPPED = 66
"""Pixels of a row: streamlit wraps what is in those above 64."""


@dataclass(eq=False)
class Keeping:
    """What was kept, and what went wrong.

    Attributes:
        kept: what of the screen was kept last.
        problem: why the last run was not kept.
        change_problem: why the last change of a kept run failed.
        logging: a run on its way to MLflow; it gives what went wrong, or nothing.
        done: how many times its popover has done its work, and was closed.
    """

    kept: tuple[object, ...] | None = None
    problem: str = ""
    change_problem: str = ""
    logging: Task[str] | None = None
    done: int = 0


def run_store() -> RunStore:
    """The folder that the app was started with."""
    folder = st.session_state.get("runs_folder")
    return RunStore(None if folder is None else Path(folder))


def known_runs() -> tuple[Run | DamagedRun, ...]:
    """All that are kept; none, and a message here, if the folder cannot be read."""
    try:
        return run_store().runs()
    except OptionError as error:
        plain_error("The kept runs cannot be read", str(error))
        return ()


def keep_button(current: Session) -> None:
    """A popover that keeps what is on the screen under a name; nothing where all is read-only."""
    screen = None if current.screen is None or current.screen.preview is not None else current.screen
    if options().read_only:
        return
    keeping = current.own(Keeping)
    done = screen is not None and keeping.kept == screen.told
    # Under another key it is another popover, which is closed.
    with st.popover(
        "Kept" if done else "Keep run",
        width="stretch",
        disabled=screen is None or done,
        help="Keeps the fitted model, its scores, settings, threshold and your marks as a folder, to be "
        "compared later. See the page Compare.",
        key=f"keep_run_{keeping.done}",
    ):
        if screen is None or done:
            return
        # As wide as most names.
        with st.container(width=440):
            _name_and_keep(screen)


def _name_and_keep(screen: Screen) -> None:
    proposed = proposed_name(screen.decision)
    key = f"run_name_{proposed}"
    st.text_input("Name", proposed, max_chars=200, key=key, help=HELP["run_name"])
    st.button("Keep", key="keep", type="primary", on_click=_keep, args=(key,), width="stretch")


def keep_problems(current: Session) -> None:
    """Say why the last run was not kept, or is not in MLflow."""
    keeping = current.own(Keeping)
    if keeping.problem:
        plain_error("The run was not kept", keeping.problem)
    if keeping.logging is not None and (problem := keeping.logging.result()):
        plain_warning(f"The run is kept, but not in MLflow: {problem}")


def _keep(name_key: str) -> None:
    screen, keeping = session().screen, session().own(Keeping)
    if screen is None:
        return
    proposed, name = proposed_name(screen.decision), st.session_state[name_key]
    try:
        with st.spinner("Keeping the run …"):
            run = run_store().keep(
                screen.decision,
                None if " ".join(name.split()) in ("", proposed) else name,
                fixes=screen.data.fixes,
                marks=screen.book,
                owner=visitor(),
            )
    except (OptionError, DataError) as error:
        keeping.problem = str(error)
        return
    keeping.problem, keeping.kept, keeping.done = "", screen.told, keeping.done + 1
    st.toast(f"Kept as “{literal(run.name)}”", icon=":material/bookmark_added:")
    if uri := st.session_state.get("mlflow"):
        keeping.logging = _log(uri, run, screen)


def _log(uri: str, run: Run, screen: Screen) -> Task[str]:
    extras = screen_extras(screen, run.name)

    def work(report: OnProgress, cancelled: Callable[[], bool]) -> str:
        try:
            log_run(uri, run, partial(screen_report, screen, extras))
        except Exception as error:  # of any server's making
            return failure_words(error)
        return ""

    task = job_board().start_aside(work)
    wait([task.future], 2)
    return task


def show_runs(current: Session) -> None:
    """Draw the list; the chosen run can be used, renamed and deleted."""
    store, known = run_store(), known_runs()
    runs = [run for run in known if isinstance(run, Run)]
    st.text(f"{count(len(runs))} kept in {store.folder}")
    if problem := current.own(Keeping).change_problem:
        plain_error("That did not work", problem)
    for damaged in known:
        if isinstance(damaged, DamagedRun):
            with st.container(border=True, horizontal=True, vertical_alignment="center"):
                st.markdown(":orange[:material/broken_image:]", width="content")
                st.text(f"Damaged: {damaged.reason}", width="stretch")
                if not options().read_only:
                    st.button(
                        "Delete",
                        key=f"delete_{damaged.id}",
                        on_click=_delete,
                        args=(store, damaged.id),
                    )
    if not runs:
        st.caption(
            "This app is read-only: runs that another one keeps in this folder are listed here."
            if options().read_only
            else "Press “Keep run” in the sidebar to keep what is on the screen."
        )
        return
    key = f"runs_{hash(tuple((run.id, run.name) for run in runs))}"
    chosen = st.dataframe(
        _table(runs),
        key=key,
        hide_index=True,
        row_height=_WRAPPED,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "name": st.column_config.TextColumn("Name", width=250),
            "kept": st.column_config.TextColumn("Kept"),
            "data": st.column_config.TextColumn("Data"),
            "flagged": st.column_config.TextColumn("Flagged"),
            "auroc": st.column_config.NumberColumn("AUROC", format="%.3g"),
            "size": st.column_config.TextColumn("Size"),
            "id": st.column_config.TextColumn("Folder", width=250),
            "owner": st.column_config.TextColumn("Kept by"),
        },
    ).selection.rows
    if chosen and chosen[0] < len(runs):
        _actions(current, store, runs[chosen[0]])
    else:
        st.caption("Choose a run to use its settings, rename or delete it.")


def _table(runs: list[Run]) -> pd.DataFrame:
    metrics, owners = [run.record.metrics for run in runs], [run.owner for run in runs]
    return pd.DataFrame(
        {
            "name": [run.name for run in runs],
            "kept": [run.kept_words for run in runs],
            "data": [
                str(run.record.provenance.get("score_name") or run.record.provenance.get("train_name"))
                for run in runs
            ],
            "flagged": [f"{one.get('flagged')} of {one.get('inspected')}" for one in metrics],
            "auroc": pd.Series([one.get("auroc") for one in metrics], dtype="float64"),
            "size": [size(run.bytes) for run in runs],
            "id": [run.id for run in runs],
            **({"owner": owners} if any(owners) else {}),
        }
    )


def _actions(current: Session, store: RunStore, run: Run) -> None:
    use, name, rename, delete = st.columns([1, 2.4, 0.8, 0.8], vertical_alignment="bottom")
    use.button(
        "Use its settings",
        icon=":material/check:",
        on_click=use_settings,
        args=(run.record.settings,),
        disabled=not can_use(run.record.settings, current.data),
    )
    if options().read_only:
        return
    key = f"name_{run.id}_{run.name}"
    wanted = name.text_input("Name", run.name, max_chars=200, key=key, help=HELP["run_name"])
    rename.button(
        "Rename",
        disabled=wanted == run.name,
        on_click=_change,
        args=(partial(store.rename, run.id, wanted, visitor()),),
        width="stretch",
    )
    with delete, st.popover("Delete", width="stretch"):
        st.markdown("This cannot be undone.")
        st.button("Delete for good", type="primary", on_click=_delete, args=(store, run.id))


def _delete(store: RunStore, run_id: str) -> None:
    _change(partial(store.delete, run_id, visitor()))
    session().own(Keeping).kept = None  # it may have been this one


def _change(change: Callable[[], object]) -> None:
    keeping = session().own(Keeping)
    keeping.change_problem = ""
    try:
        change()
    except (OptionError, DataError) as error:
        keeping.change_problem = str(error)
