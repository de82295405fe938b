"""Scores to take away, from any page."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kdeviz.data import MarkBook
from kdeviz.output import TABLE_WRITERS, score_bytes
from kdeviz.ui.state import Screen


def score_downloads(screen: Screen, name: str, rows: NDArray[np.int64] | None = None) -> None:
    """Buttons that save the scores, of these inspected rows or of all, as `name` in every table format."""
    book = screen.book
    for suffix, writer in TABLE_WRITERS.items():
        st.download_button(
            writer.name,
            partial(_content, suffix, screen, book, rows),
            f"{name}{suffix}",
            writer.mime,
            on_click="ignore",
            icon=":material/download:",
        )


def _content(suffix: str, screen: Screen, book: MarkBook, rows: NDArray[np.int64] | None) -> bytes:
    """The file, with the marks as they are when the button is clicked."""
    marks = book.columns(screen.keys)
    return score_bytes(screen.decision, suffix, rows, marks)
