"""Where marks are kept: an SQLite file that any number of processes and threads change at once.

They have to be on one machine, since SQLite's log needs memory that they share.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import msgspec

from kdeviz.data.marks import SampleMark, read_marks, unreadable
from kdeviz.errors import DataError, OptionError

_OURS, _FORMAT = 0x6B64766D, 1  # "kdvm" in the head of the file
_PATIENCE = 30.0
"""Seconds to wait for another process that is writing; one mark takes milliseconds."""
# A sample whose mark was taken away keeps its row, for others to hear of it. `change` is the change that the
# mark is of; `written` the one that wrote it, a later one where that was undone.
_NEW = (
    "CREATE TABLE marks (sample TEXT PRIMARY KEY, verdict TEXT NOT NULL, note TEXT NOT NULL,"
    " change INTEGER NOT NULL, written INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX marks_written ON marks (written)",
    f"PRAGMA application_id = {_OURS}",
    f"PRAGMA user_version = {_FORMAT}",
)
_INSIDE = {("table", "marks"), ("index", "marks_written")}
_WRITE = "INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?)"
_SINCE = "SELECT sample, verdict, note, change, written FROM marks WHERE written > ?"

_NONE = SampleMark()


class Before(NamedTuple):
    """What a sample had before a change."""

    mark: SampleMark
    change: int
    """Which change that was of; 0 for none."""


class Change(NamedTuple):
    """What was changed at once."""

    number: int
    before: dict[str, Before]
    """By sample that was changed, what it had."""
    after: dict[str, SampleMark]
    """By sample, what it got."""


class MarkFile:
    """The marks of one data set. Every change is one transaction, on the disk when its function returns.

    Args:
        path: an SQLite file, made with the first mark; None keeps the marks in memory.
        older: a JSON file of an earlier kdeviz; a new file begins with its marks.

    Attributes:
        marks: by sample, as of the last `refresh` or change; replaced, never changed.
        changes: by sample that ever had a mark, the number of the change that it is of; the same.
        written: the number of the last change.

    Raises:
        DataError: a file is there and cannot be read.
    """

    marks: Mapping[str, SampleMark]
    changes: Mapping[str, int]
    written: int

    def __init__(self, path: Path | None = None, older: Path | None = None) -> None:
        self.path, self._older = path, older
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._forget()
        if path is not None and not path.exists():
            self.marks = self._first_marks()
        try:
            self._look()
        except (sqlite3.Error, OSError) as error:
            self._close()
            raise unreadable(path or Path(), error) from None

    def refresh(self) -> Mapping[str, SampleMark]:
        """The marks, with what others did meanwhile; as they were if the file cannot be read any more."""
        with self._lock, suppress(sqlite3.Error, OSError, DataError):
            self._look()
        return self.marks

    def apply(self, parts: Mapping[str, Mapping[str, str]], only_new: bool = False) -> Change:
        """Change marks in one transaction.

        Args:
            parts: by sample the verdict, the note or both; what is not named stays as it is by then.
            only_new: leave samples alone that have, or ever had, a mark.

        Returns:
            What was changed, for `take_back`.

        Raises:
            OptionError: it is no mark, or could not be written; nothing is changed.
        """
        with self._changing() as (connection, number):
            had = {
                sample: Before(self.marks.get(sample, _NONE), self.changes.get(sample, 0))
                for sample in parts
                if not (only_new and sample in self.changes)
            }
            new = {sample: replace(before.mark, **parts[sample]) for sample, before in had.items()}
            before = {sample: one for sample, one in had.items() if new[sample] != one.mark}
            after = {sample: new[sample] for sample in before}
            _write(connection, {sample: Before(mark, number) for sample, mark in after.items()}, number)
        return Change(number, before, after)

    def take_back(self, change: Change) -> list[str]:
        """Undo a change where its marks still stand: what was decided since then stays.

        Returns:
            The samples that are as they were before. Raises what `apply` raises.
        """
        return self._replace(change.before, dict.fromkeys(change.before, change.number))

    def do_again(self, change: Change) -> list[str]:
        """Redo a change that was taken back, where nobody has decided anything since then.

        Returns:
            The samples that are as they were after it. Raises what `apply` raises.
        """
        again = {sample: Before(mark, change.number) for sample, mark in change.after.items()}
        return self._replace(again, {sample: before.change for sample, before in change.before.items()})

    def _replace(self, marks: Mapping[str, Before], standing: Mapping[str, int]) -> list[str]:
        """Give samples other marks, where they still have those of these changes."""
        with self._changing() as (connection, number):
            found = {key: mark for key, mark in marks.items() if self.changes.get(key, 0) == standing[key]}
            _write(connection, found, number)
        return list(found)

    @contextmanager
    def _changing(self) -> Iterator[tuple[sqlite3.Connection, int]]:
        """A transaction in which nobody else changes marks, and the number of the change."""
        with self._lock:
            try:
                connection = self._open()
                with _transaction(connection):
                    self._catch_up(connection)
                    yield connection, self.written + 1
                self._catch_up(connection)
            except (sqlite3.Error, OSError, UnicodeError, OverflowError) as error:
                reason = getattr(error, "strerror", None) or error
                raise OptionError(
                    f"{self.path}: the mark was not kept ({reason}): try again, or choose another folder"
                ) from None

    def _look(self) -> None:
        if self.path is not None and self.path.exists():
            self._catch_up(self._open())

    def _catch_up(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute(_SINCE, (self.written,)).fetchall()
        if not rows:
            return
        try:  # anything can stand in a column
            rows = msgspec.convert(rows, list[tuple[str, str, str, int, int]])
            found = {sample: SampleMark(verdict, note) for sample, verdict, note, _, _ in rows}
        except ValueError as error:
            raise sqlite3.DatabaseError(str(error)) from None
        marks = {**self.marks, **found}
        for sample, mark in found.items():
            if mark == _NONE:
                del marks[sample]
        self.marks = marks
        self.changes = {**self.changes, **{sample: change for sample, _, _, change, _ in rows}}
        self.written = max(written for *_, written in rows)

    def _open(self) -> sqlite3.Connection:
        """The connection; another if the file was removed or exchanged: marks would go where nobody looks."""
        if self._connection is not None and _identity(self.path) != self._identity:
            self._close()
            if self.path is not None and self.path.exists():
                self._forget()
        if self._connection is None:
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self.path or ":memory:", _PATIENCE, isolation_level=None, check_same_thread=False
            )
            self._connection, self._closing = connection, weakref.finalize(self, connection.close)
            self._set_up(connection)
            self._identity = _identity(self.path)
        return self._connection

    def _set_up(self, connection: sqlite3.Connection) -> None:
        """See that the file is one of marks; a new one begins with those that are known."""
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA synchronous = FULL")
        if _head(connection) == (0, 0):
            with _transaction(connection):
                if not _inside(connection):  # and not made by another process meanwhile
                    for statement in _NEW:
                        connection.execute(statement)
                    number, marks = self.written + 1, self.marks or self._first_marks()
                    _write(connection, {key: Before(mark, number) for key, mark in marks.items()}, number)
        if _head(connection) != (_OURS, _FORMAT) or _inside(connection) != _INSIDE:
            raise sqlite3.DatabaseError("not a file of marks that this kdeviz can read")
        with suppress(sqlite3.OperationalError):  # another process is at it, or the file system cannot
            connection.execute("PRAGMA journal_mode = WAL")

    def _first_marks(self) -> Mapping[str, SampleMark]:
        return {} if self._older is None or not self._older.exists() else read_marks(self._older)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection = self._closing()

    def _forget(self) -> None:
        self.marks, self.changes, self.written = {}, {}, 0


def _head(connection: sqlite3.Connection) -> tuple[int, int]:
    pragmas = ("application_id", "user_version")
    found = [connection.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in pragmas]
    return found[0], found[1]


def _inside(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    return set(connection.execute("SELECT type, name FROM sqlite_master"))


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _write(connection: sqlite3.Connection, marks: Mapping[str, Before], number: int) -> None:
    rows = ((sample, m.verdict, m.note, change, number) for sample, (m, change) in marks.items())
    connection.executemany(_WRITE, rows)


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Of the file at a path, if there is one."""
    try:
        status = None if path is None else path.stat()
    except FileNotFoundError:
        status = None
    return None if status is None else (status.st_dev, status.st_ino)
