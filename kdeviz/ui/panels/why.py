"""Why this sample: its place, its neighbours, its components, and what a person makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from kdeviz import charts, explain
from kdeviz.data import MARK_LABELS
from kdeviz.decision import sample_view
from kdeviz.errors import DataError, OptionError
from kdeviz.ui.door import options
from kdeviz.ui.panels.table import ranked_rows
from kdeviz.ui.state import Screen, Session, session, theme
from kdeviz.ui.widgets.choices import one_of
from kdeviz.ui.widgets.plots import show_figure
from kdeviz.ui.widgets.text import plain_error
from kdeviz.ui.work.mark_books import shelf
from kdeviz.wording import at_most, count, number, percent

_ROWS_PER_FEATURE = 10
PARTS = ("Neighbours", "Components", "Features", "Slice")


@dataclass(eq=False)
class Marking:
    """Why the last mark could not be kept."""

    problem: str = ""


def show_why(current: Session, screen: Screen, height: int) -> None:
    """Draw the panel of the picked sample; without one, how to pick."""
    rows = ranked_rows(current, screen)
    place = np.flatnonzero(rows == current.picked)
    _walk(rows, int(place[0]) if len(place) else None)
    if current.picked is None:
        st.caption("Pick a sample on the map or in the table, or press N for the most anomalous one.")
        figure = charts.scree(screen.decision, theme())
        show_figure(figure, "scree", "Variance per component", height - 90, screen.key)
        return
    row = current.picked
    explanation = explain.explain(screen.analysis, row)
    _place(row, screen, explanation.residual)
    _decide(row, screen)
    part, about = one_of("Why", PARTS, "why", wide=True), (screen.key, row)
    if part == "Components":
        _chart(charts.sample(screen.decision, row, theme()), part, height - 60, about)
    elif part == "Features":
        _chart(charts.sample_features(screen.decision, row, theme()), part, height - 60, about)
    elif part == "Slice":
        _slice(row, screen, explanation.components, height - 60)
    else:
        _neighbours(explanation.neighbours, screen)


def _walk(rows: np.ndarray, at: int | None) -> None:
    """Buttons, and keys, that go through the table's samples in its order."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Why this sample", width="stretch")
        back = None if at is None or at == 0 else int(rows[at - 1])
        on = None if not len(rows) or at == len(rows) - 1 else int(rows[0 if at is None else at + 1])
        for name, key, icon, target in (
            ("Previous", "P", ":material/arrow_upward:", back),
            ("Next", "N", ":material/arrow_downward:", on),
        ):
            st.button(
                name, icon=icon, shortcut=key, disabled=target is None, on_click=_go, args=(target,), key=name
            )


def _go(row: int) -> None:
    session().pick(row)


def _place(row: int, screen: Screen, residual: explain.Residual) -> None:
    sample = sample_view(screen.decision, row)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        picture = screen.analysis.inspected.thumbnail_uri(row, every_pixel=True)
        if picture is not None:
            st.image(picture, width=112)
        with st.container():
            st.text(f"{sample.name}" + (f" · labelled {sample.label}" if sample.label else ""))
            verdict = (
                ":orange[:material/flag: **flagged**]" if sample.flagged else ":material/check: not flagged"
            )
            st.markdown(f"{verdict} · rank **{count(sample.rank)}** of {count(sample.total)}")
            st.markdown(
                f"log density **{number(sample.log_density, 4)}** · "
                f"{number(abs(sample.above_threshold), 3)} nats "
                f"{'above' if sample.above_threshold >= 0 else 'below'} the threshold · "
                f"probability **{number(sample.probability)}**"
            )
            if sample.p_value is not None:
                shown = f"p-value {number(sample.p_value)}"
                st.markdown(f"**{at_most(sample.p_value)}** normal samples score this low ({shown}).")
            st.markdown(
                f"More unusual than {percent(sample.more_unusual_than)} of the training samples; what the "
                f"components leave out is larger than in {percent(residual.larger_than)} of them."
            )
    if residual.unusual and _enough_for_residuals(screen):
        st.markdown(
            f":orange[:material/warning:] Unusual **outside** the kept components: what they leave out "
            f"measures {number(residual.norm)}; 99 % of the training samples stay below "
            f"{number(residual.limit)}. The log density cannot see this; more components might."
        )


def _enough_for_residuals(screen: Screen) -> bool:
    """With few rows for many features, the axes fit the training rows so well that new rows stand out."""
    n, d = len(screen.analysis.fitted_on), screen.analysis.train.features.shape[1]
    return n >= _ROWS_PER_FEATURE * int(d)


def _decide(row: int, screen: Screen) -> None:
    """The person's verdict and note, kept at once."""
    problem = session().own(Marking).problem or shelf().problems.get(screen.data.origin)
    if problem:
        plain_error("Marks are not kept on disk", problem)
    book, key = screen.book, screen.keys[row]
    mark = book.get(key)
    if options().read_only:
        if words := " · ".join(filter(None, [mark.verdict.capitalize(), mark.note])):
            st.text(words)
        return
    # Widgets of their own per sample and change, so that none shows another sample's mark.
    suffix = f"{key}_{mark.verdict}_{mark.note}"
    st.segmented_control(
        "Your verdict",
        list(MARK_LABELS),
        default=mark.verdict or None,
        format_func=str.capitalize,
        key=f"verdict_{suffix}",
        on_change=_mark,
        args=(screen, key, "verdict", f"verdict_{suffix}"),
        label_visibility="collapsed",
        width="stretch",
    )
    notes, back = st.columns([3, 1], gap="small")
    with notes:
        st.text_input(
            "Note",
            mark.note,
            placeholder="Your note",
            label_visibility="collapsed",
            max_chars=2000,
            key=f"note_{suffix}",
            on_change=_mark,
            args=(screen, key, "note", f"note_{suffix}"),
        )
    with back:
        st.button(
            "Undo",
            disabled=not book.can_undo,
            on_click=_undo,
            args=(screen,),
            width="stretch",
            help="Take back your last mark or note, of whichever sample. What somebody else has changed "
            "since then stays.",
        )
    if len(book):
        marked = " · ".join(f"{count(n)} {verdict}" for verdict, n in book.counts().items() if n)
        st.checkbox(
            f"Use my marks as labels ({marked or 'notes only'})",
            key="marks_as_labels",
            help="Confirmed counts as anomalous, false alarm as normal, unsure as not labelled; samples "
            "without a mark keep the label of the file.",
        )


def _mark(screen: Screen, key: str, part: str, widget: str) -> None:
    marking = session().own(Marking)
    marking.problem = ""
    try:
        screen.book.set_part(key, **{part: (st.session_state.get(widget) or "").strip()})
    except (OptionError, DataError) as error:
        marking.problem = str(error)


def _undo(screen: Screen) -> None:
    marking = session().own(Marking)
    marking.problem = ""
    try:
        about = screen.book.undo()
    except (OptionError, DataError) as error:
        marking.problem = str(error)
        return
    if about is None:
        st.toast("Somebody else has changed this mark since: it stays.", icon=":material/group:")
    elif about in screen.keys:
        session().pick(screen.keys.index(about))


def _neighbours(near: explain.Neighbours, screen: Screen) -> None:
    train = screen.analysis.train
    table = pd.DataFrame({"id": train.ids[near.rows], "distance": near.distances, "share": 100 * near.shares})
    columns = {
        "id": st.column_config.TextColumn("Training sample"),
        "distance": st.column_config.NumberColumn(
            "Distance", format="%.2f", help="In widths of a training sample's own reach."
        ),
        "share": st.column_config.ProgressColumn(
            "Share of the density",
            format="%.1f %%",
            min_value=0,
            max_value=100,
            help="How much of this sample's density comes from that training sample.",
        ),
    }
    if train.thumbnails is not None:
        images = [train.thumbnail_uri(int(row)) for row in near.rows]
        table.insert(0, "picture", pd.Series(images, dtype=object))
        columns["picture"] = st.column_config.ImageColumn("", width=58)
    st.caption(
        f"The nearest {count(len(near.rows))} of {count(near.total)} training samples; all others together "
        f"make up {percent(near.others)} of the density here."
    )
    st.dataframe(
        table,
        hide_index=True,
        row_height=40 if train.thumbnails is not None else None,
        column_config=columns,
        key="neighbours",
    )


def _slice(row: int, screen: Screen, components: explain.Components, height: int) -> None:
    kept = len(components.contribution)
    if kept < 2:
        st.info("A slice needs two components: the model kept one.", icon=":material/info:")
        return
    strongest = np.argsort(-np.abs(components.contribution), kind="stable")[:2] + 1
    left, right = st.columns(2)
    first = left.number_input("Component along x", 1, kept, int(strongest[0]), key=f"slice_x_{row}")
    second = right.number_input("Component along y", 1, kept, int(strongest[1]), key=f"slice_y_{row}")
    if first == second:
        st.caption("Choose two different components.")
        return
    figure = charts.sample_slice(screen.decision, row, (first - 1, second - 1), theme())
    _chart(figure, "Slice", height, (screen.key, row, first, second))


def _chart(figure: go.Figure, part: str, height: int, about: object) -> None:
    show_figure(figure, f"why_{part}", part, height, about)
