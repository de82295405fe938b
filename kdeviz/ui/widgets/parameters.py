"""What a page's address may say, read before any widget sees it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

Possible = Callable[[str], bool]
"""Whether a parameter of the address may have this value."""
_LONGEST = 40


def whole(low: int, high: int) -> Possible:
    """A whole number from low to high, neither below 0."""

    def possible(text: str) -> bool:
        return len(text) < _LONGEST and text.isascii() and text.isdecimal() and low <= int(text) <= high

    return possible


def real(low: float, high: float) -> Possible:
    """A finite number from low to high."""

    def possible(text: str) -> bool:
        try:
            value = float(text)
        except ValueError:
            return False
        return len(text) < _LONGEST and math.isfinite(value) and low <= value <= high

    return possible


def among(options: Iterable[str]) -> Possible:
    """One of these."""
    return frozenset(options).__contains__


def shorter(most: int) -> Possible:
    """A text of at most so many characters, in one line."""
    return lambda text: len(text) <= most and len(text.splitlines()) < 2 and "\0" not in text


def drop_impossible(parameters: Mapping[str, Possible]) -> list[str]:
    """Rid the address of values that a parameter cannot have, for every widget to come; gives their names.

    What a widget that is there has written into it is left alone: it may wait for other data. So are
    parameters that are not named here.
    """
    context = get_script_run_ctx()
    if context is None:
        return []
    dropped = [
        name
        for name, possible in parameters.items()
        if (context.is_history_navigation or name not in st.session_state)
        and not all(map(possible, st.query_params.get_all(name)))
    ]
    if dropped:
        # Widgets that are bound to the address take their first values from a copy of it.
        with context.session_state.query_params() as address:
            for name in dropped:
                address.remove_param(name)
            address.set_initial_query_params_from_current()
    return dropped
