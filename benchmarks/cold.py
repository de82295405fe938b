"""A cold command: `kdeviz fit` in a process of its own beside `import torch` in one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.memory import ROOT
from benchmarks.tables import Table
from benchmarks.timing import Work, paired


def run(shape: tuple[int, int] = (20_000, 128), rounds: int = 5) -> Iterator[Table]:
    """The one table.

    Args:
        shape: (rows, dimensions) of the file to fit on.
        rounds: of the paired timings, after a first one that compiles the modules.
    """
    with TemporaryDirectory() as folder:
        rows, model = Path(folder) / "rows.npy", Path(folder) / "model.safetensors"
        np.save(rows, np.random.default_rng(0).normal(size=shape).astype(np.float32))
        kdeviz = (sys.executable, "-m", "kdeviz.cli")
        commands = {
            "import torch": (sys.executable, "-c", "import torch"),
            "kdeviz fit": (*kdeviz, "fit", str(rows), "-o", str(model), "--force"),
            "kdeviz info": (*kdeviz, "info", str(model)),
            "kdeviz --help": (*kdeviz, "--help"),
        }
        times = paired({name: Work(partial(_done, command)) for name, command in commands.items()}, rounds)
    torch = times["import torch"]
    lines = [
        [
            name,
            *(f(found) for f in (median, min, max)),
            median(a - b for a, b in zip(found, torch, strict=True)),
        ]
        for name, found in times.items()
    ]
    header = ("", "median, s", "min", "max", "beyond import torch, s")
    yield Table(f"A cold command: {shape[0]} x {shape[1]} .npy file", header, lines)


def _done(command: tuple[str, ...]) -> None:
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
