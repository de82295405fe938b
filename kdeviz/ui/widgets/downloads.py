"""Scores to take away, from any page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kdeviz.data import MarkBook
from kdeviz.output import scores_csv, scores_parquet
from kdeviz.ui.state import Screen


def score_downloads(screen: Screen, name: str, rows: NDArray[np.int64] | None = None) -> None:
    """Buttons that save the scores, of these inspected rows or of all, as `name`.csv and `name`.parquet."""
    formats = {"CSV": (scores_csv, "text/csv"), "Parquet": (scores_parquet, None)}
    book = screen.book
    for label, (write, mime) in formats.items():
        st.download_button(
            label,
            partial(_content, write, screen, book, rows),
            f"{name}.{label.lower()}",
            mime,
            on_click="ignore",
            icon=":material/download:",
        )


def _content(
    write: Callable[..., bytes], screen: Screen, book: MarkBook, rows: NDArray[np.int64] | None
) -> bytes:
    """The file, with the marks as they are when the button is clicked."""
    marks = book.columns(screen.keys)
    return write(screen.analysis, screen.threshold, screen.curve, rows, marks)
