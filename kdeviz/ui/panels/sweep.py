"""A sweep over settings: the grid, and the rows as they come."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

import streamlit as st

from kdeviz.analysis import Analysis, cached
from kdeviz.decision import has_both_labels
from kdeviz.errors import OptionError
from kdeviz.scaling import SCALINGS
from kdeviz.sweep import YES_OR_NO, Grid, SweepRow, proposed_grid, sweep_seconds
from kdeviz.ui.panels.sweep_list import add_sweep, free_name, show_sweeps
from kdeviz.ui.panels.sweep_results import show_results
from kdeviz.ui.state import Screen, Session, session
from kdeviz.ui.widgets.address import say
from kdeviz.ui.widgets.help import HELP
from kdeviz.ui.widgets.history import is_going_back
from kdeviz.ui.widgets.progress import show_progress, watch
from kdeviz.ui.widgets.text import plain_error
from kdeviz.ui.work.jobs import job_board
from kdeviz.ui.work.sweep_run import SweepRun
from kdeviz.wording import count, duration

_FIELDS = {
    "components": "Components",
    "scalings": "Scaling",
    "bandwidths": "Bandwidth",
    "caps": "Training cap",
    "seeds": "Seeds",
    "standardise": "Standardised",
}
"""What a grid is made of, by the names of its fields."""
GRID_KEYS = (*(f"grid_{name}" for name in _FIELDS), "sweep_metric")
"""Widgets that keep their values while another page is shown."""
_CHOICES: dict[str, Collection[str]] = {"scalings": SCALINGS.keys(), "standardise": tuple(YES_OR_NO)}
_LONGEST_TEXT = 300


@dataclass(eq=False)
class Proposal:
    """What the fields of the grid say, by their keys.

    Attributes:
        fields: what was proposed when they were drawn last.
        typed: what somebody typed instead, which the address has; None before it was read.
    """

    fields: dict[str, str] = field(default_factory=dict)
    typed: dict[str, str] | None = None


def follow_grid(current: Session) -> None:
    """After a reload, Back or Forward, what was typed into the grid; later, on every page, what is typed."""
    proposal, fields = current.own(Proposal), [f"grid_{name}" for name in _FIELDS]
    if proposal.typed is None or is_going_back():
        said = {key: st.query_params[key][:_LONGEST_TEXT] for key in fields if key in st.query_params}
        proposal.typed = said
        return
    if proposal.fields:
        shown = {key: st.session_state.get(key, proposal.fields[key]) for key in fields}
        proposal.typed = {key: text for key, text in shown.items() if text != proposal.fields[key]}
    for key in fields:
        say(key, proposal.typed.get(key))


def show_sweep(current: Session, screen: Screen) -> None:
    """Draw the grid, the list of sweeps, and what is known of the one that is looked at."""
    run = current.swept
    _grid(screen, any(other.task.running for other in current.sweeps))
    if current.sweeps:
        show_sweeps(current)
    if run is None:
        st.info(
            "A sweep fits every combination of these settings and shows how well each tells anomalous from "
            "normal samples, or, without labels, how well it predicts samples it has not seen. The best and "
            "the simplest that is as good are marked, and one click takes a row over. The values above are a "
            "good start: change them or not, and press the button beside them.",
            icon=":material/info:",
        )
        return
    if run.task.running:
        watch(run.task.future, partial(_so_far, current, screen, run), eager=False)
    else:
        show_results(current, screen, run, go_on)


def _so_far(current: Session, screen: Screen, run: SweepRun) -> None:
    show_progress(run.task, "sweep")
    show_results(current, screen, run)


def _grid(screen: Screen, running: bool) -> None:
    """What to try, and the button that starts it."""
    _default_grid(screen)
    with st.container(key="sweep_grid"):
        columns = st.columns([1.7, 1.1, 1.1, 0.9, 0.65, 0.9, 1.3], gap="small", vertical_alignment="bottom")
    texts: dict[str, str] = {}
    for column, (name, label) in zip(columns[:-1], _FIELDS.items(), strict=True):
        key = f"grid_{name}"
        if name in _CHOICES:
            texts[name] = column.selectbox(label, _options(name), key=key, help=HELP[key])
        else:
            texts[name] = column.text_input(label, key=key, help=HELP[key])
    grid, problem = None, ""
    try:
        grid = Grid.parse(**texts)
    except OptionError as error:
        problem = str(error)
    columns[-1].button(
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
    if grid is not None and not running:
        st.caption(_cost_words(screen, grid))
    if problem:
        plain_error("This grid cannot be read", problem)


def _default_grid(screen: Screen) -> None:
    """Fill the fields that nobody has filled otherwise."""
    proposal, defaults = session().own(Proposal), _texts(_proposed(screen.fitted))
    for key, value in defaults.items():
        # What was typed stays; what was proposed follows the data and the settings in use.
        if key not in st.session_state or is_going_back():
            st.session_state[key] = (proposal.typed or {}).get(key, value)
        elif st.session_state[key] == proposal.fields.get(key):
            st.session_state[key] = value
    for name in _CHOICES:
        key = f"grid_{name}"
        if st.session_state[key] not in _options(name):
            st.session_state[key] = defaults[key]
    proposal.fields = defaults


def _options(name: str) -> list[str]:
    """All of what may be chosen together, then each of them."""
    choices = _CHOICES[name]
    return [", ".join(choices), *choices]


@cached
def _proposed(analysis: Analysis) -> Grid:
    n, d = analysis.train.to_fit.features.shape
    model, scored = analysis.classifier, 0 if analysis.scored is None else len(analysis.scored)
    labelled = has_both_labels(analysis.inspected.labels)
    spectrum, kept = model.pca_model.spectrum.cpu(), model.n_components_
    return proposed_grid(spectrum, analysis.settings, n, d, kept, scored, labelled)


def _texts(grid: Grid) -> dict[str, str]:
    """What the fields hold that make this grid."""
    told = {name: getattr(grid, name) for name in _FIELDS}
    told["bandwidths"] = [width if isinstance(width, str) else f"{width:.12g}" for width in grid.bandwidths]
    told["standardise"] = [word for word, which in YES_OR_NO.items() if which in grid.standardise]
    return {f"grid_{name}": ", ".join(map(str, values)) for name, values in told.items()}


def _cost_words(screen: Screen, grid: Grid) -> str:
    """About how long a sweep will take."""
    n, d = screen.analysis.train.to_fit.features.shape
    scored = 0 if screen.analysis.scored is None else len(screen.analysis.scored)
    return f"About {duration(sweep_seconds(grid, n, d, screen.key[2], scored))}"


def go_on(screen: Screen, run: SweepRun, grid: Grid) -> None:
    """Extend the grid of a sweep; what it has done is not done again."""
    st.session_state.update(_texts(grid))
    _start(screen, grid, run.rows)


def _start(screen: Screen, grid: Grid, known: Sequence[SweepRow] = ()) -> None:
    current, mlflow = session(), st.session_state.get("mlflow")
    settings = f"{count(len(grid))} setting{'s' * (len(grid) != 1)}"
    name = free_name(current, f"{settings} of {screen.data.everything.name}")
    token, _, device = screen.key
    what = token, screen.analysis, grid, screen.rule, screen.decision.curve, device
    add_sweep(current, SweepRun.start(job_board(), *what, name, mlflow, tuple(known)))
