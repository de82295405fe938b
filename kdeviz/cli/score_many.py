"""`kdeviz score` into a folder: one file of scores for each file of data, however many and large."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import typer

from kdeviz.cli.output import print_facts, say
from kdeviz.data import Corrections, RemoteFile
from kdeviz.errors import OptionError

if TYPE_CHECKING:
    from kdeviz.batch import OnRows, Outcome

SOME_FAILED = 1
_MANY = 100_000  # fewer rows are scored in the time that it takes to start


def is_folder(output: Path) -> bool:
    """Whether scores go into a folder: one that is there, or a name without a suffix."""
    return output.is_dir() or not output.suffix


def score_many(
    model: Path,
    data: Sequence[str],
    output: Path,
    device: str,
    said: Corrections,
    again: bool,
    engine: str,
    workers: int | None,
    address: str | None,
) -> None:
    """Score every file of `data` into `output`, and leave with status 1 where one could not be scored."""
    from kdeviz.batch import ENGINES, Plan, Work, jobs_of
    from kdeviz.data import shown
    from kdeviz.model import KDEClassifier

    if output.parts and output.parts[0].endswith(":") and len(output.parts[0]) > 2:
        raise OptionError(
            f"{shown(output.as_posix())}: scores go into a folder of this machine; name one with -o"
        )
    if engine not in ENGINES:
        raise OptionError(f"--engine {engine}: choose {', '.join(ENGINES)}")
    jobs = jobs_of(data, output)
    KDEClassifier.load(model, device)  # a model that cannot be read is told once, not for every file
    work = Work(str(model.resolve()), device, said, again)
    tally, began = _Tally(len(jobs)), perf_counter()
    with _progress(tally) as on_rows:
        for outcome in ENGINES[engine](work, jobs, Plan(workers, address, on_rows)):
            tally.add(outcome)
    print_facts(tally.facts(perf_counter() - began) | {"scores": str(output)})
    if tally.failed:
        raise typer.Exit(SOME_FAILED)


class _Tally:
    """What became of all files so far; what went wrong is told at once."""

    def __init__(self, files: int) -> None:
        self.files, self.done, self.skipped, self.failed, self.rows, self.flagged = files, 0, 0, 0, 0, 0
        self.said: set[str] = set()

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        self.done += 1
        if outcome.error:
            self.failed += 1
            named = outcome.error.startswith(outcome.job.path.name)
            say("error", outcome.error if named else f"{outcome.job.path}: {outcome.error}")
        elif outcome.scores is None:
            self.skipped += 1
        else:
            self.rows += outcome.scores.rows
            self.flagged += outcome.scores.flagged
            self._tell(outcome.job.path, outcome.scores.notes)

    def _tell(self, path: Path | RemoteFile, notes: Sequence[str]) -> None:
        """What was not said of another file."""
        for note in notes:
            said = note.removeprefix(f"{path.stem}: ")
            if said not in self.said:
                self.said.add(said)
                say("note", f"{path}: {said}")

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
        if self.rows >= _MANY:
            facts["rate"] = f"{self.rows / seconds:,.0f} rows a second".replace(",", " ")
        return facts


@contextmanager
def _progress(tally: _Tally) -> Iterator[OnRows]:
    """A bar on stderr, when a person looks at it: files, rows a second, time left."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console, began = Console(stderr=True), perf_counter()
    columns: list[Any] = [TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Scoring", total=tally.files)

        def on_rows(rows: int, share: float) -> None:
            rate = (tally.rows + rows) / max(perf_counter() - began, 1e-9)
            words = f"file {tally.done + 1} of {tally.files} · {rate:,.0f} rows/s".replace(",", " ")
            bar.update(task, description=words, completed=tally.done + share)

        yield on_rows
