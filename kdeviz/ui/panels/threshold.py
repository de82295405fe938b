"""The threshold: moved by hand, and what it does to normal and to labelled samples."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.errors import StreamlitAPIException

from kdeviz.charts import densities_numbers
from kdeviz.decision import CELLS, RULES, Confusion, Estimate, ExpectedAlarms
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


@dataclass(eq=False)
class Slider:
    """The slider. It is replaced by a new one when the threshold was decided elsewhere.

    Attributes:
        number: how many there have been.
        low: its left end, in nats.
        high: its right end.
        start: where it stood when it was made.
        threshold: where it was moved, or what it was made for, even if that is beyond its ends.
    """

    number: int = 0
    low: float = 0.0
    high: float = 0.0
    start: float = 0.0
    threshold: float | None = None

    @property
    def key(self) -> str:
        """Of the widget."""
        return f"threshold_slider_{self.number}"

    @property
    def step(self) -> float:
        """In nats."""
        return (self.high - self.low) / _STEPS

    def follow(self, threshold: float, low: float, high: float) -> None:
        """Become a new one unless it stands at this threshold already, between these ends.

        Writing to the old one instead would race with what the browser sends.
        """
        if (threshold, low, high) != (self.threshold, self.low, self.high):
            self.threshold, self.low, self.high = threshold, low, high
            self.start = float(np.clip(threshold, low, high))
            self.number += 1

    def moved(self, key: str, value: float) -> bool:
        """Whether a person has moved it there.

        A slider that is made while reruns follow closely reports its own start, or that of the one before.
        """
        at = self.start if self.threshold is None else np.clip(self.threshold, self.low, self.high)
        if key != self.key or abs(value - at) < self.step / 2:
            return False
        self.threshold = value
        return True


def set_threshold(log_density: float) -> None:
    """From now on, flag samples below this log density."""
    kind = "log_density"
    key = RULES[kind].address_key()
    if st.session_state.get("rule") != kind:
        # The rule's number input is new then, and a new input does not write its value into the address.
        with contextlib.suppress(StreamlitAPIException):  # it is still there
            st.query_params[key] = str(log_density)
    st.session_state["rule"], st.session_state[key] = kind, log_density


def set_curve(curve: ProbabilityCurve) -> None:
    """From now on, read probabilities off this curve."""
    st.session_state["midpoint"], st.session_state["steepness"] = curve.midpoint, curve.steepness


def show_threshold(current: Session, screen: Screen) -> None:
    """Draw the slider, and what the threshold does."""
    decision = screen.decision
    alarms, metrics, counts = decision.expected_alarms, decision.metrics, decision.confusion
    labelled = decision.labelled
    columns = st.columns([2.1, 0.75, 0.75, 0.75, 1.9] if labelled else [2.1, 4.15], gap="medium")
    with columns[0]:
        _slider(current, screen)
        if decision.remark:
            st.caption(decision.remark[0].upper() + decision.remark[1:] + ".")
        if labelled:
            rate, low, high = (number(1000 * rate) for rate in (alarms.rate, alarms.low, alarms.high))
            st.caption(f"{rate} alarms per 1 000 normals ({low} to {high})")
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
    rate, low, high = (number(1000 * rate) for rate in (alarms.rate, alarms.low, alarms.high))
    return f"About **{rate}** alarms per 1 000 normal samples, between {low} and {high} with 95 % confidence."


def _slider(current: Session, screen: Screen) -> None:
    edges = densities_numbers(screen.decision).edges
    slider = current.own(Slider)
    slider.follow(screen.decision.threshold, float(edges[0]), float(edges[-1]))
    st.slider(
        "Threshold on log density, nats",
        slider.low,
        slider.high,
        slider.start,
        step=slider.step,
        format="%.2f",
        key=slider.key,
        on_change=_moved,
        args=(slider.key,),
        help="Samples below it are flagged. Moving it replaces the rule in the sidebar by this very number. "
        "The alarms are counted on training samples, each judged by a model that has not seen it; in "
        "brackets their 95 % interval.",
    )


def _moved(key: str) -> None:
    value = float(st.session_state[key])
    if session().own(Slider).moved(key, value):
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
