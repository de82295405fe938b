"""Peak memory above the inputs, each case in a process of its own (Linux: it resets the high-water mark).

`python -m benchmarks.memory CASE NUMBERS` prints one case in MiB.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks import reference
from benchmarks.tables import Table
from kdeviz.analysis import analyse
from kdeviz.data import load_embeddings
from kdeviz.decision import decide
from kdeviz.model import KDEClassifier
from kdeviz.settings import Settings

ROOT = Path(__file__).parents[1]
_WRITTEN = 50_000
LARGE = (1_000_000, 128, 20_000)
SHAPES = (
    (2000, 1000, 64, 16),
    (40_000, 10_000, 64, 16),
    (40_000, 1_000_000, 16, 16),
    (500, 1_000_000, 32, 4),
    (100_003, 10_000, 64, 16),
)


def run(
    shapes: Iterable[tuple[int, int, int, int]] = SHAPES, large: tuple[int, int, int] = LARGE
) -> Iterator[Table]:
    """Scoring, and an uploaded file from its bytes to verdicts.

    Args:
        shapes: (training points, queries, dimensions, components).
        large: (rows, dimensions, training points) of the file.
    """
    rows = [[*shape, extra_mebibytes("score", *shape)] for shape in shapes]
    header = ("training points", "queries", "dimensions", "components", "MiB")
    yield Table("Peak memory above the inputs while scoring", header, rows)
    matrix = 4 * large[0] * large[1] / 2**20
    header = ("rows", "dimensions", "training points", "matrix, MiB", "peak, MiB", "allowed, MiB")
    row = [*large, matrix, extra_mebibytes("opened", *large), 3 * matrix + 600e6 / 2**20]
    note = "Above a process that holds nothing, the upload included; allowed are 3 matrices and 600 MB."
    yield Table("Peak memory of a .npy upload, opened, fitted and scored", header, [row], note)


def extra_mebibytes(case: str, *numbers: int) -> float:
    """Run one of `_CASES` in a new process."""
    command = [sys.executable, "-m", "benchmarks.memory", case, *map(str, numbers)]
    return float(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout)


def _score(n: int, m: int, d: int, k: int) -> Callable[[], object]:
    model = KDEClassifier(k, max_training_points=n)
    model.fit(_normal(n, d))
    queries = _normal(m, d)
    model.log_density(queries[:10])
    return lambda: model.log_density(queries)


def _fit(n: int, d: int) -> Callable[[], object]:
    features = _normal(n, d)
    KDEClassifier().fit(features[:100])
    return lambda: KDEClassifier().fit(features)


def _reference_fit(n: int, d: int) -> Callable[[], object]:
    features = _normal(n, d)
    reference.fit(features[:100])
    return lambda: reference.fit(features)


def _opened(n: int, d: int, points: int) -> Callable[[], object]:
    """As the app does it: the bytes of the file stay, and what every page looks at is asked for."""
    folder = TemporaryDirectory()
    path, random = Path(folder.name, "rows.npy"), np.random.default_rng(0)
    rows = np.lib.format.open_memmap(path, "w+", np.float32, (n, d))
    for start in range(0, n, _WRITTEN):
        rows[start : start + _WRITTEN] = random.standard_normal((min(n - start, _WRITTEN), d), np.float32)
    settings = Settings(max_training_points=points)
    analyse(rows[:300].copy(), None, settings, "cpu")
    del rows

    def work() -> object:
        with folder:
            content = path.read_bytes()
        analysis = analyse(load_embeddings(content, filename=path.name), None, settings, "cpu")
        decision = decide(analysis)
        return len(content), analysis.coordinates, decision.p_values, decision.flagged, decision.probabilities

    return work


_CASES = {"opened": _opened, "score": _score, "fit": _fit, "reference_fit": _reference_fit}


def _normal(n: int, d: int) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(0))


def _status(name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def main() -> None:
    """Print how far the peak of one case lies above what it starts with."""
    work = _CASES[sys.argv[1]](*map(int, sys.argv[2:]))
    ctypes.CDLL(None).malloc_trim(0)  # else memory freed by the preparation is used again unseen
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    work()
    print(_status("VmHWM") - before)


if __name__ == "__main__":
    main()
