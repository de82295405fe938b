"""Scores as CSV or parquet: one table, whether an analysis or a loaded model made them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from io import BytesIO
from numbers import Number
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from kdeviz import __version__
from kdeviz.analysis import Analysis
from kdeviz.data import MARK_LABELS, EmbeddingSet
from kdeviz.decision import Decision, ranking, score_table
from kdeviz.model import KDEClassifier, ProbabilityCurve, device_name

METADATA_KEY = "kdeviz"
"""Under this key a parquet file's schema holds `ScoreTable.about` as JSON."""

Rows = NDArray[np.integer[Any]]
"""Numbers of inspected rows."""
Marks = Mapping[str, Sequence[str]]
"""Columns "mark" and "note" of the inspected rows, as `MarkBook.columns` gives them."""

# A spreadsheet would read a text that starts with one of these as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class ScoreTable(NamedTuple):
    """Scores, and where they come from."""

    frame: pd.DataFrame
    """The columns of `ranking`, and marks, in the order of the data; `rank` 1 is the most anomalous."""
    about: dict[str, Any]
    """Settings, threshold, curve and provenance, ready for JSON."""


def scores_csv(
    analysis: Analysis,
    threshold: float,
    curve: ProbabilityCurve,
    rows: Rows | None = None,
    marks: Marks | None = None,
) -> bytes:
    """The scores of an analysis as CSV; see `analysis_scores` and `to_csv`."""
    return to_csv(analysis_scores(analysis, threshold, curve, rows, marks))


def scores_parquet(
    analysis: Analysis,
    threshold: float,
    curve: ProbabilityCurve,
    rows: Rows | None = None,
    marks: Marks | None = None,
) -> bytes:
    """The scores of an analysis as parquet; see `analysis_scores` and `to_parquet`."""
    return to_parquet(analysis_scores(analysis, threshold, curve, rows, marks))


def analysis_scores(
    analysis: Analysis,
    threshold: float,
    curve: ProbabilityCurve,
    rows: Rows | None = None,
    marks: Marks | None = None,
) -> ScoreTable:
    """The inspected samples of an analysis.

    Args:
        analysis: the analysis.
        threshold: samples of lower log density are flagged.
        curve: for the probabilities.
        rows: only these inspected rows; ranks still count all of them. None takes all.
        marks: what was decided about all (M,) inspected rows, however few are taken. When there is any mark
            or note, the columns "mark" and "note" follow "flagged". A column of the data that already has
            such a name gets "_in_file" added, unless kdeviz wrote it: a "mark" that holds nothing but
            verdicts was read as marks, so the present ones stand for it.
    """
    frame = ranking(Decision(analysis, None, curve, threshold)).sort_values("row", ignore_index=True)
    if marks is not None:
        frame = _with_marks(frame, marks)
    if rows is not None:
        frame = frame[frame["row"].isin(rows)]
    return ScoreTable(frame, _about(analysis.classifier, threshold, curve, analysis.provenance))


def _with_marks(frame: pd.DataFrame, marks: Marks) -> pd.DataFrame:
    frame = frame.drop(columns=_marks_in_file(frame, marks))
    if not any(map(any, marks.values())):
        return frame
    names = {}
    for name in marks:
        names[name] = f"{name}_in_file"
        while names[name] in frame:
            names[name] += "_in_file"
    frame = frame.rename(columns=names)
    first = list(frame.columns).index("flagged") + 1
    for place, (name, column) in enumerate(marks.items()):
        frame.insert(first + place, name, list(column))
    return frame


def _marks_in_file(frame: pd.DataFrame, marks: Marks) -> list[str]:
    """Which columns of a table that kdeviz wrote hold marks, and notes that say nothing beyond them."""
    verdicts, notes = _texts(frame, "mark"), _texts(frame, "note")
    if not {"", *MARK_LABELS}.issuperset(verdicts):
        return []
    told = zip(notes, verdicts, marks["note"], strict=False)
    if any(note and not verdict and note != ours for note, verdict, ours in told):
        return ["mark"] if any(verdicts) else []
    return [name for name in marks if name in frame and "mark" in frame]


def _texts(frame: pd.DataFrame, name: str) -> list[str]:
    """A column as text; empty when there is none."""
    return ["" if pd.isna(value) else str(value) for value in frame[name]] if name in frame else []


def model_scores(
    classifier: KDEClassifier, inspected: EmbeddingSet, scores: NDArray[Any], threshold: float
) -> ScoreTable:
    """Samples scored by a loaded model; (M,) `scores` are those of `scoring.log_densities`."""
    frame = score_table(inspected, scores, threshold, classifier.curve)
    provenance = {
        "train_digest": classifier.data_digest,
        "score_name": inspected.name,
        "score_digest": inspected.digest,
        "seed": classifier.settings.seed,
        "device": device_name(classifier.device),
        "kdeviz_version": __version__,
        "torch_version": torch.__version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    about = _about(classifier, threshold, classifier.curve, provenance)
    return ScoreTable(frame.sort_values("row", ignore_index=True), about)


def _about(
    classifier: KDEClassifier, threshold: float, curve: ProbabilityCurve, provenance: dict[str, Any]
) -> dict[str, Any]:
    return {
        "settings": classifier.settings.to_dict(),
        "threshold": threshold,
        "curve": asdict(curve),
        "provenance": provenance,
    }


def to_csv(table: ScoreTable) -> bytes:
    """UTF-8, with every digit; a text that a spreadsheet would run as a formula gets a leading apostrophe.

    The apostrophe stays when such a text is read again, in a note or an id as well, and does not grow;
    parquet gives back exactly what was written.
    """
    frame = table.frame.rename(columns=_harmless)
    for name in frame:
        frame[name] = _harmless_column(frame[name])
    return frame.to_csv(index=False, lineterminator="\n").encode()


def _harmless_column(column: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return column
    return column.astype(object).map(_harmless, na_action="ignore")


def _harmless(cell: Any) -> Any:
    if isinstance(cell, Number):
        return cell
    text = str(cell)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def to_parquet(table: ScoreTable) -> bytes:
    """Every column in its own type, and `about` as JSON in the metadata of the schema."""
    columns = {name: _arrow(table.frame[name]) for name in table.frame}
    about = {METADATA_KEY: json.dumps(table.about)}
    file = BytesIO()
    pq.write_table(pa.table(columns, metadata=about), file)
    return file.getvalue()


def _arrow(column: pd.Series[Any]) -> pa.Array:
    try:
        return pa.array(column, from_pandas=True)
    except pa.ArrowException:  # a column of mixed types
        return pa.array(column.astype("string"), from_pandas=True)
