"""A rail of steps, each one screen; keys and swipes lead from one to the next."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

_KEY = "rail"
_rail = st.components.v2.component(
    "kdeviz.rail", js=Path(__file__).with_name("rail.js").read_text("utf-8"), isolate_styles=False
)


def show_rail(
    steps: Sequence[str],
    at: int,
    *,
    how: bool,
    samples: bool,
    on_step: Callable[[], None],
    on_how: Callable[[], None],
    on_sample: Callable[[], None],
) -> None:
    """Draw it.

    Args:
        steps: their titles.
        at: which of them is shown, the first being 1.
        how: whether the switch "How it works" is on.
        samples: whether the up and down keys go from sample to sample here.
        on_step: called when another step is wanted; see `asked`.
        on_how: called when the switch is pressed.
        on_sample: called for the next sample or the one before.
    """
    content = {"steps": list(steps), "at": at, "how": how, "samples": samples}
    _rail(
        key=_KEY,
        data=json.dumps(content).encode(),
        on_step_change=on_step,
        on_how_change=on_how,
        on_sample_change=on_sample,
    )


def asked(what: str) -> dict[str, Any]:
    """To be asked by the callbacks: "step" {"to": step}, "how" {"on": bool}, "sample" {"by": 1 or -1}."""
    return dict(st.session_state[_KEY][what] or {})
