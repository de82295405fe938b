"""`kdeviz score` into a folder: one file of scores for each file of data, however many and large."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from time import perf_counter
from typing import Any

import typer

import kdeviz.batch
import kdeviz.output
from kdeviz.cli.output import is_terminal, print_facts, say
from kdeviz.data import Corrections, RemoteFile, RemotePlace, is_remote, shown
from kdeviz.errors import OptionError

SOME_FAILED = 1
_MANY = 100_000  # fewer rows are scored in the time that it takes to start


def is_folder(output: str) -> bool:
    """Whether scores go into a folder: one that is there, a name without a suffix or with "/", an address."""
    if output == "-":  # for many programs the standard output, and for none a folder
        return False
    is_named_so = output.endswith(("/", os.sep)) or not Path(output).suffix
    return is_remote(output) or Path(output).is_dir() or is_named_so


def score_many(
    model: Path,
    data: Sequence[str],
    output: str,
    device: str,
    said: Corrections,
    again: bool,
    engine: str,
    workers: int | None,
    address: str | None,
) -> None:
    """Score every file of `data` into `output`, and leave with status 1 where one could not be scored."""
    engines = kdeviz.batch.ENGINES
    if engine not in engines:
        raise OptionError(f"--engine {engine}: choose {', '.join(engines)}")
    jobs = kdeviz.batch.jobs_of(data, _place(output))
    # A model that cannot be read, and a folder that cannot be written, are told once, not for every file.
    kdeviz.KDEClassifier.load(model, device)
    if not is_remote(output):
        _check_folder(Path(output))
    work = kdeviz.batch.Work(str(model.resolve()), device, said, again)
    tally, began = _Tally(len(jobs)), perf_counter()
    with _progress(tally) as on_rows:
        for outcome in engines[engine](work, jobs, kdeviz.batch.Plan(workers, address, on_rows)):
            tally.add(outcome)
    print_facts(tally.facts(perf_counter() - began) | {"scores": shown(output)})
    if tally.failed:
        raise typer.Exit(SOME_FAILED)


def _without_name(said: str, path: Path | RemoteFile) -> str:
    """Without the name at its beginning: the whole path is said instead."""
    return said.removeprefix(f"{path.name}: ").removeprefix(f"{path.stem}: ")


def _place(output: str) -> Path | RemotePlace:
    if not is_remote(output):
        return Path(output)
    if not output.endswith("/") and PurePath(shown(output)).suffix.lower() in kdeviz.output.TABLE_WRITERS:
        raise OptionError(f"{shown(output)}: on another machine scores go into a folder; name one with -o")
    return RemotePlace.at(output)


def _check_folder(folder: Path) -> None:
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        what = "is no folder" if folder.is_file() else f"cannot be written ({error.strerror})"
        raise OptionError(f"{folder} {what}: choose another one for the scores") from None


class _Tally:
    """What became of all files so far; what went wrong is told at once."""

    def __init__(self, files: int) -> None:
        self.files, self.done, self.skipped, self.failed, self.rows, self.flagged = files, 0, 0, 0, 0, 0
        self.unlike = 0
        self.said: set[str] = set()

    def add(self, outcome: kdeviz.batch.Outcome) -> None:
        """Count one."""
        self.done += 1
        if outcome.error:
            self.failed += 1
            path = outcome.job.path
            say("error", f"{path}: {_without_name(outcome.error, path)}")
        elif outcome.scores is None:
            self.skipped += 1
        else:
            self.rows += outcome.scores.rows
            self.flagged += outcome.scores.flagged
            self._tell(outcome.job.path, outcome.scores)

    def _tell(self, path: Path | RemoteFile, scores: kdeviz.batch.FileScores) -> None:
        """What was not said of another file, and by how much each looks unlike the training data."""
        for note in scores.notes:
            said = _without_name(note, path)
            if said not in self.said:
                self.said.add(said)
                say("note", f"{path}: {said}")
        if scores.drift is not None and scores.drift.found:
            self.unlike += 1
            say("warning", f"{path}: {scores.drift.in_words}")

    def facts(self, seconds: float) -> dict[str, str]:
        """In words."""
        scored = self.done - self.failed - self.skipped
        facts = {"files scored": f"{scored} of {self.files}"}
        if self.skipped:
            facts["finished before"] = str(self.skipped)
        if self.failed:
            facts["not scored"] = str(self.failed)
        facts["rows scored"] = str(self.rows)
        facts["flagged"] = str(self.flagged)
        if self.unlike:
            facts["unlike the training data"] = f"{self.unlike} of {scored} files"
        if self.rows >= _MANY:
            facts["rate"] = f"{self.rows / seconds:,.0f} rows a second".replace(",", " ")
        return facts


@contextmanager
def _progress(tally: _Tally) -> Iterator[kdeviz.batch.OnRows]:
    """A bar on stderr, when a person looks at it: files, rows a second, time left."""
    if not is_terminal(sys.stderr):
        yield lambda rows, share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console, began = Console(stderr=True), perf_counter()
    columns: list[Any] = [TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Scoring", total=tally.files)

        def on_rows(rows: int, share: float) -> None:
            rate = (tally.rows + rows) / max(perf_counter() - began, 1e-9)
            words = f"file {tally.done + 1} of {tally.files} · {rate:,.0f} rows/s".replace(",", " ")
            bar.update(task, description=words, completed=tally.done + share)

        yield on_rows
