"""Numbers and rows for tables: the headline, one sample, all samples."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.data import ANOMALOUS, NORMAL, UNKNOWN, EmbeddingSet
from kdeviz.decision.decision import Decision
from kdeviz.model import ProbabilityCurve
from kdeviz.wording import NAMELESS

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


class RankOrder(NamedTuple):
    """The inspected samples by how anomalous they are."""

    rows: NDArray[np.int64]
    """(M,) the most anomalous first; of equal ones, the first in the data."""
    ranks: NDArray[np.int64]
    """(M,) of each row: 1 is the most anomalous, and equal scores share a rank."""


@cached
def rank_order(analysis: Analysis) -> RankOrder:
    """The order of the inspected samples."""
    rows = np.argsort(analysis.scores, kind="stable")
    ranks, ordered = np.empty(len(rows), np.int64), analysis.scores[rows]
    ranks[rows] = np.searchsorted(ordered, ordered) + 1
    return RankOrder(rows, ranks)


def ranking(decision: Decision) -> pd.DataFrame:
    """Every inspected sample, the most anomalous first; see `listing`."""
    return _ranking(decision.analysis, decision.threshold, decision.curve)


@cached
def _ranking(analysis: Analysis, threshold: float, curve: ProbabilityCurve) -> pd.DataFrame:
    return listing(Decision(analysis, None, curve, threshold), rank_order(analysis).rows)


def listing(decision: Decision, rows: NDArray[np.integer[Any]], file: bool = True) -> pd.DataFrame:
    """These inspected samples, in this order.

    Columns: row (in the inspected set), rank (1 is the most anomalous; equal scores share a rank), id, label
    (in words; only when the set has labels), log_density, probability, p_value (only with calibration),
    flagged, then the metadata if `file`, with "_in_file" added to names that are taken.
    """
    import pandas as pd  # `import kdeviz` does without it

    analysis = decision.analysis
    inspected, scores = analysis.inspected, analysis.scores[rows]
    columns: dict[str, Any] = {
        "row": rows,
        "rank": rank_order(analysis).ranks[rows],
        "id": inspected.ids[rows],
    }
    if inspected.labels is not None:
        columns["label"] = [LABEL_WORDS[int(label)] for label in inspected.labels[rows]]
    columns["log_density"] = scores
    columns["probability"] = decision.curve(scores)
    if decision.p_values is not None:
        columns["p_value"] = decision.p_values[rows]
    columns["flagged"] = scores < decision.threshold
    for name, column in metadata_columns(inspected, tuple(columns)).items() if file else ():
        columns[name] = column.iloc[rows].reset_index(drop=True)
    return pd.DataFrame(columns)


def metadata_columns(inspected: EmbeddingSet, taken: Collection[str]) -> dict[str, pd.Series[Any]]:
    """Metadata by the name to show: a string, with "_in_file" added while that name is taken."""
    metadata = inspected.metadata
    columns: dict[str, pd.Series[Any]] = {}
    if metadata is None:
        return columns
    for position, name in enumerate(metadata.columns):
        shown = str(name) or NAMELESS
        while shown in taken or shown in columns:
            shown += "_in_file"
        columns[shown] = metadata.iloc[:, position]
    return columns
