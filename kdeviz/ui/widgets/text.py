"""Text that may hold what a user typed or a file said: shown as text, never as Markdown or HTML."""

import logging

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kdeviz.errors import KdevizError

logger = logging.getLogger(__name__)


def failure_words(error: BaseException) -> str:
    """What went wrong, for people; what nobody expected goes to the log as well."""
    if isinstance(error, KdevizError):
        return str(error)
    logger.error("unexpected", exc_info=error)
    return f"Unexpected: {type(error).__name__}" + (f": {error}" if str(error) else "")


def plain_error(title: str, message: str) -> None:
    """A titled error whose message is shown literally."""
    with st.container(border=True):
        st.markdown(f":red[:material/error: **{title}**]")
        st.text(message)


def plain_warning(message: str) -> DeltaGenerator:
    """A warning shown literally; gives the place beside it, for what can be done."""
    return _told(":orange[:material/warning:]", message)


def plain_note(message: str) -> DeltaGenerator:
    """A note shown literally; gives the place beside it, for what can be done."""
    return _told(":blue[:material/info:]", message)


def _told(sign: str, message: str) -> DeltaGenerator:
    place = st.container(border=True, horizontal=True, vertical_alignment="center")
    with place:
        st.markdown(sign, width="content")
        st.text(message, width="stretch")
    return place
