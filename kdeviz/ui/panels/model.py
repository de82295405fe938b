"""The model's knobs in the sidebar, and setting them from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kdeviz.charts import kept_words, scree_numbers
from kdeviz.decision import RULES, Decision
from kdeviz.model import ProbabilityCurve
from kdeviz.scaling import SCALINGS
from kdeviz.settings import FeatureScalingMethod, Offer, Settings, changes_in_words, name_of
from kdeviz.ui.panels.threshold import set_curve, set_rule
from kdeviz.ui.state import Session, session
from kdeviz.ui.widgets.address import read_choice, write_choice
from kdeviz.ui.widgets.help import HELP, scaling_help
from kdeviz.ui.widgets.parameters import Possible, among, real, whole
from kdeviz.ui.work.loaded import Loaded
from kdeviz.wording import count

_DEFAULT_COMPONENTS = 16
_MOST_COMPONENTS = 128
_MOST = 2**53 - 1  # no browser counts further
_FACTORS = (0.001, 1000.0)
_CAPS = (250, 500, 1000, 2000, 5000, 10000, 20000, 40000, 100000)

BANDWIDTH_WORDS = {"scott": "Scott", "silverman": "Silverman", "factor": "My own"}


@dataclass(eq=False)
class Knobs:
    """Where the knobs stand, beside their widgets.

    Attributes:
        settings: what they say.
        clamped: a component count that was asked for, and what the data allow.
        applied: the settings that were taken over from elsewhere, and those before, to undo it.
        wanted: what the knobs are to stand at when they are drawn next.
    """

    settings: Settings | None = None
    clamped: tuple[int, int] | None = None
    applied: Applied | None = None
    wanted: Standing | None = None


class Standing(NamedTuple):
    """Where the knobs stand, and what is set on the scale of the scores where that is not as at first."""

    settings: Settings
    rule: tuple[str, float] | None = None
    curve: ProbabilityCurve | None = None


class Applied(NamedTuple):
    """Settings that were taken over."""

    settings: Settings
    before: Standing
    why: str
    """What to say of it, before what changed."""


def model_control(current: Session) -> tuple[Settings, DeltaGenerator]:
    """Components, units, scaling, training cap, bandwidth, seed; and a place for `variance_words`."""
    st.subheader("Model")
    undo = st.container()
    knobs = current.own(Knobs)
    if knobs.wanted is not None:
        knobs.clamped = None
        _set_standing(knobs.wanted)
    offered = max(_MOST_COMPONENTS, st.session_state.get("components", 0))
    most = min(_most_components(current.data), offered)
    _fit_components(current, most)
    components = st.slider(
        "Components (PCA)",
        1,
        max(most, 2),  # a slider has two ends
        min(_DEFAULT_COMPONENTS, most),
        key="components",
        bind="query-params",
        disabled=most < 2,
        help=HELP["components"],
    )
    variance = st.empty()
    standardise = st.toggle(
        "Standardise features",
        key="standardise",
        bind="query-params",
        help=HELP["standardise"],
    )
    read_choice("scaling", list(SCALINGS), "scale")
    scaling = st.radio(
        "Scaling",
        list(SCALINGS),
        format_func=lambda name: SCALINGS[name].title,
        key="scaling",
        help=scaling_help(),
    )
    write_choice("scaling", "scale")
    caps = _caps()
    read_choice("cap", caps, Settings().max_training_points)
    cap = st.select_slider("Training cap", caps, format_func=count, key="cap", help=HELP["cap"])
    write_choice("cap", Settings().max_training_points)
    with st.expander("Bandwidth and seed"):
        bandwidth = _bandwidth()
        seed = st.number_input("Seed", 0, _MOST, 0, key="seed", bind="query-params", help=HELP["seed"])
    settings = Settings(components, FeatureScalingMethod(scaling), cap, bandwidth, seed, standardise)
    with undo:
        _undo_button(knobs, settings)
    knobs.wanted = None
    return settings, variance


def address(data: Loaded) -> dict[str, Possible]:
    """What the address may say of the knobs."""
    return {
        "components": whole(1, min(_most_components(data), _MOST_COMPONENTS)),
        "standardise": among(("true", "false")),
        "scaling": among(SCALINGS),
        "cap": whole(2, _MOST),
        "bandwidth": among(BANDWIDTH_WORDS),
        "factor": real(*_FACTORS),
        "seed": whole(0, _MOST),
    }


def can_use(settings: Settings, data: Loaded) -> bool:
    """Whether the knobs can stand at these settings while these data are loaded."""
    k = settings.n_pca_components
    possible = isinstance(k, int) and k <= _most_components(data)
    return possible and max(settings.max_training_points, settings.seed) <= _MOST


def use_settings(settings: Settings) -> None:
    """Take these over, in a way that can be undone."""
    knobs = session().own(Knobs)
    now = knobs.settings
    if now is not None and now != settings:
        knobs.applied = Applied(settings, Standing(now), "Changed")
    knobs.wanted = Standing(settings)


def open_data(current: Session, data: Loaded) -> None:
    """Look at other data, by the usual settings: those before were chosen for other numbers.

    The threshold and the curve are taken back as well where they are places on the scale of the scores. What
    changes is said, and can be undone.
    """
    knobs = current.own(Knobs)
    usual_before, usual = (Settings.usual(*one.train.features.shape) for one in (current.data, data))
    before, chosen = _standing(knobs), knobs.settings not in (None, usual_before, usual)
    current.use(data)
    if before is None:
        return
    if chosen or before.rule or before.curve:
        knobs.applied = Applied(usual, before, "Back at the defaults for these data")
        st.toast(f"{_said(knobs.applied)}. Undo is in the sidebar.", icon=":material/tune:", duration="long")
    first = next(iter(RULES)) if before.rule else ""
    asked = RULES[first].asked(len(data.inspected)) if first else None
    rule = None if asked is None else (first, asked.start / asked.unit)
    knobs.wanted = Standing(usual, rule, ProbabilityCurve() if before.curve else None)


def _standing(knobs: Knobs) -> Standing | None:
    """What was chosen on the screen; None before the knobs were drawn."""
    state, curve = st.session_state, ProbabilityCurve()
    if knobs.settings is None:
        return None
    kind, rule = state.get("rule"), None
    if kind in RULES and RULES[kind].on_the_scale:
        rule = kind, state[RULES[kind].address_key()]
    set_to = ProbabilityCurve(state.get("midpoint", curve.midpoint), state.get("steepness", curve.steepness))
    return Standing(knobs.settings, rule, None if set_to == curve else set_to)


def _said(applied: Applied) -> str:
    """What changed."""
    also = {"threshold": applied.before.rule, "probability curve": applied.before.curve}
    changes = [changes_in_words(applied.before.settings, applied.settings)]
    changes += [name for name, was in also.items() if was is not None]
    return f"{applied.why}: {' · '.join(filter(None, changes))}"


def offer_button(offer: Offer, key: str) -> None:
    """Take settings over that would help, with one click; this can be undone."""
    st.button(offer.title, key=key, icon=":material/auto_fix_high:", on_click=_take, args=(offer,))


def _take(offer: Offer) -> None:
    now = session().own(Knobs).settings
    if now is not None:
        use_settings(offer.applied(now))


def _undo_button(knobs: Knobs, settings: Settings) -> None:
    """Offer to take back what `use_settings` did, until a knob is moved by hand."""
    knobs.settings, applied = settings, knobs.applied
    if applied is None or settings != applied.settings:
        knobs.applied = None
        return
    st.caption(f"{_said(applied)}.")
    st.button(
        "Undo the new settings",
        icon=":material/undo:",
        key="undo_settings",
        width="stretch",
        on_click=_undo,
        args=(applied.before,),
        help=f"Back to {name_of(applied.before.settings)}.",
    )


def _undo(before: Standing) -> None:
    knobs = session().own(Knobs)
    knobs.applied, knobs.wanted = None, before


def _set_standing(wanted: Standing) -> None:
    """Let the knobs stand so, see `can_use`; just before they are drawn.

    Earlier, in the callback, is too early: a run that streamlit joins with one that the browser has asked for
    meanwhile, as the clock of a sweep does each second, begins with where the knobs stand in the browser.
    """
    if wanted.rule is not None:
        set_rule(*wanted.rule)
    if wanted.curve is not None:
        set_curve(wanted.curve)
    state, settings = st.session_state, wanted.settings
    state["components"], state["seed"] = settings.n_pca_components, settings.seed
    state["scaling"], state["standardise"] = settings.feature_scaling_method.value, settings.standardise
    state["cap"] = settings.max_training_points
    if isinstance(settings.bandwidth, str):
        state["bandwidth"] = settings.bandwidth
        return
    if state.get("bandwidth") != "factor":
        # A number input that is new does not write its value into the address.
        st.query_params["factor"] = str(settings.bandwidth)
    state["bandwidth"], state["factor"] = "factor", settings.bandwidth


def _caps() -> list[int]:
    """The usual ones, and whatever is asked for by the address or was set by `use_settings`."""
    asked = [st.session_state.get("cap"), st.query_params.get("cap")]
    more = {int(cap) for cap in asked if cap is not None and str(cap).isdecimal() and len(str(cap)) < 17}
    return sorted({*_CAPS, *(cap for cap in more if 2 <= cap <= _MOST)})


def _bandwidth() -> str | float:
    read_choice("bandwidth", list(BANDWIDTH_WORDS), "scott")
    choice = st.segmented_control(
        "Bandwidth (smoothness)",
        list(BANDWIDTH_WORDS),
        required=True,
        format_func=BANDWIDTH_WORDS.__getitem__,
        key="bandwidth",
        width="stretch",
        help=HELP["bandwidth"],
    )
    write_choice("bandwidth", "scott")
    if choice != "factor":
        return choice or "scott"
    factor: float = st.number_input(
        "Factor (times Scott's)",
        *_FACTORS,
        1.0,
        0.05,
        key="factor",
        bind="query-params",
        help=HELP["factor"],
    )
    return factor


def variance_words(decision: Decision) -> str:
    """How much of the training variance the fitted components keep."""
    return kept_words(scree_numbers(decision))


def _most_components(data: Loaded) -> int:
    rows, dimensions = map(int, data.train.features.shape)
    return max(min(rows - 1, dimensions), 1)


def _fit_components(current: Session, most: int) -> None:
    """Data with fewer dimensions lower the count to what they allow; other data raise it again."""
    state, knobs = st.session_state, current.own(Knobs)
    if knobs.clamped is not None and state.get("components") == knobs.clamped[1]:
        state["components"] = knobs.clamped[0]
    knobs.clamped = None
    asked = state.get("components", _DEFAULT_COMPONENTS)
    if asked > most:
        state["components"], knobs.clamped = most, (asked, most)
