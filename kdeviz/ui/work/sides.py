"""What can be compared: the screen, kept runs, rows of the sweep, model files."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import cachetools

from kdeviz.analysis import OnProgress, Watch, analyse
from kdeviz.comparison import Scored, scored_decision, scored_model
from kdeviz.data import EmbeddingSet
from kdeviz.decision import decide, has_both_labels
from kdeviz.errors import DataError, ModelFileError
from kdeviz.model import KDEClassifier
from kdeviz.output import Run
from kdeviz.settings import Settings, name_of
from kdeviz.sweep import METRICS, SweepRow, best, estimate_of, sorted_rows
from kdeviz.ui.panels.kept_runs import known_runs
from kdeviz.ui.state import Screen, Session
from kdeviz.ui.work.sweep_run import SweepRun

Cancelled = Callable[[], bool]

_MOST_FILES = 4


@dataclass(frozen=True, eq=False)
class Side:
    """One of two models to compare.

    Attributes:
        name: as the choice shows it, and unlike any other.
        identity: equal for sides that give the same scores.
        score: gives the scores; it may take long.
        settings: of the model; None if they are not known yet.
        same_data: whether it is about the samples on the screen.
    """

    name: str
    identity: tuple[object, ...]
    score: Callable[[OnProgress, Cancelled], Scored]
    settings: Settings | None = None
    same_data: bool = True


@dataclass(eq=False)
class ModelFiles:
    """Uploaded model files, names and contents, by what stands for the content."""

    files: cachetools.FIFOCache[str, tuple[str, bytes]] = field(
        default_factory=lambda: cachetools.FIFOCache(_MOST_FILES)
    )


def sides(current: Session, screen: Screen) -> dict[str, Side]:
    """All that there are, by a key that stays while the thing is there."""
    known = {"screen": _shown(screen)}
    known |= {f"run {run.id}": _kept_side(run, screen) for run in known_runs() if isinstance(run, Run)}
    for swept in sorted(current.sweeps, key=lambda run: run is not current.swept):
        if swept.token == screen.key[0]:
            for words, row in _best_first(swept):
                known.setdefault(f"row {row.settings}", _swept(words, row.settings, screen))
    for digest, (name, content) in current.own(ModelFiles).files.items():
        known[f"file {digest}"] = Side(
            f"Model file: {name}",
            ("file", digest, screen.analysis.inspected),
            partial(_loaded, name, content, screen),
        )
    names = Counter(side.name for side in known.values())
    # streamlit knows an option by what it shows; keys end in random digits.
    return {
        key: side if names[side.name] == 1 else replace(side, name=f"{side.name} · {key[-8:]}")
        for key, side in known.items()
    }


def _best_first(swept: SweepRun) -> Iterator[tuple[str, SweepRow]]:
    """The rows that could be fitted, with what to call them."""
    finished, metric = swept.finished, "auroc" if has_both_labels(swept.inspected.labels) else "log_density"
    choice = best(finished, metric) if any(row.error is None for row in finished.rows) else None
    for row in sorted_rows(finished, metric, choice):
        value = estimate_of(row, metric)
        if value is not None:
            said = f"{METRICS[metric].words} {METRICS[metric].written(value.value)}"
            yield f"Sweep: {name_of(row.settings)} · {said}", row


def add_model_file(current: Session, name: str, content: bytes, inspected: EmbeddingSet) -> str:
    """Offer a model file for comparison; returns its key in `sides`.

    Raises:
        DataError: it is none, or it cannot score these samples.
    """
    expected, given = len(_model(name, content).pca_model.mean), inspected.features.shape[1]
    if expected != given:
        raise DataError(f"{name} was fitted on {expected} dimensions, these samples have {given}")
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    current.own(ModelFiles).files[digest] = name, content
    return f"file {digest}"


def _shown(screen: Screen) -> Side:
    identity = ("screen", screen.analysis, screen.rule, screen.decision.threshold, screen.decision.curve)
    name = f"On the screen: {name_of(screen.analysis.settings)}"
    return Side(name, identity, lambda *_: scored_decision(screen.decision, fixes=screen.data.fixes))


def _kept_side(run: Run, screen: Screen) -> Side:
    same = run.record.inspected_digest == screen.analysis.inspected.digest
    name = f"{run.name} · kept {run.kept_words}{'' if same else ' · other data'}"
    return Side(name, ("run", run.id, run.name), partial(_kept, run), run.record.settings, same)


def _swept(name: str, settings: Settings, screen: Screen) -> Side:
    def score(report: OnProgress, cancelled: Cancelled) -> Scored:
        shown = screen.analysis
        fitted = analyse(shown.train, shown.scored, settings, screen.key[2], report, cancelled)
        return scored_decision(decide(fitted, screen.rule, screen.decision.curve), fixes=screen.data.fixes)

    return Side(name, ("row", settings, screen.analysis, screen.rule, screen.decision.curve), score, settings)


def _kept(run: Run, report: OnProgress, cancelled: Cancelled) -> Scored:
    return run.scored()


def _loaded(name: str, content: bytes, screen: Screen, report: OnProgress, cancelled: Cancelled) -> Scored:
    with Watch(report, cancelled).stage("Scoring with the model file") as on_block:
        return scored_model(_model(name, content), screen.analysis.inspected, name, on_block)


def _model(name: str, content: bytes) -> KDEClassifier:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        path.write_bytes(content)
        try:
            return KDEClassifier.load(path)
        except ModelFileError as error:
            raise ModelFileError(str(error).replace(str(path), name)) from None
