"""A row of buttons of which exactly one is pressed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from kdeviz.ui.widgets.help import HELP


def one_of(
    label: str,
    options: Sequence[str],
    key: str,
    *,
    default: str | None = None,
    in_address: bool = True,
    wide: bool = False,
    disabled: bool = False,
    on_change: Callable[[], None] | None = None,
) -> str:
    """The option that is pressed, at first the default or the first of them; screen readers say the label.

    The help is that of the key, in `HELP`.
    """
    first = options[0] if default is None else default
    chosen = st.segmented_control(
        label,
        list(options),
        default=first,
        required=True,
        key=key,
        bind="query-params" if in_address else None,
        label_visibility="collapsed",
        width="stretch" if wide else "content",
        disabled=disabled,
        help=HELP.get(key),
        on_change=on_change,
    )
    return chosen or first
