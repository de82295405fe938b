"""What a person decided about samples: confirmed, normal or unsure, with a note."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.errors import DataError, OptionError

MARK_LABELS = {"confirmed": ANOMALOUS, "normal": NORMAL, "unsure": UNKNOWN}
"""The marks, and what each says when marks are used as labels."""
_FORMER = {"false alarm": "normal"}
"""Marks of kdeviz 0.1.0: its word for this one is now that for flagged normal samples alone."""
MOST_NOTE = 2000
"""Characters of a note, at most."""

_FORMAT = 1
_MOST_REASON = 120


@dataclass(frozen=True)
class SampleMark:
    """One decision.

    Attributes:
        verdict: one of MARK_LABELS, or "" for a note alone; the former "false alarm" becomes "normal".
        note: free text.

    Raises:
        OptionError: an unknown mark, or a note of more than 2 000 characters.
    """

    verdict: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "verdict", present_mark(self.verdict))
        if self.verdict and self.verdict not in MARK_LABELS:
            raise OptionError(f"mark {self.verdict[:40]!r} is not known: choose {', '.join(MARK_LABELS)}")
        if len(self.note) > MOST_NOTE:
            raise OptionError(f"a note of {len(self.note)} characters is too long: keep it to {MOST_NOTE}")


def present_mark(text: str) -> str:
    """What a mark of an earlier kdeviz is called now; any other text as it is."""
    return _FORMER.get(text, text)


class _Stored(msgspec.Struct):
    """The content of a JSON file of marks."""

    format: int
    marks: dict[str, SampleMark]


def marks_bytes(marks: Mapping[str, SampleMark]) -> bytes:
    """Marks by sample as JSON, as a kept run holds them; see `read_marks`."""
    content = msgspec.json.encode(_Stored(_FORMAT, dict(marks)))
    return msgspec.json.format(content, indent=1)


def read_marks(path: Path) -> dict[str, SampleMark]:
    """Marks by sample from a JSON file.

    Raises:
        DataError: it cannot be read, or holds something else.
    """
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=_Stored)
        if stored.format != _FORMAT:
            raise ValueError(f"format {stored.format}")
    except (OSError, ValueError, RecursionError) as error:
        raise unreadable(path, error) from None
    return stored.marks


def unreadable(path: Path, error: Exception) -> DataError:
    """What to say about marks that are not what they should be."""
    reason = str(getattr(error, "strerror", None) or error)[:_MOST_REASON]
    return DataError(f"{path}: the marks cannot be read ({reason}): move this file away")


def sample_keys(ids: NDArray[np.str_]) -> list[str]:
    """A name for every row that stays when other rows are dropped: its id, with a number where ids repeat."""
    seen: Counter[str] = Counter()
    keys = []
    for name in map(str, ids):
        seen[name] += 1
        keys.append(name if seen[name] == 1 else f"{name}\n{seen[name]}")
    return keys
