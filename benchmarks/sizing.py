"""How much machine a job takes, from the rates in RESULTS.md; `python -m benchmarks.sizing` prints it.

Nothing is measured here. Time is taken to grow linearly with rows and with rows times points, as the tables
"Growth" and "Many queries" show it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

RESULTS = Path(__file__).with_name("RESULTS.md")
ROWS = (10**7, 10**8, 10**9, 10**10)
POINTS = (10_000, 40_000, 160_000)
_CORES = 2  # of the machine on which RESULTS.md was measured
_HOUR = 3600.0


class Rate(NamedTuple):
    """Of one core, or of one GPU: seconds = rows * per_row + rows * points / pairs."""

    pairs: float
    """Kernel pairs a second."""
    per_row: float
    """Seconds a row, beside its pairs."""

    def hours(self, rows: int, points: int) -> float:
        """For so many rows against so many training points."""
        return rows * (self.per_row + points / self.pairs) / _HOUR


def cpu(results: str) -> Rate:
    """A core: the kernel by itself, and what reading a .npy file, projecting and writing take beside it."""
    kernel = 1e9 * float(_row(results, "## Score: kernels of the CPU", "llvm", "16")[2])
    rows, points = map(int, re.findall(r"## Batch: (\d+) x 128 rows, (\d+) points, k = 16", results)[0])
    whole = float(_row(results, "## Batch", "score_file: array.npy")[1])
    return Rate(kernel / _CORES, _CORES * (whole - rows * points / kernel) / rows)


def gpu(results: str) -> Rate:
    """An H100: the kernel by itself, and what moving and projecting rows of an array take beside it."""
    kernel = 1e9 * float(_row(results, "## GPU", "triton", "16")[4])
    found = re.findall(
        r"([\d ]+) x 128 rows were scored against ([\d ]+) points, k = 16, repairs included, in ([\d.]+) s",
        results,
    )
    (rows, points), whole = (int(text.replace(" ", "")) for text in found[0][:2]), float(found[0][2])
    return Rate(kernel, (whole - rows * points / kernel) / rows)


def lines(results: str) -> str:
    """The table and what it was computed from, in Markdown."""
    core, card = cpu(results), gpu(results)
    said = (
        "What a job takes, in core-hours or in hours of an H100, computed with the rates in\n"
        "[benchmarks/RESULTS.md](benchmarks/RESULTS.md) (`python -m benchmarks.sizing`; 128 features, k = 16;"
        " time grows\nlinearly): a core sums "
        f"{core.pairs / 1e9:.2g} · 10⁹ kernel pairs a second and takes {1e6 * core.per_row:.2g} µs more for"
        f" each row of a `.npy` file;\nthe card sums {card.pairs / 1e9:.0f} · 10⁹ and takes "
        f"{1e6 * card.per_row:.2g} µs more for each row in memory (files, which\ncores would have to read for"
        " it, were not measured).\n"
    )
    return "\n".join([said, *_table(core, card)]) + "\n"


def _table(core: Rate, card: Rate) -> Iterator[str]:
    yield f"| rows | {' | '.join(f'{_count(points)} points' for points in POINTS)} |"
    yield "| --- |" + " --- |" * len(POINTS)
    for rows in ROWS:
        cells = (f"{_short(core.hours(rows, n))}, or {_short(card.hours(rows, n))}" for n in POINTS)
        yield f"| {_count(rows)} | {' | '.join(cells)} |"


def _row(results: str, section: str, *first: str) -> list[str]:
    """The cells of the row that begins with these, in the table under a heading."""
    inside = results.partition(section)[2].partition("\n## ")[0]
    rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in inside.splitlines())
    wanted = list(first)
    return next(row for row in rows if [cell.partition(" (")[0] for cell in row[: len(wanted)]] == wanted)


def _count(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _short(hours: float) -> str:
    """Two digits, and no exponent."""
    text = f"{float(f'{hours:.2g}'):.6f}"
    return text.rstrip("0").rstrip(".")


if __name__ == "__main__":
    print(lines(RESULTS.read_text(encoding="utf-8")), end="")
