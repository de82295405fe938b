"""Which column is shown as the text of a sample: beside the map, on hovering, and of its neighbours."""

from __future__ import annotations

import streamlit as st

from kdeviz.data import EmbeddingSet
from kdeviz.ui.widgets.address import last_choice, read_choice, write_choice
from kdeviz.ui.widgets.help import HELP
from kdeviz.ui.widgets.history import is_going_back

_KEY = "text"
_NOTHING = "(no text)"


def text_control(samples: EmbeddingSet) -> None:
    """A choice among the columns, where there are any; at first the one with the longest texts."""
    columns = [] if samples.metadata is None else list(map(str, samples.metadata.columns))
    default = next(iter(samples.text_columns), _NOTHING)
    offered = columns if default in columns else [_NOTHING, *columns]
    if len(offered) < 2:
        return
    last = _chosen()  # the widget forgets it, and a link to another page leaves it out of the address
    read_choice(_KEY, offered, default if last not in offered or is_going_back() else last)
    st.selectbox("Text of a sample", offered, key=_KEY, help=HELP["text"])
    write_choice(_KEY, default)


def text_column() -> str | None:
    """The column that was chosen, on this page or before; None for that with the longest texts.

    It may be one that only other data have, see `EmbeddingSet.texts`.
    """
    chosen = _chosen()
    return None if chosen in (None, _NOTHING) else str(chosen)


def _chosen() -> object:
    return st.session_state.get(_KEY, last_choice(_KEY))
