"""The frame around every page: sidebar, navigation, and the fit that keeps the last good result on screen."""

from __future__ import annotations

import base64
import gc
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import get_script_run_ctx

from kdeviz.charts import DARK
from kdeviz.ui.door import Options, options
from kdeviz.ui.pages import PAGES, compare, tune
from kdeviz.ui.panels import (
    find,
    load_data,
    map_axes,
    model,
    present,
    sample_parts,
    sidebar,
    sweep,
    sweep_list,
    threshold,
)
from kdeviz.ui.panels import preflight as preflight_panel
from kdeviz.ui.panels.charts import tabs
from kdeviz.ui.panels.comparison import SIDE_KEYS
from kdeviz.ui.panels.help_menu import help_menu
from kdeviz.ui.panels.kept_runs import keep_button, keep_problems
from kdeviz.ui.panels.sweep import GRID_KEYS
from kdeviz.ui.panels.uploads import is_missing, keep_large
from kdeviz.ui.state import Screen, Session, session, theme
from kdeviz.ui.widgets.history import keep_history
from kdeviz.ui.widgets.parameters import among, drop_impossible
from kdeviz.ui.widgets.plots import load_plotly_ahead
from kdeviz.ui.widgets.text import plain_warning
from kdeviz.ui.work import in_address
from kdeviz.ui.work.fitting import adopt, fit
from kdeviz.ui.work.jobs import Key
from kdeviz.ui.work.reading import FileReading
from kdeviz.wording import count


def main() -> None:
    """Draw the app once."""
    _spare("modules")
    st.set_page_config("kdeviz", _icon(), layout="wide")
    st.html(Path(__file__).with_name("style.css"))
    if theme() is DARK:
        st.html(Path(__file__).with_name("dark.css"))
    keep_history()
    load_plotly_ahead()
    said, current = options(), session()
    _begin(said, current)
    page = _navigation()
    locked = page.url_path == "present"
    if locked:
        st.html(Path(__file__).with_name("present.css"))
    with st.sidebar:
        help_menu()
        checks, keep, scoring = load_data.data_control(current)
    if is_missing(current):
        load_data.say_missing(current)
        return
    _read_address(current)
    threshold.take_wanted(current)
    with st.sidebar:
        settings, variance = model.model_control(current)
        rule = sidebar.threshold_control(current)
        with st.expander("Probability curve"):
            curve = sidebar.curve_control(current.screen)
        device, machine = sidebar.device_control(said.device)
        cost = st.empty()
    wanted = (current.data.token, settings, device)
    # What may be or not be has a place: charts below would be drawn from nothing if they moved up or down.
    above = st.container()
    with st.container():
        fitting = fit(current, wanted)
        cost.caption(fitting.words)
    with st.container():
        _adopt(current, adopt(current, wanted, fitting, rule, curve), wanted, variance)
    load_data.say_scoring(current, scoring)
    with checks:  # some are made by the fit
        preflight_panel.checks_button(current, settings, page.url_path)
    preflight_panel.open_on_problems(current, settings)
    with above:
        if not locked:
            preflight_panel.show_checks(current, settings, page.url_path)
            preflight_panel.watch_checks(current)
    in_address.follow_address(current)
    keep_large(current)
    with keep:
        keep_button(current)
    machine.text(sidebar.device_words(device, current.screen))
    with st.container():
        if not locked:
            keep_problems(current)
            if page.url_path != "tune":
                tune.show_running(current)
    page.run()
    _spare("what the first page left")


def _begin(said: Options, current: Session) -> None:
    """What this run is about: the folders, and the data and sweep of the address."""
    st.session_state["marks_folder"] = said.marks
    st.session_state["runs_folder"] = said.runs
    st.session_state["mlflow"] = None if said.read_only else said.mlflow
    st.session_state["images_folder"] = said.images
    _keep_widgets(current)
    if said.file is not None and "opened" not in st.session_state:
        st.session_state["opened"] = True
        load_data.open_path(current, said.file)
    load_data.follow_address(current)
    sweep_list.follow_address(current)
    sweep.follow_grid(current)


def _navigation() -> st.Page:
    """Draw the links to all pages; the one that is asked for."""
    pages = {
        page.path: st.Page(
            page.show, title=page.title, icon=page.icon, url_path=page.path or None, default=not page.path
        )
        for page in PAGES
    }
    st.session_state["explore_page"] = pages[""]
    page = st.navigation(list(pages.values()), position="top")
    # On a phone streamlit puts them out of sight, see style.css.
    with st.container(horizontal=True, gap="xxsmall", key="phone_pages"):
        for link in pages.values():
            st.page_link(link, icon=None, width="content")
    return page


def _adopt(current: Session, screen: Screen | None, wanted: Key, variance: DeltaGenerator) -> None:
    """Show this from now on, and say what is not as it was asked for."""
    if screen is not None:
        threshold.follow_settings(current, screen)
    _say_exact(current.screen, screen)
    current.show(screen)
    if screen is None:
        return
    if screen.key == wanted:
        variance.caption(model.variance_words(screen.decision))
    else:
        _name_other(screen)


@cache
def _spare(_what: str) -> None:
    """Keep what is loaded by now out of all garbage collections, once for each name.

    Streamlit collects garbage after each run, and all threads wait for it: 140 to 200 ms with the modules of
    torch and streamlit, 10 without them, 1 without what the first page left. Reruns that follow each other
    closely added up to seconds.
    """
    gc.freeze()


@cache
def _icon() -> str:
    """As a data URI: streamlit forgets its own copy of an image for a moment when reruns follow closely."""
    drawn = Path(__file__).with_name("icon.png").read_bytes()
    return f"data:image/png;base64,{base64.b64encode(drawn).decode()}"


def _read_address(current: Session) -> None:
    """Say once what of the address is not possible; the widgets do not hear of it."""
    data = current.data
    parts = {"tune": tune.PARTS, "compare": compare.PARTS, "chart": tabs(), "why": sample_parts.PARTS}
    dropped = drop_impossible(
        {
            **load_data.address(),
            **sweep_list.address(),
            **preflight_panel.address(),
            **model.address(data),
            **sidebar.address(data),
            **map_axes.address(),
            **find.address(),
            **({} if current.own(FileReading).task is not None else in_address.address(data)),
            **present.address(),
            **{name: among(options) for name, options in parts.items()},
        }
    )
    if dropped:
        st.toast(f"Not possible in the address, and left out: {', '.join(dropped)}", duration="infinite")


@dataclass(eq=False)
class Remembered:
    """Values of widgets by their keys, for when they are drawn again, and the parts of pages shown last."""

    values: dict[str, Any] = field(default_factory=dict)
    place: tuple[object, ...] = ()


def _keep_widgets(current: Session) -> None:
    """Streamlit forgets the values of widgets while pages without them are drawn.

    Where they are drawn again it has to be told, or else the browser shows them as they were made.
    """
    remembered, context = current.own(Remembered), get_script_run_ctx(suppress_warning=True)
    page = None if context is None else context.page_script_hash
    place = (page, *(st.session_state.get(part) for part in ("tune", "compare")))
    moved, remembered.place = place != remembered.place, place
    for key in (*GRID_KEYS, *SIDE_KEYS):
        if key in st.session_state:
            remembered.values[key] = st.session_state[key]
        if key in remembered.values and (moved or key not in st.session_state):
            st.session_state[key] = remembered.values[key]


def _say_exact(before: Screen | None, screen: Screen | None) -> None:
    """A preview gives way to what it was one of."""
    if before is None or screen is None or before.preview is None or screen.preview is not None:
        return
    if before.key == screen.key:
        rows = count(len(screen.analysis.scores))
        st.toast(f"All {rows} rows are scored: the figures are exact now.", icon=":material/done_all:")


def _name_other(screen: Screen) -> None:
    """Say that the screen is not about the present data and settings."""
    settings = screen.analysis.settings
    units = ", standardised" if settings.standardise else ""
    plain_warning(
        f"Still showing the last finished fit: {screen.data.everything.name}, "
        f"{settings.n_pca_components} components, {settings.feature_scaling_method.value}{units}"
    )
