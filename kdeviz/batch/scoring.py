"""Scores of one file or of record batches, in memory that does not grow with them. No engine is needed."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, Drift, DriftInParts, PartAnalyses
from kdeviz.atomic import written_whole
from kdeviz.batch.ahead import abreast, ahead, behind
from kdeviz.data import (
    GUESS,
    Batches,
    Corrections,
    NoRowsError,
    Piece,
    RemoteFile,
    RemotePlace,
    pieces_of_batches,
    read_pieces,
    rows_to_judge,
    size_of,
    version_of,
)
from kdeviz.decision import Decision, stored_decision
from kdeviz.model import KDEClassifier, is_out_of_memory

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("log_density", pa.float64(), nullable=False),
        pa.field("p_value", pa.float64()),
        pa.field("probability", pa.float64(), nullable=False),
        pa.field("flagged", pa.bool_(), nullable=False),
    ]
)
"""Columns of the scores; `p_value` is null where the model holds no held-out scores."""
KEY = b"kdeviz"
"""Under this key the metadata of a scores file say, as JSON, of which model and file they are."""

# While one piece is checked, recognised and projected in one thread, all cores sum another one's kernels.
_CPU_PIECES = 2

# All other values are different: a dictionary of them takes time and room.
_REPEATED = ["p_value"]

OnRows = Callable[[int, float], None]
"""Called with (rows scored so far, share of the file); what it raises ends the work."""


class FileScores(NamedTuple):
    """What became of one file."""

    rows: int
    flagged: int
    seconds: float
    notes: tuple[str, ...]
    drift: Drift | None = None
    """Whether the rows look like the training rows; None where there is nothing to tell, see `drift`."""


def score_batches(
    model: KDEClassifier | str | Path,
    batches: Batches,
    *,
    device: str = "auto",
    **columns: Any,
) -> Iterator[pa.RecordBatch]:
    """Scores of record batches, for engines that hand out such: one batch of `SCHEMA` for each.

    Rows of the fit are known by their content and have their held-out scores.

    Args:
        model: a fitted model, or the path of a model file.
        batches: batches of (rows, columns), or a table; which columns are the embedding and the id is
            decided on the first batch. Without ids, rows are numbered from the first row of the first batch.
        device: for a model that is loaded here.
        columns: `embedding_column`, `id_column` and `leave_out` as `load_embeddings` takes them.

    Raises:
        DataError: there is no usable embedding, wrong shape, NaN or infinity.
        ModelFileError: the model file cannot be read.
    """
    fitted = model if isinstance(model, KDEClassifier) else KDEClassifier.load(model, device)
    yield from map(Scorer(fitted).table, pieces_of_batches(batches, Corrections.from_arguments(**columns)))


def score_file(
    model: KDEClassifier | str | Path,
    path: str | Path | RemoteFile,
    out: str | Path | RemotePlace,
    *,
    device: str = "auto",
    said: Corrections = GUESS,
    on_rows: OnRows | None = None,
) -> FileScores:
    """Score every row of a file into a parquet file of `SCHEMA`, which appears when it is whole.

    Reading, scoring and writing overlap. See `read_pieces` for what is read in parts. Rows that the file
    labels anomalous, or gives the split train, are scored, and do not count where drift is looked for.

    Args:
        model: a fitted model, or the path of a model file.
        path: one file with embeddings; see `jobs_of` for those on other machines.
        out: where the scores go, perhaps on another machine.
        device: for a model that is loaded here.
        said: what is known of the columns instead of a guess.
        on_rows: called after each part.

    Raises:
        DataError: the file cannot be read, or holds NaN or infinity; or `out` on another machine cannot be
            written.
        ModelFileError: the model file cannot be read.
        OSError: `out` cannot be written.
    """
    began = perf_counter()
    fitted = model if isinstance(model, KDEClassifier) else KDEClassifier.load(model, device)
    scorer, rows, flagged = Scorer(fitted, with_drift=True), 0, 0
    about = scores_about(fitted, path if isinstance(path, RemoteFile) else Path(path), said)
    at_once = _CPU_PIECES if fitted.device.type == "cpu" else 1
    with (
        ahead(_pieces(path, said, scorer)) as pieces,
        abreast(lambda piece: (scorer.table(piece), piece.done), pieces, at_once) as tables,
        out.written() if isinstance(out, RemotePlace) else written_whole(out) as file,
        pq.ParquetWriter(
            file, SCHEMA.with_metadata({KEY: json.dumps(about)}), use_dictionary=_REPEATED
        ) as writer,
        behind(writer.write_batch) as write,
    ):
        for table, done in tables:
            write(table)
            rows, flagged = rows + len(table), flagged + int(np.sum(table.column("flagged").to_numpy(False)))
            if on_rows is not None:
                on_rows(rows, done)
    drift = scorer.drift(about["file"], said)
    return FileScores(rows, flagged, perf_counter() - began, scorer.notes, drift)


def scores_about(model: KDEClassifier, path: Path | RemoteFile, said: Corrections) -> dict[str, Any]:
    """What scores depend on: the model, the file as it is, and how it was read; ready for JSON."""
    digest = hashlib.blake2b(model.to_bytes(), digest_size=16).hexdigest()
    about = {"model": digest, "file": path.name, "bytes": size_of(path), "read": said.given}
    return about | {"version": version_of(path)}


def _pieces(path: str | Path | RemoteFile, said: Corrections, scorer: Scorer) -> Generator[Piece, None, None]:
    """Those of a file; none of one without rows, of which Spark and Dask write some."""
    try:
        yield from read_pieces(path, said, beside=True)
    except NoRowsError:
        scorer.say("there are no rows")


class Scorer:
    """A model at work on the parts of a file, several of them at once if need be.

    Args:
        model: a fitted model.
        with_drift: keep what `drift` needs of the rows.
    """

    def __init__(self, model: KDEClassifier, with_drift: bool = False) -> None:
        self._model = model
        self._analyses = PartAnalyses(model)
        self._drift = DriftInParts(self._analyses.of_nothing) if with_drift else None
        self._said: dict[int, tuple[str, ...]] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know, each said once, in the order of the rows."""
        return tuple(dict.fromkeys(note for _, notes in sorted(self._said.items()) for note in notes))

    def drift(self, name: str, said: Corrections) -> Drift | None:
        """Whether the rows so far, of a file of that name, look like the training rows."""
        return (
            None if self._drift is None else self._drift.found(lambda rows: rows_to_judge(rows, name, said))
        )

    def say(self, note: str) -> None:
        """Add a note about the whole file."""
        self._said[-1] = (note,)

    def table(self, piece: Piece) -> pa.RecordBatch:
        """The scores of some rows, in their order."""
        analysis, notes = self._analysis(piece)
        decision = stored_decision(analysis)
        if decision.without_threshold:
            notes = (*notes, f"the model {decision.without_threshold}")
        if notes:
            self._said[piece.start] = notes
        if self._drift is not None:
            self._drift.add(analysis, piece.start, partial(_beside, piece))
        return _table(decision)

    def _analysis(self, piece: Piece) -> tuple[Analysis, tuple[str, ...]]:
        """Of a piece, and what there is to say."""
        try:
            analysis = self._analyses.of(piece.data, piece.start)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        else:
            return analysis, analysis.warnings
        note = f"{self._model.device} ran out of memory: computed on the CPU"
        self._model = copy.deepcopy(self._model).cpu()  # the caller's stays where it is
        self._analyses = PartAnalyses(self._model)
        analysis = self._analyses.of(piece.data, piece.start)
        return analysis, (note, *analysis.warnings)


def _beside(piece: Piece, rows: NDArray[np.int64]) -> list[dict[str, Any]]:
    """What the file says of some rows of a piece, as far as it may be normal or anomalous, train or test."""
    if piece.beside is None or not piece.beside.num_columns:
        return [{}] * len(rows)
    found: list[dict[str, Any]] = piece.beside.take(pa.array(rows)).to_pylist()
    return found


def _table(decision: Decision) -> pa.RecordBatch:
    analysis = decision.analysis
    p_values, rows = decision.p_values, len(analysis.scores)
    columns = [
        pa.array(analysis.inspected.ids, pa.string()),
        pa.array(analysis.scores, pa.float64()),
        pa.nulls(rows, pa.float64()) if p_values is None else pa.array(p_values, pa.float64()),
        pa.array(decision.probabilities, pa.float64()),
        pa.array(decision.flagged, pa.bool_()),
    ]
    return pa.record_batch(columns, schema=SCHEMA)
