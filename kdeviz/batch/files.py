"""Which files are scored, where their scores go, and which of them are there already."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from kdeviz.batch.scoring import KEY, scores_about
from kdeviz.data import Corrections, RemoteFile, RemotePlace, format_of, is_remote, remote_files, shown
from kdeviz.errors import DataError
from kdeviz.model import KDEClassifier

_SUFFIX = ".scores.parquet"
_File = TypeVar("_File", Path, RemoteFile)


class Job(NamedTuple):
    """One file to score.

    Attributes:
        path: the file, here or on another machine.
        out: where its scores go, here or on another machine.
    """

    path: Path | RemoteFile
    out: Path | RemotePlace


def jobs_of(data: Iterable[str | Path], folder: Path | RemotePlace) -> list[Job]:
    """Every file that is meant, in name order, with a place of its own below a folder.

    A folder stands for the files in it, and in the folders in it, that can be read; their scores keep the
    place they have below it. A pattern stands for the files that match.

    Args:
        data: files, folders and patterns such as "part-*.parquet", also on other machines, such as
            s3://bucket/folder.
        folder: where the scores go.

    Raises:
        DataError: something is not there, no file can be read, or two would have the same place.
        OptionError: a package that an address needs is not installed.
    """
    jobs: dict[Path | RemoteFile, Job] = {}
    for text in map(str, data):
        for path, name in _files(text):
            out = folder / name.with_name(name.name + _SUFFIX)
            jobs.setdefault(path if isinstance(path, RemoteFile) else path.resolve(), Job(path, out))
    by_place: dict[Path | RemotePlace, Path | RemoteFile] = {}
    for job in jobs.values():
        other = by_place.setdefault(job.out, job.path)
        if other != job.path:
            raise DataError(f"{other} and {job.path} have the same name: score them into two folders")
    return sorted(jobs.values(), key=lambda job: str(job.path))


def is_finished(job: Job, model: KDEClassifier, said: Corrections) -> bool:
    """Whether its scores are there, whole, of this model and of the file as it is."""
    try:
        about: Any = json.loads((_schema(job.out).metadata or {}).get(KEY, b"null"))
        return bool(about == json.loads(json.dumps(scores_about(model, job.path, said))))
    except (DataError, OSError, ValueError, pa.ArrowException, RecursionError):
        return False


def _schema(out: Path | RemotePlace) -> pa.Schema:
    if isinstance(out, Path):
        return pq.read_schema(out)
    with out.reading() as file:
        return pq.read_schema(file)


def _files(text: str) -> Iterable[tuple[Path | RemoteFile, PurePath]]:
    """The files that one argument stands for, and their places below what it names."""
    path = Path(text)
    if is_remote(text):
        found = remote_files(text)
        return found if len(found) == 1 else _readable(found, shown(text))
    return [
        file
        for match in ([path] if path.exists() else _matches(path))
        for file in (_in_folder(match) if match.is_dir() else [(match, Path(match.name))])
    ]


def _matches(pattern: Path) -> list[Path]:
    if not any(sign in str(pattern) for sign in "*?["):
        raise DataError(f"{pattern}: there is no such file")
    found = sorted(Path(pattern.anchor or ".").glob(str(pattern.relative_to(pattern.anchor))))
    found = [path for path in found if not path.name.endswith(_SUFFIX)]  # our own, beside what was scored
    if not found:
        raise DataError(f"{pattern}: no file matches")
    return found


def _in_folder(folder: Path) -> list[tuple[Path, PurePath]]:
    inside = [(path, path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file()]
    return _readable(inside, str(folder))


def _readable(inside: Sequence[tuple[_File, PurePath]], folder: str) -> list[tuple[_File, PurePath]]:
    """The files of a folder, or of a pattern, that are data."""
    found = [
        (path, name)
        for path, name in inside
        if format_of(name.name) is not None
        and not any(step.startswith((".", "_")) for step in name.parts)
        and not name.name.endswith(_SUFFIX)
    ]
    if not found:
        raise DataError(f"{folder}: the folder holds no file that can be read")
    return found
