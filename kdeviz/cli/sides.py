"""What a command compares or tells of: a kept run, or a model file with rows to score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import kdeviz.output
from kdeviz.cli.output import say
from kdeviz.errors import OptionError

if TYPE_CHECKING:
    from kdeviz.comparison import Scored
    from kdeviz.data import EmbeddingSet


def run_of(side: str, runs: Path | None) -> kdeviz.output.Run | None:
    """The run that is meant, by its folder, name or id; None for a file.

    Raises:
        OptionError: there is no such file and no such run.
        DataError: the run is damaged.
    """
    path = Path(side)
    if path.is_dir():
        return kdeviz.output.read_run(path.resolve())
    if path.is_file():
        return None
    store = kdeviz.output.RunStore(runs)
    return store.open(store.match(side))


def scored_side(side: str, rows: EmbeddingSet | None, runs: Path | None, device: str) -> Scored:
    """The samples of a run as they were kept, or `rows` as a model file scores them."""
    run = run_of(side, runs)
    if run is not None:
        return run.scored(device)
    if rows is None:
        raise OptionError(f"{side} is a model file, which brings no scores: name the DATA to score as well")
    return scored_file(Path(side), rows, device)


def scored_file(path: Path, rows: EmbeddingSet, device: str) -> Scored:
    """Rows as a model file scores them; what a person should know of that goes to stderr."""
    from kdeviz.comparison import scored_model

    scored = scored_model(kdeviz.KDEClassifier.load(path, device), rows, str(path))
    for note in scored.decision.analysis.warnings:
        say("note", f"{path}: {note}")
    if scored.decision.without_threshold:
        say("warning", f"{path} {scored.decision.without_threshold}")
    return scored
