"""Scores to take away, from any page."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kdeviz.export.scores import scores_csv, scores_parquet
from kdeviz.ui.state import Screen

__all__ = ["score_downloads"]


def score_downloads(screen: Screen, name: str, rows: NDArray[np.int64] | None = None) -> None:
    """Buttons that save the scores, of these inspected rows or of all, as `name`.csv and `name`.parquet."""
    formats = {"CSV": (scores_csv, "text/csv"), "Parquet": (scores_parquet, None)}
    for label, (content, mime) in formats.items():
        st.download_button(
            label,
            partial(content, screen.analysis, screen.threshold, screen.curve, rows),
            f"{name}.{label.lower()}",
            mime,
            on_click="ignore",
            icon=":material/download:",
        )
