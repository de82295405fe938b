"""preflight: every check of a data set, each with its outcome in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from kdeviz.data import ANOMALOUS, NORMAL, UNKNOWN, EmbeddingSet
from kdeviz.preflight.copies import column_copies
from kdeviz.preflight.evidence import Evidence, are, many, of
from kdeviz.preflight.findings import Facts, Finding, Numbers, Preflight
from kdeviz.preflight.ranks import Rank, rank_of
from kdeviz.preflight.row_checks import bad_rows, duplicate_rows, huge_rows, outliers, zero_rows
from kdeviz.preflight.scan import constant_columns, scan
from kdeviz.preflight.unit_checks import units
from kdeviz.wording import count


def preflight(data: EmbeddingSet, n_pca_components: int | float = 16, standardise: bool = False) -> Preflight:
    """Check a whole file, before it is split into training and test rows.

    Two passes over the features at most, and two more over some rows; nothing is changed.
    Rows are copies when their numbers are equal (-0.0 equals 0.0); rows with a missing value equal none, and
    rows of zeros count as such, not as copies.

    Args:
        data: N rows of D dimensions, as read or as other fixes left them.
        n_pca_components: what a fit will be asked for, as in `Settings`.
        standardise: as in `Settings`.

    Raises:
        DataError: the features are not numbers, or have no dimensions.
    """
    features = data.features
    if features.dtype.kind == "f" and features.dtype.itemsize > 8:
        features = features.astype(np.float64)  # the precision of the model
    training = data.in_training
    seen = Evidence(data, features, training, scan(features, training))
    rank = rank_of(features, seen.fitted, n_pca_components, standardise)
    findings = [
        *bad_rows(seen),
        huge_rows(seen),
        zero_rows(seen),
        duplicate_rows(seen),
        *_columns(seen),
        outliers(seen),
        *([units(seen, standardise)] if len(seen.fitted) > 1 else []),
        *_labels(seen),
        _rank(seen, rank, n_pca_components),
    ]
    named = (replace(finding, which=seen.which(finding)) for finding in findings)
    return Preflight(_facts(seen, rank), tuple(named))


def _facts(seen: Evidence, rank: Rank | None) -> Facts:
    data = seen.data
    training = int(seen.training.sum())
    return Facts(
        name=data.name,
        rows=len(data),
        dimensions=data.features.shape[1],
        dtype=str(data.features.dtype),
        bytes=data.features.nbytes,
        training_rows=training,
        other_rows=len(data) - training,
        rank=None if rank is None else rank.value,
        rank_is_exact=rank is not None and rank.exact,
    )


def _columns(seen: Evidence) -> Iterator[Finding]:
    D, fitted = seen.features.shape[1], seen.fitted
    if len(fitted) < 2:
        return
    constant = constant_columns(seen.features, fitted, np.arange(D))
    usable = np.flatnonzero(seen.scan.usable)
    if len(constant):
        yield _constant(seen, constant, usable)
    else:
        yield Finding("constant columns", "ok", "No dimension is constant.")
    copies = column_copies(seen.features, usable, np.setdiff1d(np.arange(D), constant))
    if not len(copies):
        yield Finding("duplicate columns", "ok", "No dimension is a copy of another.")
        return
    verb = "is an exact copy" if len(copies) == 1 else "are exact copies"
    sentence = (
        f"{of(len(copies), D, 'dimension')} {verb} of an earlier one: what is stored twice counts twice."
    )
    fixes = seen.drop_columns("duplicate columns: keep the first", copies, "that repeat an earlier one")
    yield Finding("duplicate columns", "note", sentence, columns=copies, fixes=fixes)


def _constant(seen: Evidence, constant: Numbers, usable: Numbers) -> Finding:
    varying = len(constant) - len(constant_columns(seen.features, usable, constant))
    sentence = (
        f"{of(len(constant), seen.features.shape[1], 'dimension')} {are(len(constant))} the same in every "
        "training row: the model does not use them."
    )
    if varying:
        sentence += (
            f" In the other rows {count(varying)} of them {'varies' if varying == 1 else 'vary'}, which it "
            "cannot see."
        )
    fixes = seen.drop_columns("constant columns: drop", constant, "without variation in training")
    return Finding(
        "constant columns", "warning" if varying else "note", sentence, columns=constant, fixes=fixes
    )


def _labels(seen: Evidence) -> Iterator[Finding]:
    labels = seen.data.labels
    if labels is None:
        yield _no_labels(seen.data)
        return
    words = ((NORMAL, "normal"), (ANOMALOUS, "anomalous"), (UNKNOWN, "not labelled"))
    counts = ", ".join(f"{count(int((labels == kind).sum()))} {word}" for kind, word in words)
    yield Finding("labels", "ok", f"Labels: {counts}.")
    rows = np.flatnonzero(seen.training & (labels == ANOMALOUS))
    if not len(rows):
        yield Finding("contamination", "ok", "No training row is labelled anomalous.")
        return
    sentence = (
        f"{of(len(rows), int(seen.training.sum()), 'training row')} {are(len(rows))} labelled anomalous: "
        "the model learns them as normal."
    )
    fixes = seen.leave_out("contamination: leave out of training", rows, "labelled anomalous")
    yield Finding("contamination", "warning", sentence, rows, fixes=fixes)


def _no_labels(data: EmbeddingSet) -> Finding:
    ranked = "samples can be ranked, but not checked"
    name = None if data.reading is None else data.reading.unclear_label
    if name is None:
        return Finding("labels", "ok", f"There are no labels: {ranked}.")
    sentence = (
        f"“{name}” may hold labels, but which of its values mean normal is not known: it is left out of the "
        f"embedding, and {ranked}. To check them, say which (“These labels mean normal” in “About this "
        "file”, or --normal)."
    )
    return Finding("labels", "note", sentence)


def _rank(seen: Evidence, rank: Rank | None, asked: int | float) -> Finding:
    n = len(seen.fitted)
    rows = many(n, "usable training row")
    if rank is None:
        return Finding("rank", "error", f"There {are(n)} {rows}, and a fit needs at least two.")
    if isinstance(asked, int) and n < asked:
        sentence = f"{rows} for {count(asked)} components: load more rows, or ask for at most {count(n)}."
        return Finding("rank", "error", sentence)
    if rank.value == 0:
        return Finding("rank", "error", f"All {rows} are equal: there is nothing to tell rows apart by.")
    if isinstance(asked, int) and rank.value < asked:
        sentence = (
            f"The training rows vary along {many(rank.value, 'direction')} only (their rank): of "
            f"{count(asked)} components, {count(rank.value)} can be kept."
        )
        return Finding("rank", "warning", sentence)
    least = "" if rank.exact else "at least "
    return Finding(
        "rank", "ok", f"The training rows vary along {least}{many(rank.value, 'direction')} (their rank)."
    )
