"""Batch scoring: files against scoring alone, engines against the plain loop, and memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.load_files import written
from benchmarks.memory import ROOT
from benchmarks.tables import Table
from benchmarks.timing import Work, comparison, paired, seconds
from kdeviz.batch import ENGINES, Plan, jobs_of, score_file
from kdeviz.batch import Work as FileWork
from kdeviz.model import KDEClassifier

_MODULES = {"none": "kdeviz", "dask": "distributed", "ray": "ray"}
# ru_maxrss would begin with that of the process that starts this one.
_MEMORY = (
    "import re, sys; from pathlib import Path; from kdeviz.batch import score_file; "
    "score_file(*sys.argv[1:]); "
    "print(int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) // 1024)"
)


def run(
    shape: tuple[int, int] = (1_000_000, 128),
    points: int = 20_000,
    files: tuple[int, int] = (8, 50_000),
    workers: Sequence[int] = (1, 2),
    rounds: int = 3,
) -> Iterator[Table]:
    """Every table.

    Args:
        shape: (rows, dimensions) of the one large file.
        points: training points.
        files: how many files, and rows in each, for the engines.
        workers: processes of an engine.
        rounds: of the paired timings.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        model = _model(folder, points, shape[1])
        paths = {name: path for name, path in written(folder, shape).items() if path.exists()}
        yield one_file(model, paths, shape, folder, rounds)
        yield memory(paths, folder)
        yield engines(folder, files, shape[1], workers)


def _model(folder: Path, points: int, dimensions: int) -> KDEClassifier:
    model = KDEClassifier(max_training_points=points)
    model.fit(np.random.default_rng(1).normal(size=(points, dimensions)).astype(np.float32))
    model.save(folder / "model.safetensors")
    return model


def one_file(
    model: KDEClassifier, paths: dict[str, Path], shape: tuple[int, int], folder: Path, rounds: int
) -> Table:
    """Reading, scoring and writing beside scoring alone."""
    rows = np.load(paths["array.npy"])
    works = {"scoring rows in memory": Work(lambda: model.log_density(rows))}
    for name, path in paths.items():
        if not name.endswith(".csv"):
            works[f"score_file: {name}"] = Work(partial(score_file, model, path, folder / "out.parquet"))
    title = (
        f"Batch: {shape[0]} x {shape[1]} rows, {len(model.training_rows)} points, k = {model.n_components_}"
    )
    return comparison(title, paired(works, rounds), "s", 1.0, note="A ratio of 1.18 is 0.85 of the rate.")


def memory(paths: dict[str, Path], folder: Path) -> Table:
    """Peak memory of a process that scores one file, torch included."""
    rows = []
    for name, path in paths.items():
        arguments = [str(folder / "model.safetensors"), str(path), str(folder / "out.parquet")]
        command = [sys.executable, "-c", _MEMORY, *arguments]
        shown = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
        rows.append([name, path.stat().st_size // 2**20, int(shown)])
    return Table("Batch: peak memory", ("file", "its size, MiB", "whole process, MiB"), rows)


def engines(folder: Path, files: tuple[int, int], dimensions: int, workers: Sequence[int]) -> Table:
    """Rows a second of each engine; its start is measured on one tiny file and taken off."""
    inside, tiny = folder / "in", folder / "tiny"
    random = np.random.default_rng(2)
    for place, (count, rows) in {inside: files, tiny: (1, 10)}.items():
        place.mkdir()
        for number in range(count):
            np.save(place / f"{number}.npy", random.normal(size=(rows, dimensions)).astype(np.float32))
    spread = [("none", None), *((name, count) for name in ("dask", "ray") for count in workers)]
    lines = []
    for name, count in spread:
        if find_spec(_MODULES[name]) is None:
            lines.append([name, count or "", "not installed", "", ""])
            continue
        start = seconds(_all(folder, tiny, name, count))
        whole = seconds(_all(folder, inside, name, count))
        rate = files[0] * files[1] / max(whole - start, 1e-9)
        lines.append([name, count or "", start, whole, f"{rate:.0f}"])
    header = ("engine", "workers", "start, s", "all files, s", "rows a second without the start")
    title = f"Batch: {files[0]} files of {files[1]} x {dimensions} rows"
    return Table(
        title, header, lines, "Workers share the cores of one machine, so they cannot be faster here."
    )


def _all(folder: Path, inside: Path, engine: str, workers: int | None) -> Callable[[], object]:
    work = FileWork(str(folder / "model.safetensors"), again=True)
    jobs = jobs_of([inside], folder / "out")
    return lambda: list(ENGINES[engine](work, jobs, Plan(workers)))
