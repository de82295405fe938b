"""What is done with one file, wherever an engine does it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from kdeviz.batch.files import Job, is_finished
from kdeviz.batch.scoring import FileScores, OnRows, score_file
from kdeviz.data import GUESS, Corrections, version_of
from kdeviz.errors import Cancelled, KdevizError
from kdeviz.model import KDEClassifier


class Outcome(NamedTuple):
    """What became of a job.

    Attributes:
        job: which one.
        scores: None where there are no new ones.
        error: why the file could not be scored; empty where it could, or where it was finished before.
    """

    job: Job
    scores: FileScores | None
    error: str = ""


@dataclass(frozen=True)
class Work:
    """Score one file, unless its scores are there already; a file that cannot be scored is an outcome, too.

    Attributes:
        model: the path of a model file that every worker can read.
        device: where each worker computes.
        said: how the columns of all files are read.
        again: score finished files once more.
    """

    model: str
    device: str = "auto"
    said: Corrections = GUESS
    again: bool = False

    def __call__(self, job: Job, on_rows: OnRows | None = None) -> Outcome:
        """Do the job."""
        model = _read(self.model, self.device, version_of(Path(self.model)))
        if not self.again and is_finished(job, model, self.said):
            return Outcome(job, None)
        try:
            if isinstance(job.out, Path):
                job.out.parent.mkdir(parents=True, exist_ok=True)
            return Outcome(job, score_file(model, job.path, job.out, said=self.said, on_rows=on_rows))
        except Cancelled:
            raise
        except (KdevizError, OSError) as error:
            return Outcome(job, None, str(error))


@lru_cache(maxsize=1)
def _read(path: str, device: str, version: str | int) -> KDEClassifier:
    """Once in each worker, as long as the file is the same."""
    return KDEClassifier.load(path, device)
