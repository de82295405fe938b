"""The model's knobs in the sidebar, and setting them from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kdeviz.charts import kept_words, scree_numbers
from kdeviz.decision import Decision
from kdeviz.scaling import SCALINGS, scalings_in_words
from kdeviz.settings import FeatureScalingMethod, Offer, Settings, name_of
from kdeviz.ui.state import Session, session
from kdeviz.ui.widgets.address import read_choice, write_choice
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
    applied: tuple[Settings, Settings] | None = None
    wanted: Settings | None = None


def model_control(current: Session) -> tuple[Settings, DeltaGenerator]:
    """Components, units, scaling, training cap, bandwidth, seed; and a place for `variance_words`."""
    st.subheader("Model")
    knobs = current.own(Knobs)
    if knobs.wanted is not None:
        _set_settings(knobs.wanted)
    offered = max(_MOST_COMPONENTS, st.session_state.get("components", 0))
    most = min(_most_components(current.data), offered)
    _fit_components(current, most)
    components = st.slider(
        "Components (PCA)",
        1,
        most,
        min(_DEFAULT_COMPONENTS, most),
        key="components",
        bind="query-params",
        help="How many directions of largest variation the model looks at; everything else is ignored.",
    )
    variance = st.empty()
    standardise = st.toggle(
        "Standardise features",
        key="standardise",
        bind="query-params",
        help="Divides each feature by its standard deviation in training, so that all count alike whatever "
        "their units. Off, features with large numbers count most.",
    )
    read_choice("scaling", list(SCALINGS), "scale")
    scaling = st.radio(
        "Scaling",
        list(SCALINGS),
        format_func=lambda name: SCALINGS[name].title,
        key="scaling",
        help=f"What counts of a sample: {scalings_in_words()}.",
    )
    write_choice("scaling", "scale")
    caps = _caps()
    read_choice("cap", caps, Settings().max_training_points)
    cap = st.select_slider(
        "Training cap",
        caps,
        format_func=count,
        key="cap",
        help="At most this many training samples are used, picked at random: fewer is faster, "
        "more is more exact.",
    )
    write_choice("cap", Settings().max_training_points)
    with st.expander("Bandwidth and seed"):
        bandwidth = _bandwidth()
        seed = st.number_input(
            "Seed",
            0,
            _MOST,
            0,
            key="seed",
            bind="query-params",
            help="Decides which training samples are picked when there are more than the cap.",
        )
    settings = Settings(components, FeatureScalingMethod(scaling), cap, bandwidth, seed, standardise)
    with st.container():
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
    if knobs.settings is not None:
        knobs.applied = settings, knobs.settings
    knobs.wanted = settings


def offer_button(offer: Offer, key: str) -> None:
    """Take settings over that would help, with one click; this can be undone."""
    st.button(offer.title, key=key, icon=":material/auto_fix_high:", on_click=_take, args=(offer,))


def _take(offer: Offer) -> None:
    now = session().own(Knobs).settings
    if now is not None:
        use_settings(offer.applied(now))


def _undo_button(knobs: Knobs, settings: Settings) -> None:
    """Offer to take back what `use_settings` did, until a knob is moved by hand."""
    knobs.settings = settings
    if knobs.applied is None:
        return
    taken_over, before = knobs.applied
    if settings != taken_over:
        knobs.applied = None
        return
    st.button(
        "Undo the new settings",
        icon=":material/undo:",
        key="undo_settings",
        width="stretch",
        on_click=_undo,
        args=(before,),
        help=f"Back to {name_of(before)}.",
    )


def _undo(before: Settings) -> None:
    knobs = session().own(Knobs)
    knobs.applied, knobs.wanted = None, before


def _set_settings(settings: Settings) -> None:
    """Let the knobs stand at these settings, see `can_use`; just before they are drawn.

    Earlier, in the callback, is too early: a run that streamlit joins with one that the browser has asked for
    meanwhile, as the clock of a sweep does each second, begins with where the knobs stand in the browser.
    """
    state = st.session_state
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
        help="How far each training sample's influence reaches. Scott and Silverman are rules of thumb; "
        "your own factor multiplies Scott's.",
    )
    write_choice("bandwidth", "scott")
    if choice != "factor":
        return choice or "scott"
    factor: float = st.number_input(
        "Factor (times Scott's)", *_FACTORS, 1.0, 0.05, key="factor", bind="query-params"
    )
    return factor


def variance_words(decision: Decision) -> str:
    """How much of the training variance the fitted components keep."""
    return kept_words(scree_numbers(decision))


def _most_components(data: Loaded) -> int:
    rows, dimensions = map(int, data.train.features.shape)
    return max(min(rows - 1, dimensions), 2)


def _fit_components(current: Session, most: int) -> None:
    """Data with fewer dimensions lower the count to what they allow; other data raise it again."""
    state, knobs = st.session_state, current.own(Knobs)
    if knobs.clamped is not None and state.get("components") == knobs.clamped[1]:
        state["components"] = knobs.clamped[0]
    knobs.clamped = None
    asked = state.get("components", _DEFAULT_COMPONENTS)
    if asked > most:
        state["components"], knobs.clamped = most, (asked, most)
