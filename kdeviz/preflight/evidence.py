"""What every check of a data set looks at, the fixes it can offer, and the words they share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.data import EmbeddingSet
from kdeviz.preflight.findings import Finding, Fix, Numbers
from kdeviz.preflight.scan import Scan
from kdeviz.wording import count, one_line

_MOST_NAMED, _LONGEST_NAME = 8, 30


class Evidence(NamedTuple):
    """What all checks look at."""

    data: EmbeddingSet
    features: NDArray[Any]
    """(N, D), at most float64."""
    training: NDArray[np.bool_]
    """(N,) rows to fit on."""
    scan: Scan

    @property
    def fitted(self) -> Numbers:
        """The training rows that a model could be fitted on."""
        return np.flatnonzero(self.training & self.scan.usable)

    def which(self, finding: Finding) -> str:
        """The rows or columns of a finding that it does not name itself, as many as fit in a line."""
        if finding.named:
            return ""
        if finding.rows is not None and len(finding.rows):
            ids = map(str, self.data.ids[finding.rows[:_MOST_NAMED]])
            return _enumerated("row", ids, len(finding.rows))
        if finding.columns is not None and len(finding.columns):
            names, first = self.data.feature_names, finding.columns[:_MOST_NAMED]
            known = [str(column) if names is None else names[column] for column in first]
            return _enumerated("dimension", known, len(finding.columns))
        return ""

    def drop_rows(self, name: str, rows: Numbers, what: str) -> tuple[Fix, ...]:
        """A fix, unless it would leave fewer than two training rows."""
        title, done = f"Drop {many(len(rows), 'row')}", f"{many(len(rows), 'row')} {what} dropped"
        return self._unless_too_few(Fix("drop rows", name, title, done, self.data.features.shape, rows=rows))

    def leave_out(self, name: str, rows: Numbers, what: str) -> tuple[Fix, ...]:
        """A fix, unless it would leave fewer than two training rows."""
        title = f"Leave {many(len(rows), 'row')} out of training"
        done = f"{many(len(rows), 'row')} {what} left out of training"
        fix = Fix("leave out of training", name, title, done, self.data.features.shape, rows=rows)
        return self._unless_too_few(fix)

    def drop_columns(self, name: str, columns: Numbers, what: str) -> tuple[Fix, ...]:
        """A fix, unless it would leave no column."""
        shape = self.data.features.shape
        if len(columns) == shape[1]:
            return ()
        text = many(len(columns), "dimension")
        return (Fix("drop columns", name, f"Drop {text}", f"{text} {what} dropped", shape, columns=columns),)

    def _unless_too_few(self, fix: Fix) -> tuple[Fix, ...]:
        lost = int(self.training[fix.rows].sum())
        return (fix,) if self.training.sum() - lost >= 2 else ()


def _enumerated(noun: str, first: Iterable[str], total: int) -> str:
    """Rows 3, 5 and 9 more."""
    names = [one_line(name, _LONGEST_NAME) for name in first]
    more = total - len(names)
    return f"{noun}{'s' * (total > 1)} {', '.join(names)}" + (f" and {count(more)} more" if more else "")


def many(value: int, noun: str) -> str:
    """3 rows."""
    return f"{count(value)} {noun}{'' if value == 1 else 's'}"


def of(value: int, total: int, noun: str) -> str:
    """3 of 90 rows."""
    return f"{count(value)} of {many(total, noun)}"


def are(value: int) -> str:
    """The verb for so many."""
    return "is" if value == 1 else "are"


def hold(value: int) -> str:
    """The verb for so many."""
    return "holds" if value == 1 else "hold"
