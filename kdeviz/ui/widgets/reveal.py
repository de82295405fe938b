"""Bringing a part of the page into view."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_reveal = st.components.v2.component(
    "kdeviz.reveal", js=Path(__file__).with_name("reveal.js").read_text("utf-8"), isolate_styles=False
)


def reveal(part: str, above: str, times: int) -> None:
    """Scroll to a container, unless it is in view, each time that `times` is another number.

    Args:
        part: key of the container.
        above: key of another one, which is to be in view as well where it lies just above.
        times: how often it was asked for.
    """
    _reveal(key="reveal", data={"part": part, "above": above, "times": times})
