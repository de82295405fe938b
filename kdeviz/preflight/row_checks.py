"""Checks of the rows: missing, infinite and huge values, zeros, copies, outliers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kdeviz.preflight.copies import row_copies
from kdeviz.preflight.evidence import Evidence, are, hold, many, of
from kdeviz.preflight.findings import Finding, Numbers
from kdeviz.preflight.scan import bad_values
from kdeviz.wording import number

_FEW_COLUMNS = 0.05
_FAR = 3.0
_BULK = 0.95


def bad_rows(seen: Evidence) -> Iterator[Finding]:
    """Missing values, then infinite ones."""
    for kind, (rows, columns) in bad_values(seen.features, seen.scan.largest).items():
        if not len(rows):
            yield Finding(kind, "ok", f"No {kind} values.")
            continue
        N, D = seen.features.shape
        what = f"with {kind} values"
        fixes = seen.drop_rows(f"{kind}: drop rows", rows, what)
        if len(columns) <= max(1, _FEW_COLUMNS * D):
            other = seen.drop_columns(f"{kind}: drop columns", columns, what)
            fixes = other + fixes if len(columns) / D < len(rows) / N else fixes + other
        sentence = (
            f"{of(len(rows), N, 'row')} {hold(len(rows))} {kind} values, in "
            f"{of(len(columns), D, 'dimension')}: a fit refuses {'it' if len(rows) == 1 else 'them'}."
        )
        if not fixes:
            sentence += " Too little would be left without them: repair the file."
        yield Finding(kind, "error", sentence, rows, columns, fixes)


def huge_rows(seen: Evidence) -> Finding:
    """Finite values without a square beside those of the other rows."""
    rows = np.flatnonzero(np.isfinite(seen.scan.largest) & ~seen.scan.usable)
    if not len(rows):
        return Finding("too large", "ok", "No value is too large to compute with.")
    fixes = seen.drop_rows("too large: drop rows", rows, "with values too large to be squared")
    sentence = (
        f"{of(len(rows), len(seen.data), 'row')} {hold(len(rows))} values above 10³⁰², or more than 10¹⁵⁰ "
        "times as large as those of a typical row: the other checks leave them out, and in a fit they hide "
        "what is smaller."
    )
    return Finding("too large", "warning", sentence, rows, fixes=fixes)


def zero_rows(seen: Evidence) -> Finding:
    """Rows of length zero."""
    rows = np.flatnonzero(seen.scan.largest == 0)
    if not len(rows):
        return Finding("zero rows", "ok", "No row is all zeros.")
    sentence = (
        f"{of(len(rows), len(seen.data), 'row')} {are(len(rows))} all zeros: often what is left of an "
        "image that could not be read."
    )
    return Finding(
        "zero rows", "warning", sentence, rows, fixes=seen.drop_rows("zero rows: drop", rows, "of zeros")
    )


def duplicate_rows(seen: Evidence) -> Finding:
    """Rows equal to an earlier one."""
    largest = seen.scan.largest
    compared = np.flatnonzero((largest != 0) & ~np.isnan(largest))
    rows, originals = row_copies(seen.features, seen.scan.hashes, compared)
    if not len(rows):
        return Finding("duplicate rows", "ok", "No row is a copy of another.")
    leaked = _leaked(seen.training, rows, originals)
    sentence = (
        f"{of(len(rows), len(seen.data), 'row')} {are(len(rows))} "
        f"{'an exact copy' if len(rows) == 1 else 'exact copies'} of an earlier one: copies vouch for each "
        "other, so they look more normal than they are."
    )
    if leaked:
        sentence += (
            f" {many(leaked, 'row')} to be scored also {'occurs' if leaked == 1 else 'occur'} in training."
        )
    fixes = seen.drop_rows("duplicate rows: keep the first", rows, "that repeat an earlier one")
    return Finding("duplicate rows", "warning" if leaked else "note", sentence, rows, fixes=fixes)


def _leaked(training: NDArray[np.bool_], rows: Numbers, originals: Numbers) -> int:
    """How many rows outside training equal a row in training."""
    trained = training.copy()  # at the first of each group of copies: whether any of the group is in training
    trained[originals[training[rows]]] = True
    firsts = np.unique(originals)
    return int((trained[firsts] & ~training[firsts]).sum() + (trained[originals] & ~training[rows]).sum())


def outliers(seen: Evidence) -> Finding:
    """Rows more than `_FAR` times as far from the centre as `_BULK` of the training rows are.

    Gaussian rows stay below: of a million in one dimension, the farthest is at 2.5 times.
    """
    fitted = seen.fitted
    distances = seen.scan.distances[fitted]
    # "lower": of few rows, the farthest must not be its own measure.
    bulk = float(np.quantile(distances, _BULK, method="lower")) if len(fitted) else 0.0
    rows = fitted[distances > _FAR * bulk] if bulk > 0 else fitted[:0]
    if not len(rows):
        return Finding("outliers", "ok", "No training row lies far outside the others.")
    farthest = number(seen.scan.distances[rows].max() / bulk)
    verb = "lies" if len(rows) == 1 else "lie"
    sentence = (
        f"{of(len(rows), len(fitted), 'training row')} {verb} more than three times as far from the centre "
        f"as 95 % of them do (the farthest {farthest} times): such a row pulls the components towards "
        "itself, and under “scale” the longest one sets the length that all rows are divided by, which "
        "moves every log density."
    )
    what = "far outside the others"
    fixes = (
        *seen.leave_out("outliers: leave out of training", rows, what),
        *seen.drop_rows("outliers: drop", rows, what),
    )
    return Finding("outliers", "warning", sentence, rows, fixes=fixes)
