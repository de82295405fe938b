"""The model as an animation of its own points: see `charts.how_it_works_numbers`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import streamlit as st

from kdeviz.charts import HowItWorksNumbers, Theme

_bumps = st.components.v2.component(
    "kdeviz.bumps", js=Path(__file__).with_name("bumps.js").read_text("utf-8"), isolate_styles=False
)


def show_bumps(numbers: HowItWorksNumbers, stage: int, line: str, alt: str, theme: Theme) -> None:
    """Draw one stage, 1 to 4: the points, a bump on each, their sum, the threshold; moving, where wished.

    The line is what is written on the threshold, and alt what a screen reader says.
    """
    arrays = {name: getattr(numbers, name).tolist() for name in ("grid", "points", "bumps", "inspected")}
    content = {
        **arrays,
        "stage": stage,
        "alt": alt,
        "words": line,
        "sums": [[_short(value) for value in row] for row in numbers.sums],
        "width": numbers.width,
        "level": numbers.level,
        "flagged": numbers.flagged.tolist(),
        "below": numbers.below.tolist(),
        "colours": {name: getattr(theme, name) for name in ("normal", "anomalous", "text", "muted")},
    }
    _bumps(key="bumps", data=json.dumps(content).encode())


def _short(value: float) -> float:
    """As exact as a pixel needs, so that all the curves stay a small message."""
    return float(np.format_float_scientific(value, precision=4))
