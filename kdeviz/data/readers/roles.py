"""What a column beside the features can be, by its name: id, label, split, picture, or plain metadata."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache

import pyarrow as pa

from kdeviz.data.reading import Corrections


def words(text: str) -> tuple[str, ...]:
    """The words of a text; lists of many words are easier to read so."""
    return tuple(text.split())


# In order of preference, in the spelling of `plain_name`.
_IDS = words("id ids image_id sample_id uid uuid guid key")
_FILES = words(
    "filename filenames file_name file_names file file_path filepath image_path image_paths image_file"
    " image_filename image_name img_path path paths image.path img.path image images img"
)
_OF_ANOMALY = words(
    "is_anomalous is_anomaly is_outlier is_abnormal is_novel is_novelty is_defect is_defective is_faulty"
    " is_fraud is_fault is_failure is_attack is_bad is_normal is_good is_ok is_inlier has_defect has_fault"
    " anomalous anomaly outlier anomaly_label outlier_label"
)
_LABELS = words(
    "label labels gt_label ground_truth gt truth target targets class y label_index outcome defect fault"
    " fraud failure machine_failure attack quality"
)
_SPLITS = words("split splits data_split dataset_split train_test_split subset partition fold set")
_PICTURES = words(
    "thumbnail thumbnails thumb thumbs image images img image_bytes image.bytes images.bytes thumbnail.bytes"
    " img.bytes"
)
_SAMPLES = frozenset(
    words("name names sample samples sample_name word token accession barcode serial_number sku")
)
"""Names of columns that name the rows when every row has its own."""
_FIELDS = frozenset({"id", "ids", "label", "labels", "split", "filename", "file_name", "path", *_OF_ANOMALY})
"""What counts also behind a dot or a slash, as in metadata.label; more words would meet R's names."""
_NAMES = {"id": _IDS, "label": _OF_ANOMALY + _LABELS, "split": _SPLITS, "picture": _PICTURES}
_EVERY_NAME = frozenset({*_IDS, *_FILES, *_OF_ANOMALY, *_LABELS, *_SPLITS, *_PICTURES})
_ALSO_FEATURES = frozenset({"key", "quality"})  # such as the key of a song; fractions are no classes

_NAMES_KEPT = 1 << 17  # the columns of a very wide table are asked for several times each

_ROW_NUMBER = re.compile(
    r"(unnamed:_\d+(\.\d+)*|_?index(_\d+)?|level_\d+|_index_level_\d+_|row_?(number|num|no|id)?|)"
)
_LEAKS = re.compile(
    r"(is_|has_)?(anomaly|anomalous|outlier|inlier|abnormal|normal|defect|defective|fraud|fault|faulty|novelty)s?"
    r"|(label|class|target|anomaly|outlier|category|defect|y|gt|ground_truth|true|truth)_?(label|class|target"
    r"|index|idx|id|ids|name|names|code|num|number|encoded|enc|int|true|flag|type|score|target)?s?"
    r"|categor(y|ies)|y_?(true|pred|test|train|label)|pass(ed)?([/_]?fail(ed)?)?|failed|is_(train|test)(ing)?"
    r"|pred(icted|ictions?|s)?(_(label|class|score|y))?"
)
_COUNTER = re.compile(
    r"(.*_)?(frame|time|times?tamp|ts|step|epoch|rank|seq|sequence|counter|number|num|nr|no|idx|line|date|cycle)(_.*)?"
)
_ID = re.compile(r"(.*_)?(id|ids|uuid|guid|idx)")


@lru_cache(maxsize=_NAMES_KEPT)
def plain_name(name: str) -> str:
    """In lower case, with single underscores: "Image ID" and "imageId" as image_id."""
    if name.isalnum() and name.islower() and name.isascii():
        return name  # most names of wide tables
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\s\-_]+", "_", name).lower()


@lru_cache(maxsize=_NAMES_KEPT)
def _role_name(name: str) -> str:
    """The plain name, or its last part where only that one says what the column is."""
    plain = plain_name(name)
    if plain in _EVERY_NAME or not ("." in plain or "/" in plain):
        return plain
    last = re.split(r"[./]", plain)[-1].lstrip("_")
    return last if last in _FIELDS else plain


def is_role(name: str, among: Collection[str] = ()) -> bool:
    """Whether a column of that name, among the others, is an id, a label, a split or a picture."""
    if name in ("y", "Y"):  # a label, unless it is a coordinate
        return "x" not in among and "X" not in among
    plain = _role_name(name)
    return plain in _EVERY_NAME or _ROW_NUMBER.fullmatch(plain) is not None


def is_no_feature(name: str, kind: pa.DataType, among: Collection[str]) -> bool:
    """Whether a column of that name is never a dimension unless it is asked for: it would give labels away.

    Fractions are no ids; `among` are the names of all columns.
    """
    plain = plain_name(name)
    if plain in _ALSO_FEATURES:
        other_id = plain == "key" and any(plain_name(other) == "id" for other in among)
        return not pa.types.is_floating(kind) and not other_id
    if plain in ("x", "y"):
        return is_role(name, among)
    is_id = _ID.fullmatch(plain) is not None and not pa.types.is_floating(kind)
    return is_role(name, among) or is_id or _LEAKS.fullmatch(plain) is not None


def is_row_number(name: str) -> bool:
    """Whether the name is one under which tools save mere row numbers."""
    return _ROW_NUMBER.fullmatch(plain_name(name)) is not None


def says_counter(name: str) -> bool:
    """Whether the name is one of numbers that go on from row to row, such as frame or timestamp."""
    return _COUNTER.fullmatch(plain_name(name)) is not None


def says_anomaly(name: str) -> bool:
    """Whether the name says what the values mean, as is_anomaly does and label does not."""
    return _role_name(name) in _OF_ANOMALY


def is_inverted(name: str) -> bool:
    """Whether "yes" means normal, as in is_good."""
    return _role_name(name) in ("is_normal", "is_good", "is_ok", "is_inlier", "normal", "inlier", "quality")


def is_label(name: str) -> bool:
    """Whether a column of that name holds labels."""
    return _role_name(name) in _NAMES["label"]


def is_picture(name: str) -> bool:
    """Whether a column of that name holds pictures, of which arrays of numbers are none."""
    return plain_name(name) in _PICTURES


def named(role: str, names: Sequence[str]) -> list[str]:
    """The columns that may play a role, by their names, the likeliest first."""
    plain: dict[str, str] = {}
    for name in (*(n for n in names if _role_name(n) == plain_name(n)), *names):
        plain.setdefault(_role_name(name), name)
    return [plain[name] for name in _NAMES[role] if name in plain and is_role(plain[name], names)]


def named_files(names: Sequence[str]) -> list[str]:
    """Columns whose names say that they hold file names or paths, in order of preference."""
    plain = {_role_name(name): name for name in reversed(names)}
    return [plain[name] for name in _FILES if name in plain]


def named_ids(names: Sequence[str]) -> list[str]:
    """Columns whose names end in id, such as ProductId, in the file's order."""
    return [name for name in names if _ID.fullmatch(plain_name(name)) and plain_name(name) not in _IDS]


def named_samples(names: Sequence[str]) -> list[str]:
    """Columns whose names say that they name the rows, such as sample, in the file's order."""
    return [name for name in names if plain_name(name) in _SAMPLES]


def kept_as_text(names: Sequence[str], wanted: Corrections) -> frozenset[str]:
    """Columns of a text table whose cells must stay as they are: "007" is another id than "7"."""
    asked = {wanted.of(role) for role in ("id", "label", "split")}
    roles = {name for role in ("id", "label", "split") for name in named(role, names)}
    exported = {"mark", "note"} if {"mark", "note"} <= set(names) else set()  # as kdeviz writes them
    features = {name for name in roles if plain_name(name) in _ALSO_FEATURES}
    return frozenset(name for name in names if name in (roles - features) | asked | exported)
