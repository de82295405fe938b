"""The first rows of a set as they were read, and how many labels of each kind it has."""

from __future__ import annotations

from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.wording import count

_ROWS = 3
_COLUMNS = 3  # of metadata
_LONGEST = 24


def preview(data: EmbeddingSet) -> dict[str, list[str]]:
    """The first three rows, as text: ids, the first and the last dimensions, what is beside them."""
    shown, dimensions = slice(_ROWS), data.features.shape[1]
    columns = {"id": data.ids[shown].tolist()}
    names = data.feature_names or [f"dimension {i}" for i in range(dimensions)]
    for i in sorted({0, min(1, dimensions - 1), dimensions - 1}):
        columns[names[i]] = [f"{value:.6g}" for value in data.features[shown, i].tolist()]
    if data.labels is not None:
        words = {NORMAL: "normal", ANOMALOUS: "anomalous", UNKNOWN: ""}
        columns["label"] = [words[int(label)] for label in data.labels[shown]]
    if data.split is not None:
        columns["split"] = data.split[shown].tolist()
    if data.metadata is not None:
        for name in data.metadata.columns[:_COLUMNS]:
            columns.setdefault(str(name), [str(value)[:_LONGEST] for value in data.metadata[name][shown]])
    return columns


def label_counts(data: EmbeddingSet) -> str:
    """In words: "36 normal, 4 anomalous"; empty without labels."""
    if data.labels is None:
        return ""
    kinds = {"normal": NORMAL, "anomalous": ANOMALOUS, "not labelled": UNKNOWN}
    counts = {kind: int((data.labels == value).sum()) for kind, value in kinds.items()}
    return ", ".join(f"{count(n)} {kind}" for kind, n in counts.items() if n)
