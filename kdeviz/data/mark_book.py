"""The marks of one data set in the hands of one person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdeviz.data.labels import UNKNOWN
from kdeviz.data.mark_file import Change, MarkFile
from kdeviz.data.marks import MARK_LABELS, MOST_NOTE, SampleMark, present_mark
from kdeviz.wording import count

_MOST_UNDONE = 10**6
"""Samples, in all steps of a book that can be undone."""


class Step(NamedTuple):
    """What was undone or redone."""

    samples: list[str]
    """Those whose marks are different now; none if somebody else had changed all of them."""
    words: str
    """A sentence that says what it was; it may hold the id of a sample."""


class MarkBook:
    """The marks of one data set, by sample. All books of one file show the same marks.

    Undo and redo belong to the book: they go step by step through what was changed through this one, and only
    where nobody has changed it since. However many samples are marked at once, that is one step. The last
    steps are remembered, of a million samples together. Several threads may use one book.

    Args:
        file: where the marks are kept; None keeps them in memory, for this book alone.
    """

    def __init__(self, file: MarkFile | None = None) -> None:
        self._file = MarkFile() if file is None else file
        self._done: list[Change] = []
        self._undone: list[Change] = []
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._file.refresh())

    def __contains__(self, key: str) -> bool:
        return key in self._file.refresh()

    @property
    def changes(self) -> int:
        """The number of the last change, by whomever; equal numbers, equal marks."""
        self._file.refresh()
        return self._file.written

    @property
    def untouched(self) -> bool:
        """Whether no sample ever had a mark."""
        return not self._file.refresh() and not self._file.changes

    @property
    def can_undo(self) -> bool:
        """Whether there is a change of this book to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is one that was taken back, and no other change since."""
        return bool(self._undone)

    @property
    def marks(self) -> Mapping[str, SampleMark]:
        """By sample."""
        return self._file.refresh()

    def get(self, key: str) -> SampleMark:
        """The mark of a sample; an empty one if it has none."""
        return self._file.refresh().get(key, SampleMark())

    def of(self, keys: Iterable[str]) -> dict[str, SampleMark]:
        """The marks of these samples, without those that have none."""
        marks = self._file.refresh()
        return {key: marks[key] for key in keys if key in marks}

    def set(self, key: str, mark: SampleMark) -> None:
        """Mark a sample; an empty mark takes its mark away.

        Raises:
            OptionError: it could not be written; the mark is as it was.
        """
        self.set_all({key: mark})

    def set_all(self, marks: Mapping[str, SampleMark]) -> None:
        """Mark several samples as one change; raises what `set` raises."""
        self._remember(self._file.apply({key: vars(mark) for key, mark in marks.items()}))

    def set_verdict(self, keys: Iterable[str], verdict: str) -> int:
        """Give samples a verdict as one change, "" for none; their notes stay. Raises what `set` raises.

        Returns:
            How many samples had another verdict.
        """
        return self._remember(self._file.apply({key: {"verdict": verdict} for key in keys}))

    def set_part(self, key: str, **part: str) -> None:
        """Change the `verdict` or the `note` of a sample; the other stays as somebody may have just set it.

        Raises:
            OptionError: it is not possible, or could not be written; the mark is as it was.
        """
        self._remember(self._file.apply({key: part}))

    def undo(self) -> Step | None:
        """Take back the last change of this book; None without one. Raises what `set` raises."""
        return self._move("Undone", self._done, self._undone, self._file.take_back)

    def redo(self) -> Step | None:
        """Do again what was undone since the last change; None without that. Raises what `set` raises."""
        return self._move("Redone", self._undone, self._done, self._file.do_again)

    def counts(self) -> dict[str, int]:
        """How many samples have each verdict."""
        found = Counter(mark.verdict for mark in self._file.refresh().values())
        return {verdict: found[verdict] for verdict in MARK_LABELS}

    def columns(self, keys: Iterable[str]) -> dict[str, list[str]]:
        """Columns "mark" and "note" for these samples."""
        marks, none = self._file.refresh(), SampleMark()
        found = [marks.get(key, none) for key in keys]
        return {"mark": [mark.verdict for mark in found], "note": [mark.note for mark in found]}

    def labels(self, keys: Iterable[str], known: NDArray[np.int8] | None = None) -> NDArray[np.int8]:
        """(M,) labels: what the marks say; elsewhere the known (M,) labels, or UNKNOWN."""
        verdicts = self.columns(keys)["mark"]
        labels = np.full(len(verdicts), UNKNOWN, np.int8) if known is None else known.copy()
        for row, verdict in enumerate(verdicts):
            if verdict:
                labels[row] = MARK_LABELS[verdict]
        return labels

    def take_from(self, keys: Iterable[str], table: pd.DataFrame) -> int:
        """Marks from the columns "mark" and "note" of a table of the same samples, as kdeviz exports them.

        Samples that have, or ever had, a mark are left alone, and what is not a mark as well.

        Returns:
            How many were taken.
        """
        if "mark" not in table:
            return 0
        notes = table["note"] if "note" in table else [""] * len(table)
        verdicts = [
            "" if cell is None or cell is pd.NA or cell != cell else present_mark(str(cell))
            for cell in table["mark"]
        ]
        ours = {"", *MARK_LABELS}.issuperset(verdicts)  # then a note alone is a mark as well
        found = {
            key: {"verdict": verdict, "note": "" if pd.isna(note) else str(note)[:MOST_NOTE]}
            for key, verdict, note in zip(keys, verdicts, notes, strict=True)
            if verdict in MARK_LABELS or (ours and not pd.isna(note) and note != "")
        }
        return self._remember(self._file.apply(found, only_new=True))

    def _move(
        self, word: str, these: list[Change], others: list[Change], write: Callable[[Change], list[str]]
    ) -> Step | None:
        """Write the last of these changes, which then is the last of the others."""
        with self._lock:
            if not these:
                return None
            step = _step(word, these[-1], write(these[-1]))
            others.append(these.pop())
            return step

    def _remember(self, done: Change) -> int:
        """For undo; gives how many samples were changed."""
        if done.before:
            with self._lock:
                self._done.append(done)
                self._undone.clear()
                while len(self._done) > 1 and sum(len(change.before) for change in self._done) > _MOST_UNDONE:
                    del self._done[0]
        return len(done.before)


def _step(done: str, change: Change, samples: list[str]) -> Step:
    """The step, in words: what its samples had been given."""
    given = {_words(change.before[key].mark, mark) for key, mark in change.after.items()}
    what = given.pop() if len(given) == 1 else "several marks"
    if not samples:
        return Step(samples, f"Nothing {done.lower()}: somebody else has changed this since ({what}).")
    kept = len(change.before) - len(samples)
    others = f"; {count(kept)} that somebody else has changed since stay" if kept else ""
    who = samples[0].partition("\n")[0] if len(samples) == 1 else f"{count(len(samples))} samples"
    return Step(samples, f"{done}: {who}, {what}{others}.")


def _words(before: SampleMark, after: SampleMark) -> str:
    if before.verdict == after.verdict:
        return "a note" if after.note else "a note taken away"
    return f"marked {after.verdict}" if after.verdict else f"{before.verdict} taken away"
