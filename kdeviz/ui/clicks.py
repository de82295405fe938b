"""What was clicked on a chart."""

from __future__ import annotations

import numpy as np
import streamlit as st

__all__ = ["clicked_number"]


def clicked_number(key: str) -> float | None:
    """The first number that the clicked point of this chart carries; None without a click on one."""
    points = st.session_state[key]["selection"]["points"]
    carried = points[0].get("customdata") if points else None
    if isinstance(carried, dict):  # the browser sends a row of numbers by position: {"0": 20.7, ...}
        carried = carried["0"]
    return None if carried is None else float(np.ravel(carried)[0])
