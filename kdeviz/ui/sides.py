"""What can be compared: the screen, kept runs, rows of the sweep, model files."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from kdeviz import errors
from kdeviz.analysis import OnProgress, analyse
from kdeviz.classifier import KDEClassifier
from kdeviz.comparison import Scored, scored_analysis, scored_model
from kdeviz.errors import ModelFileError
from kdeviz.runs import Run
from kdeviz.settings import Settings, name_of
from kdeviz.ui.kept_runs import known_runs, when
from kdeviz.ui.state import Screen, Session

__all__ = ["Side", "add_model_file", "sides"]

Cancelled = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class Side:
    """One of two models to compare.

    Attributes:
        name: as the choice shows it, and unlike any other.
        identity: equal for sides that give the same scores.
        score: gives the scores; it may take long.
        settings: of the model; None if they are not known yet.
    """

    name: str
    identity: tuple[object, ...]
    score: Callable[[OnProgress, Cancelled], Scored]
    settings: Settings | None = None


def sides(current: Session, screen: Screen) -> dict[str, Side]:
    """All that there are, by a key that stays while the thing is there."""
    found = {"screen": _shown(screen)}
    for run in known_runs(current):
        if isinstance(run, Run):
            found[f"run {run.id}"] = Side(
                f"{run.name} · kept {when(run)}",
                ("run", run.id, run.name),
                partial(_kept, run),
                run.record.settings,
            )
    swept = current.swept
    if swept is not None and swept.token == screen.key[0]:
        for row in swept.rows:
            if row.error is None:
                name = f"Sweep: {name_of(row.settings)}"
                found[f"row {row.settings}"] = _swept(name, row.settings, screen)
    for digest, (name, content) in current.model_files.items():
        found[f"file {digest}"] = Side(
            f"Model file: {name}", ("file", digest, screen.key[0]), partial(_loaded, name, content, screen)
        )
    names = Counter(side.name for side in found.values())
    # streamlit knows an option by what it shows; keys end in random digits.
    return {
        key: side if names[side.name] == 1 else replace(side, name=f"{side.name} · {key[-8:]}")
        for key, side in found.items()
    }


def add_model_file(current: Session, name: str, content: bytes) -> None:
    """Offer a model file for comparison.

    Raises:
        ModelFileError: it is none.
    """
    _model(name, content)
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    current.model_files[digest] = name, content


def _shown(screen: Screen) -> Side:
    def score(report: OnProgress, cancelled: Cancelled) -> Scored:
        return scored_analysis(
            screen.analysis, screen.threshold, screen.curve, screen.rule, fixes=screen.data.fixes
        )

    identity = ("screen", screen.analysis, screen.rule, screen.threshold, screen.curve)
    return Side(f"On the screen: {name_of(screen.analysis.settings)}", identity, score)


def _swept(name: str, settings: Settings, screen: Screen) -> Side:
    def score(report: OnProgress, cancelled: Cancelled) -> Scored:
        shown = screen.analysis
        inspected = None if shown.inspects_training else shown.inspected
        fitted = analyse(shown.train, inspected, settings, screen.key[2], report, cancelled)
        threshold = screen.rule.threshold(
            fitted.train_scores, fitted.scores, fitted.inspected.labels, screen.curve
        )
        return scored_analysis(fitted, threshold, screen.curve, screen.rule, fixes=screen.data.fixes)

    return Side(name, ("row", settings, screen.analysis, screen.rule, screen.curve), score, settings)


def _kept(run: Run, report: OnProgress, cancelled: Cancelled) -> Scored:
    return run.scored()


def _loaded(name: str, content: bytes, screen: Screen, report: OnProgress, cancelled: Cancelled) -> Scored:
    def on_block(done: int, total: int) -> None:
        if cancelled():
            raise errors.Cancelled(f"cancelled while scoring with {name}")
        report(f"Scoring with {name}", done / max(total, 1))

    return scored_model(_model(name, content), screen.analysis.inspected, name, on_block)


def _model(name: str, content: bytes) -> KDEClassifier:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        path.write_bytes(content)
        try:
            return KDEClassifier.load(path)
        except ModelFileError as error:
            raise ModelFileError(str(error).replace(str(path), name)) from None
