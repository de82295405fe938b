"""What a column beside the features means: id, label, split, thumbnail, or plain metadata."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN

_NAMES = {
    # In order of preference, in the spelling of `_plain`.
    role: tuple(names.split())
    for role, names in {
        "id": "id ids image_id sample_id uid uuid key filename file_name file path image_path file_path",
        "label": "label labels is_anomalous is_anomaly anomalous anomaly gt_label truth target class y",
        "split": "split splits subset partition fold",
        "thumbnail": "thumbnail thumbnails thumb thumbs image images img image_bytes"
        " image.bytes thumbnail.bytes img.bytes",
    }.items()
}
_ROW_NUMBERS = ("index", "unnamed:_0", "__index_level_0__", "")
_NAMES["id"] += _ROW_NUMBERS
_EVERY_NAME = frozenset(name for names in _NAMES.values() for name in names)

_NORMAL = frozenset({"normal", "good", "ok", "0", "0.0", "false"})
_ANOMALOUS = frozenset({"anomalous", "anomaly", "abnormal", "bad", "defect", "1", "1.0", "true"})
_MISSING = frozenset(
    {"", "none", "null", "nan", "na", "n/a", "unknown", "unlabeled", "unlabelled", "not labelled"}
)
_WHOLE = re.compile(r"-?\d{1,15}(\.0*)?", re.ASCII)
_TRAIN = frozenset({"train", "training"})
_TEST = frozenset({"test", "testing"})
_NEARLY_TEST = frozenset({"val", "valid", "validation", "eval", "evaluation", "dev", "holdout"})


class Labels(NamedTuple):
    """What a label column says, and whether its own words are worth keeping as metadata."""

    values: NDArray[np.int8] | None
    keep: bool = True
    note: str = ""


class Split(NamedTuple):
    """What a split column says; None when it uses words that mean neither train nor test."""

    values: NDArray[np.str_] | None
    keep: bool = False
    note: str = ""


def is_role(name: str, among: Collection[str] = ()) -> bool:
    """Whether a column of that name, among the others, is never a dimension of the embedding."""
    if name in ("y", "Y"):  # a label, unless it is a coordinate
        return "x" not in among and "X" not in among
    return _plain(name) in _EVERY_NAME


def is_row_number(name: str) -> bool:
    """Whether the name is one under which tools save mere row numbers."""
    return _plain(name) in _ROW_NUMBERS


def find(role: str, names: list[str]) -> str | None:
    """The column that plays a role, by name."""
    plain = {_plain(name): name for name in reversed(names)}
    for name in _NAMES[role]:
        if name in plain and is_role(plain[name], names):
            return plain[name]
    return None


def read_ids(column: pa.ChunkedArray) -> list[str]:
    """Every id as text; a missing one becomes "row 7"."""
    return [f"row {i}" if value is None else _text(value) for i, value in enumerate(column.to_pylist())]


def read_labels(column: pa.ChunkedArray, name: str) -> Labels:
    """Normal, anomalous or unknown for every row."""
    values = column.to_pylist()
    if any(isinstance(value, float) and math.isfinite(value) and value % 1 for value in values):
        return Labels(None, True, f"{name} holds fractions, not labels: kept as metadata.")
    words = [_text(value).strip().lower() for value in values]
    if (kinds := _whole_numbers(set(words))) > 2:
        note = f"{name} holds {kinds} different numbers, too many for normal and anomalous: kept as metadata."
        return Labels(None, True, note)
    meaning, note = _meanings(set(words), name)
    return Labels(np.array([meaning[word] for word in words], np.int8), _says_more(meaning), note)


def read_split(column: pa.ChunkedArray, name: str) -> Split:
    """Train or test for every row; a missing value is scored, not trained on."""
    words = [_text(value).strip().lower() for value in column.to_pylist()]
    seen = set(words) - _MISSING
    strange = sorted(seen - _TRAIN - _TEST - _NEARLY_TEST)
    if strange or not seen:
        what = f"{_listed(strange)} in it means neither train nor test" if strange else "it is empty"
        return Split(None, True, f"{name} is kept as metadata, not used as the split: {what}.")
    notes = []
    if near := sorted(seen & _NEARLY_TEST):
        notes.append(f"{name}: {_listed(near)} counts as test.")
    if missing := sum(word in _MISSING for word in words):
        notes.append(f"{name}: {missing} rows without a value count as test.")
    values = np.array(["train" if word in _TRAIN else "test" for word in words])
    return Split(values, bool(near), " ".join(notes))


def _whole_numbers(words: set[str]) -> int:
    """How many different whole numbers the words are, beside -1; 0 when one of them is no such number."""
    words = words - _MISSING
    if not all(_WHOLE.fullmatch(word) for word in words):
        return 0
    return len({int(float(word)) for word in words} - {-1})


def _meanings(words: set[str], name: str) -> tuple[dict[str, int], str]:
    if words - _MISSING == {"-1", "1"}:
        return (
            dict.fromkeys(words, UNKNOWN) | {"1": NORMAL, "-1": ANOMALOUS},
            f"{name}: read as scikit-learn's outlier labels, 1 = normal and -1 = anomalous.",
        )
    unknown = _MISSING | {"-1"}
    meaning = {w: NORMAL if w in _NORMAL else UNKNOWN if w in unknown else ANOMALOUS for w in words}
    others = sorted(w for w in words if meaning[w] == ANOMALOUS and w not in _ANOMALOUS)
    return meaning, f"{name}: {_listed(others)} counts as anomalous." if others else ""


def _says_more(meaning: dict[str, int]) -> bool:
    return bool(set(meaning) - _NORMAL - _ANOMALOUS - _MISSING - {"-1"})


def _plain(name: str) -> str:
    return re.sub(r"[\s\-_]+", "_", name.strip().lower())


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _listed(words: list[str]) -> str:
    shown = ", ".join(repr(word[:40]) for word in words[:5])
    return shown if len(words) <= 5 else f"{shown} and {len(words) - 5} more"
