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


def write_choice(key: str, default: Any) -> None:
    """After the widget: its value into the address, unless it is the default."""
    value = st.session_state[key]
    if value == default:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != str(value):
        st.query_params[key] = str(value)
