"""What can be done with the samples found: describe them, zoom to them, mark them all, save them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from kdeviz import charts, explain
from kdeviz.explain import MOST_READ, SelectionView, Standout
from kdeviz.ui.numbering import Numbering
from kdeviz.ui.panels.looked_at import pick_clicked, show_training
from kdeviz.ui.panels.marking import mark_many, show_undo
from kdeviz.ui.panels.shown_text import text_column
from kdeviz.ui.state import Screen, Session, session, theme
from kdeviz.ui.widgets.downloads import score_downloads
from kdeviz.ui.widgets.plots import show_figure
from kdeviz.ui.widgets.tiles import show_tiles, tiles_of
from kdeviz.ui.work.found import Found
from kdeviz.wording import count, percent

_HISTOGRAM_HEIGHT = 240
_HELP = (
    "Values and words that these samples have more often than all others, by how sure that is. Left out is "
    "what chance alone would bring into more than 1 of 20 such lists. Numbers are compared by quarters of "
    "all samples. Ranked by log-odds with a prior (Monroe, Colaresi and Quinn 2008, Fightin' Words)."
)


@dataclass(eq=False)
class Describing:
    """Whether the samples found are described, and the last description."""

    on: bool = False
    found: Found | None = None
    view: SelectionView | None = None
    text_column: str | None = None


@dataclass(eq=False)
class Zoom:
    """What the map is zoomed to.

    Attributes:
        rows: inspected rows that fill the map; None for all.
        times: how often that was asked, so that the map moves each time.
    """

    rows: NDArray[np.int64] | None = None
    times: int = 0

    def to(self, rows: NDArray[np.int64] | None) -> None:
        """Show these rows, or all."""
        self.rows = rows
        self.times += 1

    def renumber(self, numbering: Numbering) -> None:
        """See `Renumbered`."""
        self.rows = None if self.rows is None else numbering.rows(self.rows)


def show_actions(current: Session, screen: Screen, found: Found) -> None:
    """Draw the buttons beside the list."""
    zoom = current.own(Zoom)
    show_undo(screen)
    if found.narrowed and len(found.rows):
        describing = current.own(Describing)
        st.button(
            "Describe",
            icon=":material/description:",
            key="describe",
            type="primary" if describing.on else "secondary",
            on_click=_describe,
            help="What these samples have in common, against all others.",
        )
        st.button("Zoom to them", icon=":material/zoom_in:", key="zoom", on_click=zoom.to, args=(found.rows,))
    if zoom.rows is not None:
        st.button(
            "Whole map", icon=":material/zoom_out_map:", key="whole_map", on_click=zoom.to, args=(None,)
        )
    if found.narrowed and len(found.rows):
        mark_many(screen, found.rows)
    if found.narrowed and len(found.rows) and screen.preview is None:
        with st.popover("Save", icon=":material/download:", key="save_found"):
            score_downloads(screen, "selection", found.rows)


def _describe() -> None:
    describing = session().own(Describing)
    describing.on = not describing.on


def show_description(screen: Screen, found: Found, height: int) -> None:
    """Draw what the samples found have in common."""
    view = _view(screen, found)
    others = (
        f", against {percent(view.share_flagged_outside)} of the others" if view.size < view.total else ""
    )
    st.markdown(
        f"**{count(view.size)}** of {count(view.total)} samples are selected; **{count(view.flagged)}** of "
        f"them are flagged (**{percent(view.share_flagged)}**{others})."
    )
    figure = charts.selection_scores(screen.decision, found.kept, theme())
    show_figure(
        figure,
        "selection_scores",
        "Log density of the selection and of the others",
        _HISTOGRAM_HEIGHT,
        screen.key,
    )
    _more_often(view)
    _near(screen, view)


def _view(screen: Screen, found: Found) -> SelectionView:
    """The description, computed once for one selection and text."""
    describing, column = session().own(Describing), text_column()
    if describing.view is None or describing.found is not found or describing.text_column != column:
        describing.view = explain.describe(screen.decision, found.samples, found.kept, column)
        describing.found, describing.text_column = found, column
    return describing.view


def _more_often(view: SelectionView) -> None:
    rest = view.total - view.size
    if not rest:
        return
    rows = [_shares(one, view.size, rest) for one in view.values]
    rows += [_shares(one, *view.read) for one in view.words]
    if not rows:
        st.caption(
            "No value or word is so much more frequent here that chance would not explain it.", help=_HELP
        )
        return
    st.caption("More often here than among the others", help=_HELP)
    st.dataframe(
        pd.DataFrame(rows, columns=["What", "Here", "Others"]),
        hide_index=True,
        key="more_often",
        column_config={
            "What": st.column_config.TextColumn(),
            "Here": st.column_config.TextColumn(width=110),
            "Others": st.column_config.TextColumn(width=110),
        },
    )
    if max(view.read) >= MOST_READ:
        here, there = map(count, view.read)
        st.caption(
            f"Words were counted in {here} samples of the selection and {there} of the others, evenly spread."
        )


def _shares(one: Standout, size: int, rest: int) -> tuple[str, str, str]:
    here, others = (f"{count(n)} ({percent(n / of)})" for n, of in ((one.inside, size), (one.outside, rest)))
    return f"{one.column}: {one.name}", here, others


def _near(screen: Screen, view: SelectionView) -> None:
    """The sample in the middle, and the typical one nearest to it."""
    st.caption("In the middle of the selection")
    tiles = tiles_of(screen.analysis.inspected, [view.middle], [""], text_column())
    about, on_click = (screen.key, view.middle), partial(pick_clicked, "middle")
    show_tiles(tiles, "middle", "The sample in the middle", about, on_click)
    if view.typical is None:
        return
    st.caption(
        "Nearest typical training sample",
        help="Of the training samples that are more usual than half of them, the one nearest to the middle "
        "of the selection.",
    )
    about = screen.key, view.typical
    show_training(screen, [view.typical], [""], "typical", "The nearest typical sample", about)
