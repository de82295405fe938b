"""Numbers and rows for tables: the headline, one sample, all samples."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kdeviz.analysis import Analysis, cached
from kdeviz.data import ANOMALOUS, NORMAL, UNKNOWN, EmbeddingSet
from kdeviz.decision.decision import Decision, p_values_of
from kdeviz.model import ProbabilityCurve

if TYPE_CHECKING:
    import pandas as pd

LABEL_WORDS = {NORMAL: "normal", ANOMALOUS: "anomalous", UNKNOWN: "not labelled"}


class SampleView(NamedTuple):
    """One inspected sample."""

    name: str
    label: str
    """In words; empty when the set has no labels."""
    rank: int
    total: int
    log_density: float
    probability: float
    p_value: float | None
    """Share of new normal samples that score so low; None without calibration."""
    flagged: bool
    above_threshold: float
    """Nats; negative below."""
    more_unusual_than: float
    """Share of the training samples with a higher held-out score."""


def sample_view(decision: Decision, row: int) -> SampleView:
    """What there is to say about one inspected row."""
    analysis = decision.analysis
    inspected, score = analysis.inspected, analysis.scores[row]
    return SampleView(
        name=str(inspected.ids[row]),
        label="" if inspected.labels is None else LABEL_WORDS[int(inspected.labels[row])],
        rank=int((analysis.scores < score).sum()) + 1,
        total=int((~np.isnan(analysis.scores)).sum()),
        log_density=float(score),
        probability=float(decision.curve(analysis.scores[row : row + 1])[0]),
        p_value=None if decision.p_values is None else float(decision.p_values[row]),
        flagged=bool(score < decision.threshold),
        above_threshold=float(score) - decision.threshold,
        more_unusual_than=float((analysis.reference > score).mean()),
    )


def ranking(decision: Decision) -> pd.DataFrame:
    """Every inspected sample, the most anomalous first.

    Columns: row (in the inspected set), rank (1 is the most anomalous; equal scores share a rank), id, label
    (in words; only when the set has labels), log_density, probability, p_value (only with calibration),
    flagged, then the metadata, with
    "_in_file" added to names that are taken.
    """
    return _ranking(decision.analysis, decision.threshold, decision.curve)


@cached
def _ranking(analysis: Analysis, threshold: float, curve: ProbabilityCurve) -> pd.DataFrame:
    import pandas as pd  # `import kdeviz` does without it

    inspected, scores = analysis.inspected, analysis.scores
    order = np.argsort(scores, kind="stable")
    columns: dict[str, Any] = {
        "row": order,
        "rank": np.searchsorted(scores[order], scores[order]) + 1,
        "id": inspected.ids[order],
    }
    if inspected.labels is not None:
        columns["label"] = [LABEL_WORDS[int(label)] for label in inspected.labels[order]]
    columns["log_density"] = scores[order]
    columns["probability"] = curve(scores[order])
    if (found := p_values_of(analysis)) is not None:
        columns["p_value"] = found[order]
    columns["flagged"] = scores[order] < threshold
    for name, column in metadata_columns(inspected, tuple(columns)).items():
        columns[name] = column.iloc[order].reset_index(drop=True)
    return pd.DataFrame(columns)


def metadata_columns(inspected: EmbeddingSet, taken: Collection[str]) -> dict[str, pd.Series[Any]]:
    """Metadata by the name to show: a string, with "_in_file" added while that name is taken."""
    metadata = inspected.metadata
    columns: dict[str, pd.Series[Any]] = {}
    if metadata is None:
        return columns
    for position, name in enumerate(metadata.columns):
        shown = str(name)
        while shown in taken or shown in columns:
            shown += "_in_file"
        columns[shown] = metadata.iloc[:, position]
    return columns
