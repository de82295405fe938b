"""Text that may hold what a user typed or a file said: shown as text, never as Markdown or HTML."""

import logging
import re

import streamlit as st

from kdeviz.errors import KdevizError
from kdeviz.wording import one_line

_MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")
_UNSEEN = "\u2060"

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
    with st.container(border=True, horizontal=True):
        st.markdown(":orange[:material/warning:]", width="content")
        st.text(message)


def literal(text: str, most: int = 60) -> str:
    """What somebody else wrote, for the label of a button or the like, where Markdown would be read.

    Streamlit looks for names of icons after Markdown is done with; an unseen sign keeps it from finding any.
    """
    return _MARKDOWN.sub(r"\\\1", one_line(text, most)).replace(":", f":{_UNSEEN}")
