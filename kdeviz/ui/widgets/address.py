"""Choices in the page's address by their value: streamlit's own binding writes the label that is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from kdeviz.ui.widgets.history import is_going_back, times_gone_back


def read_choice(key: str, options: Sequence[Any], default: Any) -> None:
    """Before a widget with this key is made: its first value, from the address or else the default.

    So is its value after the browser's Back or Forward.
    """
    if st.session_state.get(key) not in options or is_going_back():
        asked = st.query_params.get(key)
        st.session_state[key] = next((option for option in options if str(option) == asked), default)


def first_choice(name: str, options: Sequence[Any], default: Any) -> int:
    """Which option a widget in a popover has at first: from the address, or as another page found it.

    Such a widget is made in the browser when the popover is opened, and does not hear what was put into the
    session's state before.

    Args:
        name: in the address; the key of the widget is `key_in_popover` of it.
        options: of the widget.
        default: which of them is not in the address.
    """
    key = key_in_popover(name)
    if st.session_state.get(key, default) not in options:
        del st.session_state[key]
    if key not in st.session_state:
        asked, last = st.query_params.get(name), st.session_state.get(f"last_{key}", default)
        first = next((option for option in options if str(option) == asked), last)
        st.session_state[f"first_{key}"] = first
    first = st.session_state[f"first_{key}"]
    return list(options).index(first if first in options else default)


def key_in_popover(name: str) -> str:
    """The key of such a widget: after each Back and Forward another, which takes its value from the address.

    The browser holds on to what a widget in a closed popover said last.
    """
    moves = times_gone_back()
    return f"{name}_{moves}" if moves else name


def write_choice(key: str, default: Any, name: str | None = None) -> None:
    """After the widget: its value into the address, by its key or another name, unless it is the default."""
    value = st.session_state[f"last_{key}"] = st.session_state[key]
    say(name or key, None if value == default else str(value))


def last_choice(key: str) -> object:
    """What `write_choice` wrote last, which stays while the widget is not drawn; None before."""
    return st.session_state.get(f"last_{key}")


def read_choices(key: str, options: Sequence[str], default: Sequence[str]) -> None:
    """Before a widget of several choices is made: its first values, from the address or else the default."""
    if key not in st.session_state or is_going_back():
        asked = st.query_params.get_all(key) or default
        st.session_state[key] = list(asked)
    st.session_state[key] = [value for value in st.session_state[key] if value in options]


def say_all(name: str, values: Sequence[str]) -> None:
    """Let the address say all of these by that name; it names none of none."""
    if not values:
        st.query_params.pop(name, None)
    elif st.query_params.get_all(name) != list(values):
        st.query_params[name] = values


def say(name: str, value: str | None) -> None:
    """Let the address say this, or nothing, by that name."""
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value
