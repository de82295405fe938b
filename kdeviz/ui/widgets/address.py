"""Choices in the page's address by their value: streamlit's own binding writes the label that is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st


def read_choice(key: str, options: Sequence[Any], default: Any) -> None:
    """Before a widget with this key is made: its first value, from the address or else the default."""
    if st.session_state.get(key) not in options:
        asked = st.query_params.get(key)
        st.session_state[key] = next((option for option in options if str(option) == asked), default)


def first_choice(key: str, options: Sequence[Any], default: Any) -> int:
    """Which option a widget in a popover has at first, from the address or else the default.

    Such a widget is made in the browser when the popover is opened, and does not hear what was put into the
    session's state before.
    """
    if st.session_state.get(key, default) not in options:
        del st.session_state[key]
    if key not in st.session_state:
        asked = st.query_params.get(key)
        first = next((option for option in options if str(option) == asked), default)
        st.session_state[f"first_{key}"] = first
    first = st.session_state[f"first_{key}"]
    return list(options).index(first if first in options else default)


def write_choice(key: str, default: Any) -> None:
    """After the widget: its value into the address, unless it is the default."""
    value = st.session_state[key]
    if value == default:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != str(value):
        st.query_params[key] = str(value)


def read_choices(key: str, options: Sequence[str], default: Sequence[str]) -> None:
    """Before a widget of several choices is made: its first values, from the address or else the default."""
    if key not in st.session_state:
        asked = st.query_params.get_all(key) or default
        st.session_state[key] = list(asked)
    st.session_state[key] = [value for value in st.session_state[key] if value in options]


def write_choices(key: str) -> None:
    """After the widget: its values into the address, which names none of none."""
    values = list(st.session_state[key])
    if not values:
        st.query_params.pop(key, None)
    elif st.query_params.get_all(key) != values:
        st.query_params[key] = values
