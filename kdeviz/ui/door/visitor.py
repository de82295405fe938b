"""Who is looking at the app."""

from __future__ import annotations

from urllib.parse import unquote

import streamlit as st

from kdeviz.ui.door.gate import VISITOR


def visitor() -> str:
    """The name whose key, or login at the proxy, let this session in; "" where nobody is asked for one."""
    return unquote(st.context.headers.get(VISITOR) or "")
