"""The threshold: moved by hand, and what it does to normal and to labelled samples."""

from __future__ import annotations

import contextlib

import numpy as np
import streamlit as st
from streamlit.errors import StreamlitAPIException

from kdeviz.charts import densities_numbers
from kdeviz.decision import CELLS, Confusion, Estimate, ExpectedAlarms
from kdeviz.model import ProbabilityCurve
from kdeviz.ui.state import Screen, Session, session
from kdeviz.wording import count, number, percent

_CELL_WORDS = {
    "caught": ("Caught", "Labelled anomalous, and flagged."),
    "missed": ("Missed", "Labelled anomalous, not flagged."),
    "false alarms": ("False alarms", "Labelled normal, and flagged."),
    "passed": ("Passed", "Labelled normal, not flagged."),
}
_METRICS = {
    "precision": ("Precision", "Of the flagged samples with a label, the share that is anomalous."),
    "recall": ("Recall", "Of the anomalous samples, the share that is flagged."),
    "f1": (
        "F1",
        "Harmonic mean of precision and recall: high only when both are. A threshold that was chosen by "
        "these labels looks better here than it will be.",
    ),
}
_STEPS = 400


def set_threshold(log_density: float) -> None:
    """From now on, flag samples below this log density."""
    if st.session_state.get("rule") != "log_density":
        # The rule's number input is new then, and a new input does not write its value into the address.
        with contextlib.suppress(StreamlitAPIException):  # it is still there
            st.query_params["nats"] = str(log_density)
    st.session_state["rule"], st.session_state["nats"] = "log_density", log_density


def set_curve(curve: ProbabilityCurve) -> None:
    """From now on, read probabilities off this curve."""
    st.session_state["midpoint"], st.session_state["steepness"] = curve.midpoint, curve.steepness


def show_threshold(current: Session, screen: Screen) -> None:
    """Draw the slider, and what the threshold does."""
    alarms, metrics, counts = (
        screen.decision.expected_alarms,
        screen.decision.metrics,
        screen.decision.confusion,
    )
    labelled = metrics is not None
    columns = st.columns([2.1, 0.75, 0.75, 0.75, 1.9] if labelled else [2.1, 4.15], gap="medium")
    with columns[0]:
        _slider(current, screen)
        if labelled:
            low, high = number(1000 * alarms.low), number(1000 * alarms.high)
            st.caption(f"{number(1000 * alarms.rate)} alarms per 1 000 normals ({low} to {high})")
    if metrics is None or counts is None:
        with columns[1]:
            st.markdown(_alarm_sentence(alarms))
            st.caption(
                "Without labels nothing more can be said than this: it comes from training samples, each "
                "judged by a model that has not seen it."
            )
        return
    for column, (name, (title, text)) in zip(columns[1:4], _METRICS.items(), strict=True):
        with column:
            _estimate(title, getattr(metrics, name), text)
    with columns[4]:
        _confusion(current, counts)


def _alarm_sentence(alarms: ExpectedAlarms) -> str:
    low, high = 1000 * alarms.low, 1000 * alarms.high
    return (
        f"About **{number(1000 * alarms.rate)}** alarms per 1 000 normal samples, between "
        f"{number(low)} and {number(high)} with 95 % confidence."
    )


def _slider(current: Session, screen: Screen) -> None:
    edges = densities_numbers(screen.decision).edges
    low, high = float(edges[0]), float(edges[-1])
    if screen.threshold != current.slid_to or (low, high) != current.slider_range:
        # Decided elsewhere: a new slider. Writing to the old one would race with what the browser sends.
        current.slider_range, current.slid_to = (low, high), screen.threshold
        current.slider_start = float(np.clip(screen.threshold, low, high))
        current.sliders += 1
    key = f"threshold_slider_{current.sliders}"
    st.slider(
        "Threshold on log density, nats",
        low,
        high,
        current.slider_start,
        step=(high - low) / _STEPS,
        format="%.2f",
        key=key,
        on_change=_moved,
        args=(key,),
        help="Samples below it are flagged. Moving it replaces the rule in the sidebar by this very number. "
        "The alarms are counted on training samples, each judged by a model that has not seen it; in "
        "brackets their 95 % interval.",
    )


def _moved(key: str) -> None:
    current, value = session(), float(st.session_state[key])
    low, high = current.slider_range
    at = current.slider_start if current.slid_to is None else np.clip(current.slid_to, low, high)
    # A slider that is made while reruns follow closely reports its own start, or that of the one before.
    if key != f"threshold_slider_{current.sliders}" or abs(value - at) < (high - low) / _STEPS / 2:
        return
    current.slid_to = value
    set_threshold(value)


def _estimate(title: str, estimate: Estimate, text: str) -> None:
    low, high = estimate.interval
    st.metric(title, percent(estimate.value) if np.isfinite(estimate.value) else "–", help=text)
    if np.isfinite([low, high]).all():
        st.caption(f"{number(100 * low)} to {number(100 * high)} %")


def _confusion(current: Session, counts: Confusion) -> None:
    numbers = dict(zip(CELLS, counts, strict=True))
    for cells in (("caught", "missed"), ("false alarms", "passed")):
        for column, cell in zip(st.columns(2, gap="small"), cells, strict=True):
            title, text = _CELL_WORDS[cell]
            with column:
                st.button(
                    f"{title} **{count(numbers[cell])}**",
                    key=f"cell_{cell}",
                    help=f"{text} Press to list these samples, again to list all.",
                    type="primary" if current.cell == cell else "secondary",
                    width="stretch",
                    on_click=_select_cell,
                    args=(cell,),
                )


def _select_cell(cell: str) -> None:
    current = session()
    current.select(None, None if current.cell == cell else cell)
