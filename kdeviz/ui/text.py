"""Text that may hold what a user typed or a file said: shown as text, never as Markdown or HTML."""

import streamlit as st

__all__ = ["plain_error", "plain_warning"]


def plain_error(title: str, message: str) -> None:
    """A titled error whose message is shown literally."""
    with st.container(border=True):
        st.markdown(f":red[:material/error: **{title}**]")
        st.text(message)


def plain_warning(message: str) -> None:
    """A warning shown literally."""
    with st.container(border=True, horizontal=True):
        st.markdown(":orange[:material/warning:]", width="content")
        st.text(message)
