"""What a person makes of samples: a mark and a note on one, a mark on many, undo and redo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kdeviz.data import MARK_LABELS, MarkBook
from kdeviz.errors import DataError, OptionError
from kdeviz.ui.door import options
from kdeviz.ui.state import Screen, session
from kdeviz.ui.widgets.help import HELP
from kdeviz.ui.widgets.text import literal, plain_error
from kdeviz.ui.work.mark_books import shelf
from kdeviz.wording import count

_KEYS = dict(zip(MARK_LABELS, "123", strict=True))
_MEANINGS = {
    "confirmed": "You say that this sample is anomalous.",
    "normal": "You say that this sample is normal: where it is flagged, the flag is a false alarm.",
    "unsure": "You have looked at this sample and cannot say.",
}
_MEANS = "Undone and redone are your own marks, step by step; what somebody else has changed since stays."
MANY = "mark_many"
"""Key of the popover that marks a selection."""


@dataclass(eq=False)
class Marking:
    """What came of the last mark.

    Attributes:
        problem: why it could not be kept.
        in_panel: whether undo and redo were drawn in the panel of a sample, in this run of the page.
    """

    problem: str = ""
    in_panel: bool = False


def show_marking(row: int, screen: Screen) -> None:
    """Draw mark and note of a sample; they are kept at once."""
    marking = session().own(Marking)
    problem = marking.problem or shelf().problems.get(screen.data.origin)
    if problem:
        plain_error("Marks are not kept on disk", problem)
    book, key = screen.book, screen.keys[row]
    mark = book.get(key)
    if options().read_only:
        if words := " · ".join(filter(None, [mark.verdict.capitalize(), mark.note])):
            st.text(words)
        return
    with st.container(horizontal=True, gap="xsmall", key="verdicts"):
        for verdict, shortcut in _KEYS.items():
            given = verdict == mark.verdict
            st.button(
                verdict.capitalize(),
                key=f"verdict_{verdict}",
                shortcut=shortcut,
                type="primary" if given else "secondary",
                width="stretch",
                on_click=_mark,
                args=(partial(book.set_part, key, verdict="" if given else verdict),),
                help="Press again to take it away." if given else _MEANINGS[verdict],
            )
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        # A widget of its own per sample and change, so that none shows another sample's note.
        name = f"note_{key}_{mark.verdict}_{mark.note}"
        st.text_input(
            "Note",
            mark.note,
            placeholder="Your note",
            label_visibility="collapsed",
            help=HELP["note"],
            max_chars=2000,
            key=name,
            on_change=_note,
            args=(book, key, name),
        )
        _undo_and_redo(screen)
        marking.in_panel = True
    _as_labels(book)


def _as_labels(book: MarkBook) -> None:
    if len(book):
        marked = " · ".join(f"{count(n)} {verdict}" for verdict, n in book.counts().items() if n)
        st.checkbox(
            f"Use my marks as labels ({marked or 'notes only'})",
            key="marks_as_labels",
            help=HELP["marks_as_labels"],
        )


def show_undo(screen: Screen) -> None:
    """Draw undo and redo, unless they are beside the note of a sample already."""
    marking = session().own(Marking)
    if not marking.in_panel and (screen.book.can_undo or screen.book.can_redo):
        _undo_and_redo(screen)
    marking.in_panel = False


def mark_many(screen: Screen, rows: NDArray[np.int64]) -> None:
    """Draw the popover that gives all of these inspected rows one mark."""
    if options().read_only or not len(rows):
        return
    with st.popover(f"Mark all {count(len(rows))}", icon=":material/flag:", key=MANY, on_change="rerun"):
        if not st.session_state.get(MANY):
            return
        st.caption(f"One mark for all {count(len(rows))} samples found; notes stay. One undo takes it back.")
        for verdict in (*MARK_LABELS, ""):
            st.button(
                verdict.capitalize() or "No mark",
                key=f"many_{verdict}",
                width="stretch",
                on_click=_mark_all,
                args=(screen, rows, verdict),
            )


def _mark_all(screen: Screen, rows: NDArray[np.int64], verdict: str) -> None:
    st.session_state[MANY] = False
    keys = screen.keys
    changed = _mark(partial(screen.book.set_verdict, [keys[row] for row in rows.tolist()], verdict))
    if changed is not None:
        what = f"marked {verdict}" if verdict else "without a mark"
        stay = len(rows) - int(changed)
        rest = f" ({count(stay)} had been before)" if stay else ""
        st.toast(f"{count(len(rows))} samples {what}{rest}.", icon=":material/flag:", duration="long")


def _undo_and_redo(screen: Screen) -> None:
    book = screen.book
    for name, possible, do, shortcut, icon in (
        ("Undo", book.can_undo, book.undo, "Z", ":material/undo:"),
        ("Redo", book.can_redo, book.redo, "Shift+Z", ":material/redo:"),
    ):
        st.button(
            name,
            key=name.lower(),
            icon=icon,
            disabled=not possible,
            shortcut=shortcut,
            on_click=_step,
            args=(screen, do),
            help=_MEANS,
        )


def _step(screen: Screen, do: Callable[[], Any]) -> None:
    """Undo or redo, say what it was, and go to the sample if it was about one."""
    step = _mark(do)
    if step is None:
        return
    icon = ":material/history:" if step.samples else ":material/group:"
    st.toast(literal(step.words, 200), icon=icon, duration="long")
    if len(step.samples) == 1 and step.samples[0] in screen.row_of:
        session().pick(screen.row_of[step.samples[0]])


def _note(book: MarkBook, key: str, widget: str) -> None:
    _mark(partial(book.set_part, key, note=(st.session_state.get(widget) or "").strip()))


def _mark(do: Callable[[], Any]) -> Any:
    """What came of a change of the marks; None if it could not be kept, which is said then."""
    marking = session().own(Marking)
    marking.problem = ""
    try:
        return do()
    except (OptionError, DataError) as error:
        marking.problem = str(error)
        return None
