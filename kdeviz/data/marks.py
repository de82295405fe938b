"""What a person decided about samples: false alarm, confirmed or unsure, with a note."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdeviz.atomic import write_whole
from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.errors import DataError, OptionError

MARK_LABELS = {"confirmed": ANOMALOUS, "false alarm": NORMAL, "unsure": UNKNOWN}
"""The verdicts, and what each says when marks are used as labels."""

_FORMAT = 1
_MOST_NOTE = 2000


@dataclass(frozen=True)
class SampleMark:
    """One decision.

    Attributes:
        verdict: one of MARK_LABELS, or "" for a note alone.
        note: free text.

    Raises:
        OptionError: an unknown verdict, or a note of more than 2 000 characters.
    """

    verdict: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if self.verdict and self.verdict not in MARK_LABELS:
            raise OptionError(f"mark {self.verdict!r} is not known: choose {', '.join(MARK_LABELS)}")
        if len(self.note) > _MOST_NOTE:
            raise OptionError(f"a note of {len(self.note)} characters is too long: keep it to {_MOST_NOTE}")


class MarkBook:
    """The marks of one data set, by sample, with undo. Every change is written to the file at once.

    Args:
        path: a JSON file; None keeps the marks in memory only.

    Raises:
        DataError: the file is there and cannot be read.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._marks = {} if path is None or not path.exists() else _read(path)
        self._history: list[dict[str, SampleMark | None]] = []
        self._lock = Lock()
        self.changes = 0
        """How often a mark was changed, or a change undone."""

    def __len__(self) -> int:
        return len(self._marks)

    def __contains__(self, key: str) -> bool:
        return key in self._marks

    def get(self, key: str) -> SampleMark:
        """The mark of a sample; an empty one if it has none."""
        return self._marks.get(key, SampleMark())

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._history)

    def set(self, key: str, mark: SampleMark) -> None:
        """Mark a sample; an empty mark takes its mark away."""
        self.set_all({key: mark})

    def set_all(self, marks: Mapping[str, SampleMark]) -> None:
        """Mark several samples as one change."""
        with self._lock:
            before = {key: self._marks.get(key) for key, mark in marks.items() if self.get(key) != mark}
            if before:
                self._history.append(before)
                self._write({key: marks[key] for key in before})

    def undo(self) -> str | None:
        """Take back the last change; returns one sample that it was about, or None."""
        with self._lock:
            if not self._history:
                return None
            before = self._history.pop()
            self._write({key: mark or SampleMark() for key, mark in before.items()})
            return next(iter(before))

    def counts(self) -> dict[str, int]:
        """How many samples have each verdict."""
        found = Counter(mark.verdict for mark in self._marks.values())
        return {verdict: found[verdict] for verdict in MARK_LABELS}

    def columns(self, keys: Iterable[str]) -> dict[str, list[str]]:
        """Columns "mark" and "note" for these samples."""
        marks = [self.get(key) for key in keys]
        return {"mark": [mark.verdict for mark in marks], "note": [mark.note for mark in marks]}

    def labels(self, keys: Iterable[str], known: NDArray[np.int8] | None = None) -> NDArray[np.int8]:
        """(M,) labels: what the marks say; elsewhere the known (M,) labels, or UNKNOWN."""
        marks = [self.get(key) for key in keys]
        labels = np.full(len(marks), UNKNOWN, np.int8) if known is None else known.copy()
        for row, mark in enumerate(marks):
            if mark.verdict:
                labels[row] = MARK_LABELS[mark.verdict]
        return labels

    def take_from(self, keys: Iterable[str], table: pd.DataFrame) -> int:
        """Marks from the columns "mark" and "note" of a table of the same samples, as kdeviz exports them.

        Samples that have a mark already keep it; what is not a mark is left alone.

        Returns:
            How many were taken.
        """
        if "mark" not in table:
            return 0
        notes = table["note"] if "note" in table else [""] * len(table)
        verdicts = [
            "" if cell is None or cell is pd.NA or cell != cell else str(cell) for cell in table["mark"]
        ]
        ours = {"", *MARK_LABELS}.issuperset(verdicts)  # then a note alone is a mark as well
        found = {
            key: SampleMark(verdict, "" if pd.isna(note) else str(note)[:_MOST_NOTE])
            for key, verdict, note in zip(keys, verdicts, notes, strict=True)
            if (verdict in MARK_LABELS or (ours and not pd.isna(note) and note != "")) and key not in self
        }
        self.set_all(found)
        return len(found)

    def _write(self, changes: Mapping[str, SampleMark]) -> None:
        self.changes += 1
        for key, mark in changes.items():
            if mark == SampleMark():
                self._marks.pop(key, None)
            else:
                self._marks[key] = mark
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            marks = {key: asdict(mark) for key, mark in self._marks.items()}
            write_whole(self._path, json.dumps({"format": _FORMAT, "marks": marks}, indent=1).encode())


def sample_keys(ids: NDArray[np.str_]) -> list[str]:
    """A name for every row that stays when other rows are dropped: its id, with a number where ids repeat."""
    seen: Counter[str] = Counter()
    keys = []
    for name in map(str, ids):
        seen[name] += 1
        keys.append(name if seen[name] == 1 else f"{name}\n{seen[name]}")
    return keys


def _read(path: Path) -> dict[str, SampleMark]:
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        if content["format"] != _FORMAT:
            raise ValueError(f"format {content['format']!r}")
        return {str(key): SampleMark(**mark) for key, mark in content["marks"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: the marks cannot be read ({error}): move this file away") from None
