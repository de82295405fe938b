"""Where the marks of each data set are kept: one file per data set, shared by all sessions of the server."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from threading import Lock

import platformdirs
import streamlit as st

from kdeviz.data import MarkBook, sample_keys
from kdeviz.errors import DataError
from kdeviz.ui.work.loaded import Loaded

logger = logging.getLogger(__name__)


class MarkShelf:
    """The books of marks that are open.

    Args:
        folder: where their files are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._books: dict[str, MarkBook] = {}
        self._lock = Lock()
        self.problems: dict[str, str] = {}
        """By data set: why its marks are in memory only."""

    def book(self, data: Loaded) -> MarkBook:
        """The marks of a data set; those that its own table brings along are taken into an empty book."""
        name = hashlib.blake2b(data.origin.encode(), digest_size=16).hexdigest()
        with self._lock:
            if name not in self._books:
                self._books[name] = self._open(name, data)
            return self._books[name]

    def _open(self, name: str, data: Loaded) -> MarkBook:
        try:
            return _filled(MarkBook(self._folder / f"{name}.json"), data)
        except (DataError, OSError) as error:
            logger.exception("marks cannot be kept")
            self.problems[data.origin] = str(error)
            return _filled(MarkBook(), data)


def _filled(book: MarkBook, data: Loaded) -> MarkBook:
    """An empty book takes the marks of the data's own table."""
    table = data.inspected.metadata
    if not len(book) and table is not None:
        book.take_from(sample_keys(data.inspected.ids), table)
    return book


@st.cache_resource(show_spinner=False)
def _shelf(folder: str) -> MarkShelf:
    return MarkShelf(Path(folder))


def shelf() -> MarkShelf:
    """The shelf in the folder that the app was started with."""
    asked = st.session_state.get("marks_folder")
    return _shelf(asked or str(platformdirs.user_data_path("kdeviz") / "marks"))


def book_of(data: Loaded) -> MarkBook:
    """The marks of a data set."""
    return shelf().book(data)
