"""Text that may hold what a user typed or a file said: shown as text, never as Markdown or HTML."""

import logging
import re

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kdeviz.errors import KdevizError
from kdeviz.wording import one_line

_MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")
_UNSEEN = "\u2060"

_WARNING, _NOTE = ":orange[:material/warning:]", ":blue[:material/info:]"

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


def plain_warning(message: str) -> None:
    """A warning shown literally."""
    _signed(_WARNING, message)


def plain_note(message: str) -> None:
    """A note shown literally: why there is nothing to see, and what to do."""
    _signed(_NOTE, message)


def _signed(sign: str, message: str) -> None:
    with st.container(border=True, horizontal=True, wrap=False):
        st.markdown(sign, width="content")
        st.text(message, width="stretch")


def warning_with(message: str) -> DeltaGenerator:
    """A warning shown literally; gives the place beside it for what can be done."""
    return _told(_WARNING, message)


def note_with(message: str) -> DeltaGenerator:
    """A note shown literally; gives the place beside it for what can be done."""
    return _told(_NOTE, message)


def _told(sign: str, message: str) -> DeltaGenerator:
    with st.container(border=True):
        return line_with(sign, message)


def line_with(sign: str, message: str) -> DeltaGenerator:
    """A sign and a message shown literally; gives the place beside them for what can be done."""
    signs, words, rest = st.columns([0.35, 8, 4.4], vertical_alignment="center")
    signs.markdown(sign)
    words.text(message)
    return rest


def literal(text: str, most: int = 60) -> str:
    """What somebody else wrote, for the label of a button or the like, where Markdown would be read.

    Streamlit looks for names of icons after Markdown is done with; an unseen sign keeps it from finding any.
    """
    return _MARKDOWN.sub(r"\\\1", one_line(text, most)).replace(":", f":{_UNSEEN}")
