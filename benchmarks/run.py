"""Run every benchmark and rewrite RESULTS.md: `make bench`, on a machine that does nothing else."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import torch

from benchmarks import fit, memory, score
from benchmarks.timing import Row

RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    lines = [*_heading(), *_timings([*score.run(), *fit.run()]), *_memory()]
    RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text())


def _heading() -> Iterator[str]:
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "scipy", "scikit-learn"))
    yield "# Benchmark results"
    yield ""
    yield f"{platform.machine()}, {torch.get_num_threads()} threads, Python {platform.python_version()},"
    yield f"{packages}. Medians of paired rounds;"
    yield "the ratio is each contestant's time over kdeviz's. Written by `make bench`."


def _timings(rows: list[Row]) -> Iterator[str]:
    question = ""
    for row in rows:
        if row.question != question:
            question = row.question
            yield from (
                "",
                f"## {question}",
                "",
                "| | median s | min | max | ratio |",
                "|---|---|---|---|---|",
            )
        yield (f"| {row.contestant} | {row.seconds:.4g} | {row.low:.4g} | {row.high:.4g} | {row.ratio:.3g} |")


def _memory() -> Iterator[str]:
    yield from ("", "## Peak memory above the inputs while scoring", "")
    yield from ("| training points | queries | dimensions | components | MiB |", "|---|---|---|---|---|")
    for case, mebibytes in memory.run():
        yield f"| {' | '.join(map(str, case))} | {mebibytes:.0f} |"


if __name__ == "__main__":
    main()
