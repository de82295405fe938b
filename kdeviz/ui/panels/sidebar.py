"""The controls: data, model, threshold, device. They read and write widgets, and compute nothing."""

from __future__ import annotations

import math

import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

from kdeviz.charts import reliability_numbers
from kdeviz.decision import RULES, Rule, ThresholdRule, curve_from_spread
from kdeviz.errors import DataError, KdevizError
from kdeviz.model import KERNEL_WORDS, ProbabilityCurve, device_name, resolve_device
from kdeviz.ui.panels.threshold import set_curve
from kdeviz.ui.state import Screen, Session, session
from kdeviz.ui.widgets.address import read_choice, write_choice
from kdeviz.ui.widgets.help import HELP, rule_help
from kdeviz.ui.widgets.parameters import Possible, among, real, whole
from kdeviz.ui.widgets.text import plain_error
from kdeviz.ui.work.loaded import Loaded

_MIDPOINTS, _STEEPNESSES = (-1e12, 1e12), (1e-12, 1e6)


def threshold_control(current: Session) -> ThresholdRule:
    """How the threshold is chosen, and the one number that this rule takes."""
    st.subheader("Threshold")
    inspected = current.data.inspected
    kinds = [kind for kind, rule in RULES.items() if rule.usable(inspected.labels)]
    read_choice("rule", kinds, kinds[0])
    kind = st.selectbox(
        "Flag samples by",
        kinds,
        format_func=lambda kind: RULES[kind].title,
        key="rule",
        help=HELP["rule"],
    )
    write_choice("rule", kinds[0])
    return ThresholdRule(kind, _rule_value(RULES[kind], len(inspected)))


def _rule_value(rule: type[Rule], inspected: int) -> float:
    """Ask for what this rule takes."""
    asked = rule.asked(inspected)
    if asked is None:
        return rule.usual or 0.0
    scale = 1 / asked.unit  # 7 / 100 is the number that people write, and 7 * 0.01 is another
    kind: type[float] = int if asked.whole else float
    low, high = (None if end is None else kind(end * scale) for end in (asked.low, asked.high))
    shown: float = st.number_input(
        asked.label,
        low,
        high,
        kind(asked.start * scale),
        kind(asked.step * scale),
        format=asked.format,
        key=rule.address_key(),
        bind="query-params",
        help=rule_help(rule),
    )
    return shown if asked.unit == 1 else shown / scale


def address(data: Loaded) -> dict[str, Possible]:
    """What the address may say of the threshold and the curve."""
    found = {"rule": among(RULES), "midpoint": real(*_MIDPOINTS), "steepness": real(*_STEEPNESSES)}
    for rule in RULES.values():
        asked = rule.asked(len(data.inspected))
        if asked is not None:
            ends = ((asked.low, -math.inf), (asked.high, math.inf))
            low, high = (usual if end is None else round(end / asked.unit, 9) for end, usual in ends)
            found[rule.address_key()] = whole(int(low), int(high)) if asked.whole else real(low, high)
    return found


def curve_control(screen: Screen | None) -> ProbabilityCurve:
    """Midpoint and steepness of the probability curve, and ways to find them."""
    default = ProbabilityCurve()
    with st.container(horizontal=True):
        st.button(
            "Centre on the threshold",
            on_click=_centre_curve,
            help="Gives the threshold a probability of one half, and takes the steepness from the spread of "
            "the training scores. It uses no labels: a scale to read scores on, not a share of samples.",
        )
        st.button(
            "Fit to labels",
            on_click=_fit_curve,
            disabled=screen is not None and not screen.decision.labelled,
            help="Logistic regression of the labels on log density (Platt scaling); the tab “Reliability” "
            "shows how good it is. The probabilities hold where as large a share of the samples is anomalous "
            "as among those labelled here.",
        )
        st.button(
            "Reset",
            on_click=set_curve,
            args=(default,),
            help="Midpoint 12, steepness 0.05: a curve that knows nothing of these data, so its values are "
            "called uncalibrated.",
        )
    midpoint: float = st.number_input(
        "Midpoint, nats",
        *_MIDPOINTS,
        default.midpoint,
        0.5,
        key="midpoint",
        bind="query-params",
        help=HELP["midpoint"],
    )
    steepness: float = st.number_input(
        "Steepness, per nat",
        *_STEEPNESSES,
        default.steepness,
        0.01,
        format="%.3g",
        key="steepness",
        bind="query-params",
        help=HELP["steepness"],
    )
    return ProbabilityCurve(midpoint, steepness)


def _fit_curve() -> None:
    screen = session().screen
    if screen is None:
        return
    try:
        set_curve(reliability_numbers(screen.decision).curve)
    except DataError as error:
        st.toast(f"The curve cannot be fitted to these labels: {error}", icon=":material/error:")


def _centre_curve() -> None:
    screen = session().screen
    if screen is not None and math.isfinite(screen.decision.threshold):
        set_curve(curve_from_spread(screen.analysis.reference, screen.decision.threshold))


def device_control(asked: str) -> tuple[str, DeltaGenerator]:
    """Which device computes, a choice only where there is more than one; and a place for `device_words`."""
    st.subheader("Device")
    devices = ["auto", "cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        devices.append("mps:0")
    try:
        wanted = _full_name(asked)
    except KdevizError as error:
        plain_error("This device cannot be used", str(error))
        wanted = "auto"
    if len(devices) > 2:
        read_choice("device", devices, wanted)
        default = wanted
        wanted = st.selectbox("Compute on", devices, key="device", help=HELP["device"])
        write_choice("device", default)
    return wanted, st.empty()


def _full_name(device: str) -> str:
    """A device as the choices spell it: "cuda" is "cuda:0"."""
    return device if device == "auto" else str(torch.empty(0, device=resolve_device(device)).device)


def device_words(device: str, screen: Screen | None) -> str:
    """The device's name, and what computed there if the screen comes from it."""
    chosen = resolve_device(device)
    same = screen is not None and screen.analysis.classifier.device == chosen
    return device_name(chosen) + (f" · summed by {KERNEL_WORDS[screen.kernel]}" if screen and same else "")
