"""One or two samples, large."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st

_portraits = st.components.v2.component(
    "kdeviz.portraits", js=Path(__file__).with_name("portraits.js").read_text("utf-8"), isolate_styles=False
)


class Portrait(NamedTuple):
    """One sample; all of it is shown as nothing but text."""

    title: str
    name: str
    picture: str | None
    """A data URI."""
    text: str
    words: tuple[str, ...]
    """Sentences about it."""


def show_portraits(portraits: Sequence[Portrait], key: str) -> None:
    """Draw them side by side."""
    content = {"portraits": [portrait._asdict() for portrait in portraits]}
    _portraits(key=key, data=json.dumps(content).encode())
