"""A row of buttons of which exactly one is pressed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st


def one_of(
    label: str,
    options: Sequence[str],
    key: str,
    *,
    in_address: bool = True,
    wide: bool = False,
    disabled: bool = False,
) -> str:
    """The option that is pressed, the first of them at first; the label is for screen readers."""
    chosen = st.segmented_control(
        label,
        list(options),
        default=options[0],
        required=True,
        key=key,
        bind="query-params" if in_address else None,
        label_visibility="collapsed",
        width="stretch" if wide else "content",
        disabled=disabled,
    )
    return chosen or options[0]
