"""What the map's axes are: chosen by a person, named in the address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import streamlit as st

from kdeviz import charts
from kdeviz.charts import ColumnAxes, ComponentAxes, MapAxes, ScoreAxes, SeparatingAxes
from kdeviz.ui.state import Screen, Session
from kdeviz.ui.widgets.address import first_choice, key_in_popover, write_choice
from kdeviz.ui.widgets.help import HELP
from kdeviz.ui.widgets.parameters import Possible, among, whole
from kdeviz.ui.widgets.progress import show_progress, watch
from kdeviz.ui.work.neighbours import Arranging, neighbour_axes

_DIMENSIONS = ("2D", "3D")
_MOST_AXES = 10**6


class Kind(NamedTuple):
    """A kind of axes that a person can choose."""

    title: str
    choose: Callable[[Session, Screen], MapAxes | None]
    """Draws what else is asked for; None where these data have no such axes, which it says."""


def address() -> dict[str, Possible]:
    """What the address may say of the axes; which columns there are, the data decide."""
    numbers = {f"axis_{name}": whole(1, _MOST_AXES) for name in "xyz"}
    return {"axes": among(KINDS), "dimensions": among(_DIMENSIONS), **numbers}


def choose_axes(current: Session, screen: Screen) -> MapAxes | None:
    """Ask for the axes; None where there are none, which is said."""
    kind = st.selectbox(
        "Axes",
        list(KINDS),
        first_choice("axes", list(KINDS), "components"),
        format_func=lambda name: KINDS[name].title,
        key=key_in_popover("axes"),
        help=HELP["axes"],
    )
    write_choice(key_in_popover("axes"), "components", "axes")
    if kind != "neighbours":
        current.own(Arranging).drop()
    return KINDS[kind].choose(current, screen)


def _components(current: Session, screen: Screen) -> MapAxes | None:
    kept = screen.analysis.classifier.n_components_
    if kept < 2:
        return ScoreAxes()
    wanted = min(_dimensions(kept), kept)
    axes = [_component(name, i + 1, kept) for i, name in _beside_each_other(wanted)]
    if len(set(axes)) < len(axes):
        st.caption("Choose different components for the axes.")
        axes = list(range(1, wanted + 1))
    return ComponentAxes(tuple(axis - 1 for axis in axes))


def _beside_each_other(axes: int) -> Iterator[tuple[int, str]]:
    """The number and the letter of each axis, in whose place what is drawn then stands."""
    for i, place in enumerate(st.columns(axes, gap="small")):
        with place:
            yield i, "xyz"[i]


def _dimensions(possible: int) -> int:
    dimensions = st.segmented_control(
        "Dimensions",
        _DIMENSIONS,
        default="2D",
        required=True,
        key="dimensions",
        bind="query-params",
        disabled=possible < 3,
        help=HELP["dimensions"],
    )
    return 3 if dimensions == "3D" and possible >= 3 else 2


def _component(name: str, first: int, kept: int) -> int:
    key = f"axis_{name}"
    if st.session_state.get(key, 1) > kept:
        st.session_state[key] = first
    axis: int = st.number_input(
        f"{name} axis: component", 1, kept, first, key=key, bind="query-params", help=HELP["axis"]
    )
    return axis


def _columns(current: Session, screen: Screen) -> MapAxes | None:
    names = charts.axis_choices(screen.decision)
    if len(names) < 2:
        st.caption("These data have fewer than two columns of numbers beside the embedding.")
        return None
    chosen = [_column(letter, names, i) for i, letter in _beside_each_other(_dimensions(len(names)))]
    if len(set(chosen)) < len(chosen):
        st.caption("Choose different columns for the axes.")
        chosen = names[: len(chosen)]
    return ColumnAxes(tuple(chosen))


def _column(letter: str, names: list[str], place: int) -> str:
    name = f"column_{letter}"
    key = key_in_popover(name)
    first = first_choice(name, names, names[place])
    column: str = st.selectbox(f"{letter} axis: column", names, first, key=key, help=HELP["axis_column"])
    write_choice(key, names[place], name)
    return column


def _neighbours(current: Session, screen: Screen) -> MapAxes | None:
    if not charts.has_neighbour_maps():
        st.text("The neighbour map takes openTSNE. To install it: pip install 'kdeviz[map]'")
        return None
    found = neighbour_axes(current, screen)
    return found if isinstance(found, MapAxes) else None


def show_arranging(current: Session) -> None:
    """Draw how far a neighbour map is, or why there is none."""
    arranging = current.own(Arranging)
    if arranging.task is not None and arranging.task.running:
        watch(arranging.task.future, partial(show_progress, arranging.task, "neighbours"))
    elif arranging.problem:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"The neighbour map did not finish: {arranging.problem}")
            st.button("Try again", icon=":material/refresh:", on_click=arranging.drop, key="arrange")


KINDS = {
    "components": Kind("Main directions (PCA)", _components),
    "separating": Kind("Axes that separate", lambda current, screen: SeparatingAxes()),
    "neighbours": Kind("Neighbour map", _neighbours),
    "columns": Kind("Columns of the file", _columns),
}
"""By the name in the address. A new one is a line here."""
