"""Bringing a part of the page into view."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_reveal = st.components.v2.component(
    "kdeviz.reveal", js=Path(__file__).with_name("reveal.js").read_text("utf-8"), isolate_styles=False
)


def reveal(part: str, above: str, times: int) -> None:
    """Scroll to the container with this key, unless it is in view, each time that `times` is another number.

    The one with the key `above` is to be in view as well where it lies just above.
    """
    _reveal(key="reveal", data={"part": part, "above": above, "times": times})
