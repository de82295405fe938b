"""Findings about a data set, and the fixes they offer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.data import EmbeddingSet
from kdeviz.errors import DataError, OptionError
from kdeviz.settings import Offer

Numbers = NDArray[np.int64]
"""Row or column numbers, ascending."""
Severity = Literal["ok", "note", "warning", "error"]
FixKind = Literal["drop rows", "drop columns", "leave out of training"]


class Facts(NamedTuple):
    """What a file holds."""

    name: str
    rows: int
    dimensions: int
    dtype: str
    """Of the features, as numpy spells it."""
    bytes: int
    """Of the features in memory."""
    training_rows: int
    """To fit on: those of split "train", or all when there is no split, less those left out of training."""
    other_rows: int
    """Scored, but not fitted on."""
    rank: int | None
    """Numerical rank of the centred usable training rows; None when fewer than two are usable."""
    rank_is_exact: bool
    """False when the rank is at least that, and finding out more would cost a fit."""


@dataclass(frozen=True, eq=False)
class Fix:
    """One thing that can be done about a finding; `apply` does it.

    Attributes:
        kind: what happens to the rows or columns.
        name: stands for this fix in settings and scripts, see `Preflight.fix`.
        title: what a button says, in the imperative.
        done: the sentence that `apply` adds to `EmbeddingSet.changes`.
        shape: (N, D) of the features it was found for.
        rows: row numbers, unless it is about columns.
        columns: column numbers, if it is about columns.
    """

    kind: FixKind
    name: str
    title: str
    done: str
    shape: tuple[int, ...]
    rows: Numbers | None = None
    columns: Numbers | None = None


@dataclass(frozen=True, eq=False)
class Finding:
    """The outcome of one check.

    Attributes:
        kind: which check: "missing", "infinite", "too large", "duplicate rows", "constant columns",
            "duplicate columns", "zero rows", "outliers", "units", "labels", "contamination", "rank" or
            "groups".
        severity: "error" when a fit or a score would be refused; "ok" when there is nothing to do.
        sentence: the outcome in plain words.
        rows: the rows it is about, or None.
        columns: the columns it is about, or None.
        fixes: what can be done, the best first.
        which: the first of the rows or columns by their names, "rows s17, s40 and 3 more", or nothing.
        offer: settings of the model that would help instead.
        named: whether the sentence names all of the rows or columns.
    """

    kind: str
    severity: Severity
    sentence: str
    rows: Numbers | None = None
    columns: Numbers | None = None
    fixes: tuple[Fix, ...] = ()
    which: str = ""
    offer: Offer | None = None
    named: bool = False


@dataclass(frozen=True, eq=False)
class Preflight:
    """Facts about a data set, and one finding per check that could be made."""

    facts: Facts
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that are not "ok", the most severe first."""
        order = ("error", "warning", "note")
        return tuple(finding for wanted in order for finding in self.findings if finding.severity == wanted)

    def and_also(self, finding: Finding) -> Preflight:
        """With one more finding."""
        return replace(self, findings=(*self.findings, finding))

    def fix(self, name: str) -> Fix:
        """The fix of that name: to repeat on a file what was done to it before.

        Raises:
            OptionError: nothing found calls for it.
        """
        offered = {fix.name: fix for finding in self.findings for fix in finding.fixes}
        if name not in offered:
            known = ", ".join(map(repr, offered)) or "none"
            raise OptionError(f"{self.facts.name} needs no fix {name!r}; on offer: {known}")
        return offered[name]


def apply(fix: Fix, data: EmbeddingSet) -> EmbeddingSet:
    """A new set with the fix done and recorded in its `changes`; `data` stays as it was, to undo.

    Args:
        fix: from `preflight(data)`.
        data: the set that the fix was found for.

    Raises:
        DataError: the fix was found for features of another shape, for example before another fix.
    """
    if fix.shape != data.features.shape:
        raise DataError(
            f"{data.name}: {fix.name!r} was found for features of shape {fix.shape}, these have "
            f"{data.features.shape}: run preflight again"
        )
    return replace(_changed(fix, data), changes=(*data.changes, fix.done))


def _changed(fix: Fix, data: EmbeddingSet) -> EmbeddingSet:
    if fix.kind == "drop columns":
        return data.take_columns(~_mask(fix.columns, data.features.shape[1]))
    rows = _mask(fix.rows, len(data))
    if fix.kind == "drop rows":
        return data.take(~rows)
    return replace(data, excluded=rows if data.excluded is None else rows | data.excluded)


def _mask(numbers: Numbers | None, length: int) -> NDArray[np.bool_]:
    mask: NDArray[Any] = np.zeros(length, bool)
    mask[[] if numbers is None else numbers] = True
    return mask
