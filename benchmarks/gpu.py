"""Scoring on a GPU: every kernel over k, as a share of the limit of the same GPU, with its error."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from statistics import median

import torch
from torch import Tensor

from benchmarks import limit, peers
from benchmarks.tables import Cell, Table, markdown
from benchmarks.timing import seconds
from kdeviz.kde import GaussianKDE
from kdeviz.logsumexp_kernels import KERNELS

KEOPS = "KeOps"
_CHECKED = 256


def run(
    device: str = "cuda",
    points: int = 40_000,
    queries: int = 262_144,
    components: Iterable[int] = (2, 8, 16, 32, 64),
    rounds: int = 5,
    size: int = 8192,
) -> Iterator[Table]:
    """One table; `size` is that of the matrices whose product is timed for the limit."""
    header = ("kernel", "k", "points", "queries", "10⁹ pairs/s", "min", "max", "of limit", "error, nats")
    if device != "cpu" and not torch.cuda.is_available():
        yield Table("GPU", header, [["skipped: no CUDA device", *[""] * 8]])
        return
    bound = limit.measured(device, size)
    rows = [row for k in components for row in _rows(device, points, queries, k, bound, rounds)]
    name = "CPU" if device == "cpu" else torch.cuda.get_device_name()
    note = (
        f"Limit: {bound.multiply_adds / 1e9:.0f} multiply-adds and {bound.exps / 1e9:.0f} exponentials, "
        f"10⁹ per s. The error is the largest over {_CHECKED} queries against float64 on the CPU."
    )
    yield Table(f"GPU: {name}", header, rows, note)


def _rows(device: str, n: int, m: int, k: int, bound: limit.Limit, rounds: int) -> Iterator[list[Cell]]:
    generator = torch.Generator().manual_seed(0)
    points, queries = torch.randn(n, k, generator=generator), torch.randn(m, k, generator=generator)
    exact = GaussianKDE().fit(points).log_prob(queries[:_CHECKED].double())
    there, asked = points.to(device), queries.to(device)
    for name in [*(name for name in KERNELS if name != "auto"), KEOPS]:
        try:
            scorer = _keops(there) if name == KEOPS else _kdeviz(there, name)
            error = (scorer(asked[:_CHECKED]).cpu() - exact).abs().max()
        except Exception as error:  # an impossible kernel, or whatever an optional package does wrong
            yield [f"{name}: skipped: {peers.reason(error)}", k, n, m, *[""] * 5]
            continue
        speeds = [n * m / seconds(lambda score=scorer: score(asked).cpu()) for _ in range(rounds + 1)][1:]
        rates = [f(speeds) / 1e9 for f in (median, min, max)]
        yield [name, k, n, m, *rates, median(speeds) / bound.pairs(k), float(error)]


def _kdeviz(points: Tensor, kernel: str) -> Callable[[Tensor], Tensor]:
    kde = GaussianKDE().to(points.device).fit(points)
    kde.kernel = kernel
    kde.log_prob(points[:2])  # an impossible kernel is refused here
    return kde.log_prob


def _keops(points: Tensor) -> Callable[[Tensor], Tensor]:
    """One width suits KeOps only: it is given whitened points."""
    kde = GaussianKDE().to(points.device).fit(points)
    whiten, mean = kde.bw_transform.float(), kde.mean.float()
    offset = float(kde.log_norm) - torch.tensor(float(len(points))).log().item()
    sums = peers.keops_sums(kde.dataset.float())
    return lambda queries: sums((queries - mean) @ whiten) + offset


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    for table in run(parser.parse_args().device):
        print(markdown(table))


if __name__ == "__main__":
    main()
