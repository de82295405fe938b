"""The list of sweeps: the one that is looked at, names, and taking one off the list."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from kdeviz.ui.panels.sweep_table import ChosenRow
from kdeviz.ui.state import Session, session
from kdeviz.ui.widgets.help import HELP
from kdeviz.ui.widgets.history import is_going_back
from kdeviz.ui.widgets.parameters import Possible
from kdeviz.ui.work.sweep_run import SweepRun, known_sweeps

_PARAMETER = "sweep"
_SHOWN = "sweep_shown"
_LONGEST_NAME = 80


@dataclass(eq=False)
class SweepList:
    """What happened to the list.

    Attributes:
        read: whether the address has said which sweeps there are.
        done: how many times its popover has done its work, and was closed.
    """

    read: bool = False
    done: int = 0


def address() -> dict[str, Possible]:
    """What the address may say of sweeps: the one that is looked at, then the others."""
    return {_PARAMETER: known_sweeps().__contains__}


def follow_address(current: Session) -> None:
    """After a reload, Back or Forward, the sweeps of the address; later, the sweeps in the address."""
    listed = current.own(SweepList)
    asked = st.query_params.get_all(_PARAMETER)
    if not listed.read or is_going_back():
        listed.read = True
        found = [run for run in map(known_sweeps().get, asked) if run is not None]
        current.swept = found[0] if found else None
        # What was started since stays on the list.
        current.sweeps += [run for run in found if run not in current.sweeps]
        if not found:  # then all of them are left out, and that is said
            return
    wanted = []
    if current.swept is not None:
        wanted = [run.id for run in sorted(current.sweeps, key=lambda run: run is not current.swept)]
    if wanted != asked:
        st.query_params[_PARAMETER] = wanted


def add_sweep(current: Session, run: SweepRun) -> None:
    """Look at a new sweep; those before stay on the list."""
    current.sweeps.insert(0, run)
    _look_at(current, run)


def free_name(current: Session, wanted: str) -> str:
    """This name, with a number after it where another sweep of the list has it."""
    taken = {run.name for run in current.sweeps}
    numbered = (f"{wanted} ({i})" for i in range(2, len(taken) + 3))
    return next(name for name in (wanted, *numbered) if name not in taken)


def show_sweeps(current: Session) -> None:
    """Draw which sweep is looked at, and a way to name it or take it off the list."""
    by_id = {run.id: run for run in current.sweeps}
    st.session_state[_SHOWN] = None if current.swept is None else current.swept.id
    chosen, change = st.columns([5, 1.15], gap="small", vertical_alignment="bottom")
    chosen.selectbox(
        "Sweep",
        list(by_id),
        index=None,
        format_func=lambda key: by_id[key].name,
        key=_SHOWN,
        placeholder="Choose a sweep",
        label_visibility="collapsed",
        on_change=_chosen,
        help=HELP["sweep_shown"],
    )
    run = current.swept
    # Under another key it is another popover, which is closed.
    with (
        change,
        st.popover(
            "Name",
            icon=":material/edit:",
            width="stretch",
            disabled=run is None,
            key=f"sweep_change_{current.own(SweepList).done}",
        ),
    ):
        if run is None:
            return
        key = f"sweep_name_{run.id}_{run.name}"
        st.text_input(
            "Name",
            run.name,
            max_chars=_LONGEST_NAME,
            key=key,
            on_change=_rename,
            args=(run, key),
            help=HELP["sweep_name"],
        )
        st.button(
            "Take it off the list",
            icon=":material/close:",
            key="remove_sweep",
            on_click=_remove,
            args=(run,),
            width="stretch",
            help="Stops it if it still runs. Settings that were taken over from it stay.",
        )


def _chosen() -> None:
    current, wanted = session(), st.session_state[_SHOWN]
    _look_at(current, next((run for run in current.sweeps if run.id == wanted), None))


def _look_at(current: Session, run: SweepRun | None) -> None:
    current.swept, current.own(ChosenRow).settings = run, None


def _rename(run: SweepRun, key: str) -> None:
    current, name = session(), " ".join(st.session_state[key].split())
    if name and name != run.name:
        run.name = free_name(current, name)
    current.own(SweepList).done += 1


def _remove(run: SweepRun) -> None:
    current = session()
    run.task.cancel()
    current.sweeps.remove(run)
    current.own(SweepList).done += 1
    _look_at(current, current.sweeps[0] if current.sweeps else None)
