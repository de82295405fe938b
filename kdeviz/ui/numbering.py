"""Inspected rows by other numbers: those of a preview, which is about some of the rows, and of the whole."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Preview


class Numbering(NamedTuple):
    """From the numbers that inspected rows had to those that they have."""

    before: Preview | None
    """None where all rows were inspected, as their numbers tell."""
    now: Preview | None

    @property
    def stays(self) -> bool:
        """Whether every row that there was has the same number."""
        if self.before is None or self.now is None:
            return self.before is self.now
        old, new = self.before.rows, self.now.rows
        return len(old) <= len(new) and np.array_equal(old, new[: len(old)])

    @property
    def back(self) -> Numbering:
        """The other way."""
        return Numbering(self.now, self.before)

    def number(self, row: int) -> int:
        """Which of all rows had this number."""
        return row if self.before is None else int(self.before.rows[row])

    def found(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """What these of all rows have for numbers now, ascending; without those that are not there."""
        return np.sort(numbers) if self.now is None else np.flatnonzero(np.isin(self.now.rows, numbers))

    def rows(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The new numbers of rows, ascending; without those that are not there."""
        return self.found(rows if self.before is None else self.before.rows[rows])

    def row(self, row: int) -> int | None:
        """The new number of a row; None where it is not there."""
        return next(iter(self.rows(np.array([row])).tolist()), None)


@runtime_checkable
class Renumbered(Protocol):
    """State of a panel that holds inspected rows."""

    def renumber(self, numbering: Numbering) -> None:
        """The rows on the screen have other numbers from now on."""
