"""What the values of a label column mean, and those of a split column."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.data.readers import roles
from kdeviz.errors import DataError

# In the spelling of `_word`: lower case, single underscores, 1.0 and +1 as 1.
_SAYS_NORMAL = frozenset(
    roles.words(
        "normal good ok okay pass passed inlier benign legit legitimate genuine defect_free healthy clean"
        " regular nominal typical intact accept accepted acceptable valid fault_free io i.o in_ordnung gut"
        " ham success conform conforming compliant correct perfect fine in_control in_distribution"
    )
)
_SAYS_ANOMALOUS = frozenset(
    roles.words(
        "anomalous anomaly anomalies abnormal bad defect defects defective fail failed failure fault faulty"
        " ng nok ko n.ok nogo outlier malicious malware attack intrusion fraud fraudulent phishing novel"
        " novelty irregular reject rejected broken damaged diseased tumor tumour error scrap atypical nio"
        " n.i.o schlecht spam tampered forged out_of_control out_of_distribution ood"
    )
)
_NEGATED = re.compile(r"(?:non|not|no|un|in|dis)_?(?=[a-z])")
_CODE = re.compile(r"\d+[:.)_]+(?=[a-z])")
"""What stands before a word in "1: anomaly"."""
_NO = frozenset({"0", "false", "no", "n", "f", "negative", "neg"})
_YES = frozenset({"1", "true", "yes", "y", "t", "positive", "pos"})
_PAIRS = {
    frozenset(pair): pair[0]
    for pair in (("1", "-1"), ("p", "f"), ("in", "out"), ("id", "ood"), ("go", "nogo"), ("real", "fake"))
}
"""Words that only tell beside each other: the first means normal."""
_WHOSE = {"1": ", as in scikit-learn"}
_MISSING = frozenset(
    ("", *roles.words("none null nan na n/a <na> unknown unlabeled unlabelled not_labelled not_labeled"))
)
_WHOLE = re.compile(r"-?\d{1,15}", re.ASCII)
_MANY = 30
"""So many words that nobody knows are classes, not kinds of defects."""
_HARDLY_NORMAL = 0.05
"""The least share of normal rows among words that nobody knows."""
_FEWEST_ZEROS = 0.2
"""The least share of zeros in a column of 0 and 1: where nearly all is 1, 1 may well mean good."""
_FEWEST_ROWS = 5

_TRAIN = frozenset({"train", "training"})
_TEST = frozenset({"test", "testing"})
_NEARLY_TEST = frozenset({"val", "valid", "validation", "eval", "evaluation", "dev", "holdout"})


class Distinct:
    """The different values of a column, and which of them each row has.

    Attributes:
        values: in the order in which they first occur.
    """

    def __init__(self, *columns: pa.ChunkedArray) -> None:
        self.values: list[Any] = []
        self._places: dict[tuple[type, str], int] = {}
        self._codes: list[NDArray[np.int32]] = []
        self._rows = 0
        for column in columns:
            self.add(column)

    def add(self, column: pa.ChunkedArray) -> None:
        """More rows, of any type."""
        self.add_values(column.to_pylist())

    def add_values(self, values: Iterable[Any]) -> None:
        """The same of values that are Python's own."""
        codes = [self._place(value) for value in values]
        self._codes.append(np.array(codes, np.int32))
        self._rows += len(codes)

    def pad(self, rows: int) -> None:
        """Rows without a value, until there are so many in all."""
        if rows > self._rows:
            self._codes.append(np.full(rows - self._rows, self._place(None), np.int32))
            self._rows = rows

    @property
    def codes(self) -> NDArray[np.int32]:
        """(N,) the place of each row's value among `values`."""
        self._codes = [np.concatenate([np.empty(0, np.int32), *self._codes])]
        return self._codes[0]

    @property
    def counts(self) -> list[int]:
        """How many rows have each of the values."""
        found: list[int] = np.bincount(self.codes, minlength=len(self.values)).tolist()
        return found

    def _place(self, value: Any) -> int:
        key = (type(value), text_of(value))  # some values have no hash, and NaN is not equal to itself
        if key not in self._places:
            self._places[key] = len(self.values)
            self.values.append(value)
        return self._places[key]


class Labels(NamedTuple):
    """What a label column says.

    Attributes:
        values: normal, anomalous or unknown for every row; None where that is not known.
        keep: whether its own words are worth keeping as metadata.
        note: what was decided.
        normal: its values that mean normal.
        anomalous: its values that mean anomalous.
        unclear: whether it may well hold classes, and nobody has said which of them mean normal.
    """

    values: NDArray[np.int8] | None
    keep: bool = True
    note: str = ""
    normal: tuple[str, ...] = ()
    anomalous: tuple[str, ...] = ()
    unclear: bool = False


def read_labels(column: Distinct, name: str, normal: tuple[str, ...] = ()) -> Labels:
    """Normal, anomalous or unknown for every row; no values where the words were not understood.

    Args:
        column: what its rows hold.
        name: of the column, which may say what "yes" means.
        normal: the values that mean normal, when they were given; all others then mean anomalous.

    Raises:
        DataError: no row has a value of `normal`.
    """
    texts = [text_of(value).strip() for value in column.values]
    words = [_word(text) for text in texts]
    if normal:
        return _as_told(column, words, texts, name, normal)
    if any(isinstance(value, float) and math.isfinite(value) and value % 1 for value in column.values):
        return Labels(None, note=f"{name} holds fractions, not labels: kept as metadata.")
    counts = _counts(words, column)
    if (kinds := _whole_numbers(set(words))) > 2:
        note = f"{name} holds {kinds} different numbers, too many for normal and anomalous: kept as metadata."
        return Labels(None, note=note, unclear=kinds <= _MANY)
    meaning, strange, note = _meanings(counts, name)
    if why := _misunderstood(counts, meaning, strange, name):
        return Labels(None, note=f"{name} {why}; {_ask(counts)}", unclear=True)
    return _labels(column, words, texts, meaning, note)


def _counts(words: list[str], column: Distinct) -> Counter[str]:
    """How many rows have each word; several values can be one word."""
    counts: Counter[str] = Counter()
    for word, rows in zip(words, column.counts, strict=True):
        counts[word] += rows
    return counts


def are_labels(words: list[str]) -> bool:
    """Whether words, such as the names of folders, tell normal from anomalous."""
    named = all(any(map(str.isalpha, word)) for word in words)  # 0 and 1 can be anything
    column = Distinct(pa.chunked_array([sorted(set(words))]))
    return named and read_labels(column, "").values is not None


def read_split(column: Distinct, name: str) -> tuple[NDArray[np.str_] | None, bool, str]:
    """Train or test for every row, whether the words are worth keeping, and a note on what was decided.

    A missing value is scored, not trained on; None where the words mean neither train nor test.
    """
    words = [_word(text_of(value)) for value in column.values]
    seen = set(words) - _MISSING
    strange = sorted(seen - _TRAIN - _TEST - _NEARLY_TEST)
    if strange or not seen:
        what = f"{_listed(strange)} in it means neither train nor test" if strange else "it is empty"
        return None, True, f"{name} is kept as metadata, not used as the split: {what}."
    notes = []
    if near := sorted(seen & _NEARLY_TEST):
        notes.append(f"{name}: {_listed(near)} counts as test.")
    if missing := sum(n for word, n in _counts(words, column).items() if word in _MISSING):
        notes.append(f"{name}: {missing} rows without a value count as test.")
    values = np.array(["train" if word in _TRAIN else "test" for word in words])
    return values[column.codes], bool(near), " ".join(notes)


def text_of(value: Any) -> str:
    """A value of any type as text, "" for a missing one."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()


def _word(text: str) -> str:
    text = text.strip().lower()
    if number := re.fullmatch(r"\+?(-?\d{1,15})(?:\.0*)?", text, re.ASCII):
        return str(int(number[1]))
    return _CODE.sub("", re.sub(r"[\s_\-]+", "_", text).rstrip("."), count=1)


def _says(word: str) -> int | None:
    """What a word means wherever it stands: NORMAL or ANOMALOUS; None when nobody knows it."""
    if word in _SAYS_NORMAL or word in _SAYS_ANOMALOUS:
        return NORMAL if word in _SAYS_NORMAL else ANOMALOUS
    rest = _NEGATED.sub("", word, count=1) if _NEGATED.match(word) else ""
    if rest in _SAYS_NORMAL or rest in _SAYS_ANOMALOUS:
        return ANOMALOUS if rest in _SAYS_NORMAL else NORMAL
    return None


def _as_told(
    column: Distinct, words: list[str], texts: list[str], name: str, normal: tuple[str, ...]
) -> Labels:
    told = {_word(value) for value in normal}
    seen = set(words)
    if lacking := sorted(told - seen):
        raise DataError(
            f"no row of {name} has the value {lacking[0]!r}; it holds {_listed(sorted(seen))}: name those "
            "that mean normal"
        )
    meaning = {word: NORMAL if word in told else UNKNOWN if word in _MISSING else ANOMALOUS for word in seen}
    return _labels(column, words, texts, meaning, "")


def _labels(
    column: Distinct, words: list[str], texts: list[str], meaning: dict[str, int], note: str
) -> Labels:
    spelled = dict(zip(reversed(words), reversed(texts), strict=True))  # as the first row has it
    by_meaning = {
        sort: tuple(spelled[word] for word in sorted(meaning) if meaning[word] == sort)
        for sort in (NORMAL, ANOMALOUS)
    }
    values = np.array([meaning[word] for word in words], np.int8)[column.codes]
    known = {"normal", "good", "ok", "anomalous", "anomaly", "abnormal", "bad", "defect"} | _NO | _YES
    keep = bool(set(meaning) - known - _MISSING - {"-1"})
    return Labels(values, keep, note, by_meaning[NORMAL], by_meaning[ANOMALOUS])


def _whole_numbers(words: set[str]) -> int:
    """How many different whole numbers the words are, beside -1; 0 when one of them is no such number."""
    words = words - _MISSING
    if not all(_WHOLE.fullmatch(word) for word in words):
        return 0
    return len(words - {"-1"})


def _meanings(counts: Counter[str], name: str) -> tuple[dict[str, int], list[str], str]:
    """What every word means, the words that nobody knows, and a note on what was decided."""
    words = set(counts)
    if normal := _PAIRS.get(frozenset(words - _MISSING)):
        (other,) = words - _MISSING - {normal}
        note = f"{name}: read as {normal} = normal and {other} = anomalous{_WHOSE.get(normal, '')}."
        return dict.fromkeys(words, UNKNOWN) | {normal: NORMAL, other: ANOMALOUS}, [], note
    no, yes = (_YES, _NO) if roles.is_inverted(name) else (_NO, _YES)
    says_normal = no | ({"none"} if "" in words else set())
    meaning = dict.fromkeys(words, ANOMALOUS)
    meaning |= dict.fromkeys(words & (_MISSING | {"-1"}), UNKNOWN)
    meaning |= {word: NORMAL for word in words if word in says_normal or _says(word) == NORMAL}
    strange = sorted(w for w in words if meaning[w] == ANOMALOUS and w not in yes and _says(w) is None)
    notes = [f"{name}: {_listed(strange)} counts as anomalous."] if strange else []
    if "-1" in words:
        notes.append(f"{name}: -1 counts as not labelled.")
    if meaning.get("none") == NORMAL:
        notes.append(f"{name}: 'none' counts as normal, a blank as not labelled.")
    return meaning, strange, " ".join(notes)


def _misunderstood(counts: Counter[str], meaning: dict[str, int], strange: list[str], name: str) -> str:
    """Why the words were not understood: nearly every row would be anomalous, for no good reason."""
    labelled = sum(n for word, n in counts.items() if meaning[word] != UNKNOWN)
    normal = sum(n for word, n in counts.items() if meaning[word] == NORMAL)
    codes = {word for word in _YES | _NO if meaning.get(word) == ANOMALOUS}
    doubtful = sum(counts[word] for word in codes.union(strange))
    if not labelled or not doubtful:
        return ""
    if strange and (normal < _HARDLY_NORMAL * labelled or len(strange) > _MANY):
        common = _listed([word for word, _ in counts.most_common()])
        return f"holds {common}, of which none is known to mean normal"
    nearly_all = labelled >= _FEWEST_ROWS and doubtful > (1 - _FEWEST_ZEROS) * labelled
    if nearly_all and not roles.says_anomaly(name):
        return f"would make {doubtful} of {labelled} rows anomalous"
    return ""


def _ask(counts: Counter[str]) -> str:
    common = counts.most_common(1)[0][0] or "VALUE"
    told = f"normal={common!r}, --normal {common}"
    return f"it is kept as metadata until you say which value means normal ({told})."


def _listed(words: list[str]) -> str:
    shown = ", ".join(repr(word[:40]) for word in words[:5])
    return shown if len(words) <= 5 else f"{shown} and {len(words) - 5} more"
