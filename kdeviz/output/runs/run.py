"""One kept run, read from its folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from kdeviz.analysis import opened_analysis
from kdeviz.comparison import Scored
from kdeviz.data import MAX_BYTES, EmbeddingSet, MarkBook, read_marks, sample_keys
from kdeviz.decision import LABEL_WORDS, Decision
from kdeviz.errors import DataError
from kdeviz.model import KDEClassifier
from kdeviz.output.runs.record import MOST_BYTES, RunRecord, StoredFile, parsed
from kdeviz.wording import one_line

MODEL, SCORES, MARKS, RECORD = "model.safetensors", "scores.parquet", "marks.json", "run.json"
# Held-out scores; the leave-one-out scores of a model of an older kdeviz, which holds none itself.
TRAIN_SCORES = "train_scores.safetensors"
FILES = (MODEL, SCORES, TRAIN_SCORES, MARKS, RECORD)
"""All files that a run can have."""
_LABELS = {word: label for label, word in LABEL_WORDS.items()}


@dataclass(frozen=True, eq=False)
class Run:
    """A kept run. Its files are read when they are asked for; `id` is the name of its folder."""

    id: str
    folder: Path
    record: RunRecord

    @property
    def name(self) -> str:
        """For people."""
        return self.record.name

    @property
    def owner(self) -> str:
        """Who kept it; "" for nobody in particular."""
        return self.record.owner

    @property
    def kept_words(self) -> str:
        """The day and time of keeping, in the time zone of this machine."""
        return self.record.kept.astimezone().strftime("%Y-%m-%d %H:%M")

    @property
    def bytes(self) -> int:
        """Of all files together, without run.json."""
        return sum(file.bytes for file in self.record.files.values())

    def model(self, device: str = "cpu") -> KDEClassifier:
        """The fitted model, with threshold and curve; bit-equal on the device it was fitted on.

        Raises:
            DataError: the file is damaged.
            OptionError: there is no such device.
        """
        return KDEClassifier.load(self.path(MODEL), device)

    def scored(self, device: str = "cpu") -> Scored:
        """Samples, scores and verdicts as they were kept.

        Raises:
            DataError: a file is damaged.
        """
        record, table = self.record, _score_table(self.path(SCORES), self.record.has_labels)
        ids = _texts(table["id"])
        inspected = EmbeddingSet(np.empty((len(ids), 0)), ids, _labels(table) if record.has_labels else None)
        analysis = opened_analysis(
            self.model(device),
            None,
            inspected,
            table["log_density"].to_numpy(),
            _held_out_scores(self.path(TRAIN_SCORES)),
            warnings=record.warnings,
            timings=dict(record.timings),
            provenance=dict(record.provenance),
        )
        decision = Decision(analysis, record.rule, record.curve, record.threshold)
        return Scored(record.name, decision, record.inspected_digest, record.fixes)

    def marks(self) -> MarkBook:
        """The marks that the inspected samples had; changing them here leaves the kept ones alone.

        Raises:
            DataError: a file is damaged.
        """
        book = MarkBook()
        if MARKS in self.record.files:
            kept = read_marks(self.path(MARKS))
            keys = sample_keys(_texts(_score_table(self.path(SCORES), self.record.has_labels)["id"]))
            book.set_all({key: kept[key] for key in keys if key in kept})
        return book

    def check(self) -> None:
        """Read every byte, as `path` does."""
        for name in self.record.files:
            self.path(name)

    def path(self, name: str) -> Path:
        """Where a file of this run is, after every byte of it was checked.

        Raises:
            DataError: the file is not the one that was kept.
        """
        path = self.folder / name
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, _blake2b).hexdigest()
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}): keep the run again") from None
        if digest != self.record.files[name].digest:
            raise DataError(f"{path}: damaged, its content is not what was kept: keep the run again")
        return path


def read_run(folder: Path) -> Run:
    """Read run.json of a folder, and see that the other files are there in the right size.

    Raises:
        DataError: it is no run, or a damaged one.
    """
    try:
        if folder.is_symlink():
            raise ValueError("a link to another place")
        record = parsed(_record_content(folder / RECORD))
        if not {MODEL, SCORES, TRAIN_SCORES} <= set(record.files) <= {*FILES} - {RECORD}:
            raise ValueError(f"{RECORD} names the files {sorted(record.files)}")
        for name, file in record.files.items():
            size = _plain_size(folder / name)
            if size != file.bytes:
                raise ValueError(f"{name} has {size} bytes instead of {file.bytes}")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{folder}: not a run that can be opened ({one_line(reason)})") from None
    return Run(folder.name, folder, record)


def digest_of(content: bytes) -> StoredFile:
    """What run.json says about a file of this content."""
    return StoredFile(len(content), _blake2b(content).hexdigest())


def _blake2b(content: bytes = b"") -> Any:
    return hashlib.blake2b(content, digest_size=16)


def _record_content(path: Path) -> bytes:
    size = _plain_size(path)
    if size > MOST_BYTES:
        raise ValueError(f"{path.name} has {size} bytes, more than {MOST_BYTES}")
    return path.read_bytes()


def _plain_size(path: Path) -> int:
    """Of a file; a link, which could lead anywhere, or a pipe, which never ends, is not one."""
    if path.is_symlink() or not path.is_file():
        raise ValueError(f"{path.name} is {'not a plain file' if path.exists() else 'missing'}")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"{path.name} has {size} bytes, more than {MAX_BYTES}")
    return size


def _score_table(path: Path, with_labels: bool) -> pa.Table:
    texts = ["id", "label"] if with_labels else ["id"]
    names = [*texts, "log_density", "flagged"]
    kinds = {"log_density": pa.types.is_floating, "flagged": pa.types.is_boolean}
    try:
        # Texts as dictionaries: one long text may stand in every row.
        file = pq.ParquetFile(path, read_dictionary=texts)
        groups = map(file.metadata.row_group, range(file.metadata.num_row_groups))
        size = max(sum(group.total_byte_size for group in groups), 16 * file.metadata.num_rows)
        if size > MAX_BYTES:
            raise ValueError(f"its rows would take {size} bytes, more than {MAX_BYTES}")
        table = file.read(names)
        table.validate(full=True)  # of dictionaries, whose numbers may lead out of them
        for name in names:
            kind = table.schema.field(name).type
            if not kinds.get(name, pa.types.is_dictionary)(kind) or table[name].null_count:
                raise ValueError(f"its column {name} is of type {kind}, or not filled")
        if pc.any(pc.is_nan(table["log_density"])).as_py():
            raise ValueError("a score is not a number")
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise DataError(
            f"{path}: the scores cannot be read ({one_line(error)}): keep the run again"
        ) from None
    return table


def held_out_bytes(scores: NDArray[Any]) -> bytes:
    """What TRAIN_SCORES holds."""
    content: bytes = save({"train_scores": scores})
    return content


def _held_out_scores(path: Path) -> NDArray[Any]:
    try:
        scores: NDArray[Any] = load(path.read_bytes())["train_scores"]
    except (OSError, KeyError, SafetensorError) as error:
        raise DataError(f"{path}: cannot be read ({one_line(error)}): keep the run again") from None
    if scores.ndim != 1 or scores.dtype.kind != "f" or np.isnan(scores).any():
        raise DataError(f"{path}: these are no scores: keep the run again")
    return scores


def _texts(column: pa.ChunkedArray) -> NDArray[np.str_]:
    """Of dictionaries, which tell the longest text before any is repeated."""
    lengths = (pc.max(pc.utf8_length(chunk.dictionary)).as_py() for chunk in column.chunks)
    longest = max((length or 0 for length in lengths), default=0)
    if 4 * longest * len(column) > MAX_BYTES:
        raise DataError(f"{len(column)} ids of up to {longest} characters take more than {MAX_BYTES} bytes")
    return np.array(column.to_pylist(), np.str_)


def _labels(table: pa.Table) -> NDArray[np.int8]:
    words = table["label"].to_pylist()
    unknown = set(words) - set(_LABELS)
    if unknown:
        raise DataError(f"the labels {one_line(sorted(unknown))} are not known: keep the run again")
    return np.array([_LABELS[word] for word in words], np.int8)
