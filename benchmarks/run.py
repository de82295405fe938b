"""Run every benchmark and rewrite RESULTS.md: `make bench`, on a machine that does nothing else.

`--quick` runs them at sizes too small to mean anything, prints, and writes nothing. Names run some only.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from benchmarks import (
    app,
    batch,
    cold,
    estimates,
    explain,
    find,
    fit,
    gpu,
    load,
    load_files,
    memory,
    peers,
    scale,
    score,
    sweep,
    trust,
)
from benchmarks.tables import Table, markdown
from kdeviz.sweep import Grid

RESULTS = Path(__file__).with_name("RESULTS.md")
QUESTIONS = {
    "score": score,
    "fit": fit,
    "memory": memory,
    "explain": explain,
    "find": find,
    "sweep": sweep,
    "trust": trust,
    "estimates": estimates,
    "scale": scale,
    "load_files": load_files,
    "batch": batch,
    "cold": cold,
    "app": app,
    "load": load,
    "gpu": gpu,
}
ALWAYS_THERE = (peers.SCIPY, peers.LOOP, peers.SKLEARN)
QUICK: dict[str, dict[str, Any]] = {
    "score": {
        "points": 600, "queries": 64, "many": 400, "shapes": ((600, 4), (77, 16)), "rounds": 2,
        "components": (2, 16), "names": ALWAYS_THERE, "limit_size": 256,
    },
    "fit": {
        "pca_shapes": ((400, 24, "covariance_eigh", 2), (30, 64, "auto", 2)),
        "whole": (300, 24), "again": ((300, 24),), "counts": (2, 4), "rounds": 2, "download": False,
    },
    "estimates": {"cases": (estimates.Case(300, 24, 4), estimates.Case(40, 64, 4, 30, 20))},
    "memory": {"shapes": ((300, 200, 24, 4),), "large": (400, 8, 100)},
    "explain": {"points": 300, "dimensions": 24, "components": 4, "rounds": 2},
    "find": {"rows": 3000, "rounds": 2},
    "sweep": {
        "shape": (200, 12), "grids": (Grid(components=(2, 4)), Grid(components=(2, 4))), "rounds": (1, 1),
    },
    "trust": {"cases": (trust.Case("60 x 8, k = 2", 60, 8, 2),), "seeds": 1},
    "scale": {
        "points": (300, 600), "queries": (64, 128), "fixed": (300, 64), "names": ALWAYS_THERE, "plot": None,
    },
    "load_files": {"binary": (200, 8), "text": (100, 8), "wide": (3, 40), "rounds": 2},
    "batch": {"shape": (300, 8), "points": 60, "files": (1, 40), "workers": (), "rounds": 2},
    "cold": {"shape": (60, 8), "rounds": 1},
    "app": {"moves": 2, "shape": (1000, 32)},
    "load": {"visitors": (2,), "rounds": 1, "every": 0.5},
    "gpu": {
        "device": "cpu", "points": 300, "queries": 64, "components": (2, 8), "rounds": 2, "size": 128,
        "analyses": ((300, 24, 4),),
    },
}  # fmt: skip
_PACKAGES = (
    "torch", "numpy", "scipy", "scikit-learn", "pykeops", "torch-kde", "pyod", "streamlit", "playwright",
)  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    """Print the tables as they come; then write them, unless only some were run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(QUESTIONS))
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(QUESTIONS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: choose from {', '.join(QUESTIONS)}")
    parts = [_heading()]
    for table in tables(options.names or QUESTIONS, options.quick):
        parts.append(markdown(table) if table.title != gpu.SKIPPED else _measured_elsewhere())
        print(f"\n{parts[-1]}", flush=True)
    if not options.quick and not options.names:
        RESULTS.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def tables(names: Iterable[str], quick: bool = False) -> Iterator[Table]:
    """The tables of these questions, in this order."""
    for name in names:
        start = time.perf_counter()
        yield from QUESTIONS[name].run(**(QUICK[name] if quick else {}))
        print(f"\n{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)


def _measured_elsewhere() -> str:
    """What a machine with a GPU wrote, and what was measured by hand: they come last."""
    _, title, rest = RESULTS.read_text(encoding="utf-8").partition(f"## {gpu.SKIPPED}")
    return (title + rest).rstrip()


def _heading() -> str:
    return (
        "# Benchmark results\n\n"
        f"{platform.machine()}, {_processor()}, {torch.get_num_threads()} threads, Python "
        f"{platform.python_version()}; {', '.join(_versions())}.\n"
        "Medians of paired rounds: every contestant once per round. Written by `make bench`."
    )


def _processor() -> str:
    found = [line for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return found[0].partition(":")[2].strip() if found else platform.processor()


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text().splitlines() if file.exists() else []


def _versions() -> Iterator[str]:
    for name in _PACKAGES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            yield f"{name} not installed"


if __name__ == "__main__":
    main()
