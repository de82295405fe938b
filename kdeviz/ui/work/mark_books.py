"""Where the marks of each data set are kept: one file per data set, shared by all sessions and processes."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from threading import Lock

import platformdirs
import streamlit as st
from streamlit.web.server.starlette.starlette_app_utils import decode_xsrf_token_string

from kdeviz.data import MarkBook, MarkFile, sample_keys
from kdeviz.errors import DataError, OptionError
from kdeviz.ui.door import options, visitor
from kdeviz.ui.work.loaded import Loaded

logger = logging.getLogger(__name__)
_BROWSER = "_streamlit_xsrf"
"""The cookie by which Streamlit knows a browser."""
_MOST_BOOKS = 256


class MarkShelf:
    """The files of marks that are open.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, MarkFile] = {}
        self._lock = Lock()
        self.problems: dict[str, str] = {}
        """By data set: why its marks are in memory only."""

    def file(self, data: Loaded) -> MarkFile:
        """The marks of a data set; those that its own table brings along are taken into an untouched file."""
        name = hashlib.blake2b(data.origin.encode(), digest_size=16).hexdigest()
        with self._lock:
            if name not in self._files:
                self._files[name] = self._open(name, data)
            return self._files[name]

    def _open(self, name: str, data: Loaded) -> MarkFile:
        path = self._folder / f"{name}.sqlite"
        older = path.with_suffix(".json")
        if not options().read_only or path.exists() or older.exists():
            try:
                return _filled(MarkFile(path, older), data)
            except (DataError, OptionError, OSError) as error:
                logger.exception("marks cannot be kept")
                self.problems[data.origin] = str(error)
        return _filled(MarkFile(), data)


def _filled(file: MarkFile, data: Loaded) -> MarkFile:
    """An untouched file takes the marks of the data's own table."""
    table, book = data.inspected.metadata, MarkBook(file)
    if book.untouched and table is not None:
        book.take_from(sample_keys(data.inspected.ids), table)
    return file


@st.cache_resource(show_spinner=False)
def _shelf(folder: str) -> MarkShelf:
    return MarkShelf(Path(folder))


def shelf() -> MarkShelf:
    """The shelf in the folder that the app was started with; on a server with users, of who is asking."""
    asked = st.session_state.get("marks_folder")
    folder = asked or str(platformdirs.user_data_path("kdeviz") / "marks")
    return _shelf(str(folder_of(visitor(), Path(folder))))


def folder_of(user: str, folder: Path) -> Path:
    """Where the marks of a user are: nobody sees or changes another's."""
    if not user:
        return folder
    return folder / f"user-{hashlib.blake2b(user.encode(), digest_size=16).hexdigest()}"


def book_of(data: Loaded) -> MarkBook:
    """The marks of a data set, with what can be undone by who is here: after a reload of the page as well."""
    file, here = shelf().file(data), visitor() or _browser()
    if here:
        return _book(here, file)
    books: dict[MarkFile, MarkBook] = st.session_state.setdefault("mark_books", {})
    return books.setdefault(file, MarkBook(file))


def _browser() -> str:
    """What stays the same of the cookie: each answer of the server hides it behind other numbers."""
    cookie = st.context.cookies.get(_BROWSER)
    token = decode_xsrf_token_string(cookie)[0] if isinstance(cookie, str) else None
    return token.hex() if token else ""


@st.cache_resource(show_spinner=False, max_entries=_MOST_BOOKS, hash_funcs={MarkFile: id})
def _book(here: str, file: MarkFile) -> MarkBook:
    return MarkBook(file)
