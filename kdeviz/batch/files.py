"""Which files are scored, where their scores go, and which of them are there already."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from kdeviz.batch.scoring import KEY, scores_about
from kdeviz.data import Corrections, format_of
from kdeviz.errors import DataError
from kdeviz.model import KDEClassifier

_SUFFIX = ".scores.parquet"


class Job(NamedTuple):
    """One file to score.

    Attributes:
        path: the file.
        out: where its scores go.
    """

    path: Path
    out: Path


def jobs_of(data: Iterable[str | Path], folder: Path) -> list[Job]:
    """Every file that is meant, in name order, with a place of its own below a folder.

    A folder stands for the files in it, and in the folders in it, that can be read; their scores keep the
    place they have below it. A pattern stands for the files that match.

    Args:
        data: files, folders and patterns such as "part-*.parquet".
        folder: where the scores go.

    Raises:
        DataError: something is not there, no file can be read, or two would have the same place.
    """
    jobs: dict[Path, Job] = {}
    for text in map(str, data):
        for path, name in _files(text):
            out = folder / name.with_name(name.name + _SUFFIX)
            jobs.setdefault(path.resolve(), Job(path, out))
    by_place: dict[Path, Path] = {}
    for job in jobs.values():
        other = by_place.setdefault(job.out, job.path)
        if other != job.path:
            raise DataError(f"{other} and {job.path} have the same name: score them into two folders")
    return sorted(jobs.values(), key=lambda job: str(job.path))


def is_finished(job: Job, model: KDEClassifier, said: Corrections) -> bool:
    """Whether its scores are there, whole, of this model and of the file as it is."""
    try:
        metadata = pq.read_schema(job.out).metadata or {}
        about: Any = json.loads(metadata.get(KEY, b"null"))
        later = job.out.stat().st_mtime_ns >= job.path.stat().st_mtime_ns
        return bool(about == json.loads(json.dumps(scores_about(model, job.path, said))) and later)
    except (OSError, ValueError, pa.ArrowException, RecursionError):
        return False


def _files(text: str) -> Iterator[tuple[Path, Path]]:
    """The files that one argument stands for, and their places below what it names."""
    path = Path(text)
    if path.is_dir():
        yield from _in_folder(path)
    elif path.exists():
        yield path, Path(path.name)
    else:
        for match in _matches(path):
            yield from _in_folder(match) if match.is_dir() else [(match, Path(match.name))]


def _matches(pattern: Path) -> list[Path]:
    if not any(sign in str(pattern) for sign in "*?["):
        raise DataError(f"{pattern}: there is no such file")
    found = sorted(Path(pattern.anchor or ".").glob(str(pattern.relative_to(pattern.anchor))))
    if not found:
        raise DataError(f"{pattern}: no file matches")
    return found


def _in_folder(folder: Path) -> list[tuple[Path, Path]]:
    inside = [(path, path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file()]
    found = [
        (path, name)
        for path, name in inside
        if format_of(path.name) is not None
        and not any(step.startswith((".", "_")) for step in name.parts)
        and not path.name.endswith(_SUFFIX)
    ]
    if not found:
        raise DataError(f"{folder}: the folder holds no file that can be read")
    return found
