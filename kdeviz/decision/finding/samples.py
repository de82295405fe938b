"""The columns of the inspected samples: what the decision says of each, then what the file says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from kdeviz.analysis import Analysis, cached
from kdeviz.data import ANOMALOUS, MARK_LABELS, NORMAL, UNKNOWN, SampleMark
from kdeviz.decision.decision import Decision
from kdeviz.decision.finding.columns import Column, Notes, Numbers, Texts, Values, column_of
from kdeviz.decision.table import LABEL_WORDS, metadata_columns, rank_order

OWN_COLUMNS = ("id", "verdict", "label", "mark", "note", "rank", "log density", "probability", "p-value")
"""Columns that are not the file's; a column of the file with such a name has "_in_file" added."""
_LABELS = (NORMAL, ANOMALOUS, UNKNOWN)


class Samples(NamedTuple):
    """What can be asked of the inspected samples."""

    columns: Mapping[str, Column]
    """By name: those of `OWN_COLUMNS` that there are, then those of the file."""
    searched: tuple[str, ...]
    """Names of those that a search looks into: the id, the notes and the columns of the file."""


def sample_columns(decision: Decision, file: Analysis, marks: Mapping[int, SampleMark]) -> Samples:
    """The columns of a decision's inspected samples.

    Args:
        decision: what is thought of them.
        file: the analysis with the labels of the file, which the columns of the file are kept with.
        marks: what people said of some rows.
    """
    analysis, M = decision.analysis, len(decision.flagged)
    columns: dict[str, Column] = {"id": _ids(file)}
    columns["verdict"] = Values((~decision.flagged).astype(np.int64), ("flagged", "not flagged"))
    if analysis.inspected.labels is not None:
        codes = np.select([analysis.inspected.labels == label for label in _LABELS[1:]], [1, 2], 0)
        columns["label"] = Values(codes, tuple(LABEL_WORDS[label] for label in _LABELS))
    columns |= _marks(marks, M)
    columns["rank"] = Numbers(rank_order(analysis).ranks.astype(np.float64))
    columns["log density"] = Numbers(analysis.scores.astype(np.float64))
    columns["probability"] = Numbers(decision.probabilities.astype(np.float64))
    if decision.p_values is not None:
        columns["p-value"] = Numbers(decision.p_values)
    own = file_columns(file)
    return Samples({**columns, **own}, ("id", "note", *own))


def _marks(marks: Mapping[int, SampleMark], samples: int) -> dict[str, Column]:
    names, codes = tuple(MARK_LABELS), np.full(samples, -1, np.int64)
    places = {name: place for place, name in enumerate(names)}
    codes[list(marks)] = [places.get(mark.verdict, -1) for mark in marks.values()]
    notes = {row: mark.note for row, mark in marks.items() if mark.note}
    return {"mark": Values(codes, names), "note": Notes(notes, samples)}


@cached
def _ids(file: Analysis) -> Texts:
    return Texts.of(file.inspected.ids)


@cached
def file_columns(file: Analysis) -> Mapping[str, Column]:
    """The columns of the file, by the name to show."""
    found = metadata_columns(file.inspected, OWN_COLUMNS)
    return {name: column_of(cells) for name, cells in found.items()}
