"""Scoring on a GPU: every kernel over k, as a share of the limit of the same GPU, with its error.

Beside kdeviz's own kernels, repairs included, stand the sums alone by other means, in float32: both forms of
the Triton kernel, attention operators (with queries [x, 1] and keys [y, -|y|^2 / 2] the log-sum-exp of the
scores is the sum without its -|x|^2 / 2), and KeOps.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from operator import truediv
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.attention.flex_attention import AuxRequest, flex_attention

from benchmarks import limit, peers
from benchmarks.tables import Cell, Table, markdown
from benchmarks.timing import Work, paired, seconds
from kdeviz import EmbeddingSet, Settings, analyse
from kdeviz.model import KERNELS, GaussianKDE, principal_axes

__all__ = ["SKIPPED", "SUMS", "attention_sums", "flex_log_sum_exp", "run"]

Sums = Callable[[Tensor], Tensor]
Attention = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(1, 1, M, d) queries, (1, 1, N, d) keys and (1, 1, N, d) values to a log-sum-exp per query."""

SKIPPED = "GPU"
_CHECKED = 256
_MOST_DIFFERENCES = 16


def run(
    device: str = "cuda",
    points: int = 40_000,
    queries: int = 262_144,
    components: Iterable[int] = (2, 3, 8, 16, 32, 64, 128),
    rounds: int = 5,
    size: int = 8192,
    analyses: Iterable[tuple[int, int, int]] = ((10_000, 512, 16), (40_000, 512, 16), (40_000, 2048, 64)),
) -> Iterator[Table]:
    """Two tables; `size` is that of the matrices whose product is timed for the limit."""
    header = ("kernel", "k", "points", "queries", "10⁹ pairs/s", "min", "max", "of limit", "error, nats")
    if device != "cpu" and not torch.cuda.is_available():
        yield Table(SKIPPED, header, [["skipped: no CUDA device", *[""] * 8]])
        return
    bound = limit.measured(device, size)
    rows = [row for k in components for row in _rows(device, points, queries, k, bound, rounds)]
    name = "CPU" if device == "cpu" else torch.cuda.get_device_name()
    note = (
        f"Limit: {bound.multiply_adds / 1e9:.0f} multiply-adds and {bound.exps / 1e9:.0f} exponentials, "
        f"10⁹ per s, in float32; products in halves on tensor cores are not bound by it. "
        f"The error is the largest over {_CHECKED} queries against float64 on the CPU."
    )
    yield Table(f"GPU: {name}", header, rows, note)
    yield _whole_analyses(device, name, analyses, rounds)


def _whole_analyses(device: str, name: str, shapes: Iterable[tuple[int, int, int]], rounds: int) -> Table:
    """`analyse` with held-out folds, on the card and on the CPU beside it in turn; nothing is remembered."""
    cells: list[list[Cell]] = []
    for n, d, k in shapes:
        features = np.random.default_rng(0).standard_normal((n, d), np.float32) * np.arange(1, d + 1) ** -0.5
        for words, data in (("", features), (", near copies", _near_copies(features))):
            train = EmbeddingSet.from_array(data.astype(np.float32), "rows")
            works = {
                place: Work(partial(analyse, train, None, Settings(k), place, axes_of=principal_axes))
                for place in (device, "cpu")
            }
            times = list(paired(works, rounds).values())
            card, cpu = times[0], times[-1]
            numbers = (*(f(card) for f in (median, min, max)), median(cpu), median(map(truediv, cpu, card)))
            cells.append([f"{n} x {d}{words}", k, *numbers])
    header = ("training rows", "k", "on the card, s", "min", "max", "on the CPU, s", "times as fast")
    note = (
        f"The CPU beside the card has {os.cpu_count()} cores. Near copies: each row three times, with noise."
    )
    return Table(f"GPU, whole analyses: {name}", header, cells, note)


def _near_copies(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    again = np.repeat(rows[: len(rows) // 3], 3, axis=0)
    return again + 1e-3 * np.random.default_rng(1).standard_normal(again.shape)


def _rows(device: str, n: int, m: int, k: int, bound: limit.Limit, rounds: int) -> Iterator[list[Cell]]:
    generator = torch.Generator().manual_seed(0)
    points, queries = torch.randn(n, k, generator=generator), torch.randn(m, k, generator=generator)
    exact = GaussianKDE().fit(points).log_prob(queries[:_CHECKED].double())
    there, asked = points.to(device), queries.to(device)
    for name in [*KERNELS[1:], *SUMS]:
        try:
            scorer = _whitened(there, SUMS[name]) if name in SUMS else _kdeviz(there, name)
            error = (scorer(asked[:_CHECKED]).cpu() - exact).abs().max()
        except Exception as error:  # an impossible kernel, or whatever an optional package does wrong
            yield [f"{name}: skipped: {peers.reason(error)}", k, n, m, *[""] * 5]
            continue
        speeds = [n * m / seconds(lambda score=scorer: score(asked).cpu()) for _ in range(rounds + 1)][1:]
        rates = [f(speeds) / 1e9 for f in (median, min, max)]
        yield [name, k, n, m, *rates, median(speeds) / bound.pairs(k), float(error)]


def _kdeviz(points: Tensor, kernel: str) -> Sums:
    kde = GaussianKDE().to(points.device).fit(points)
    kde.kernel = kernel
    kde.log_prob(points[:2])  # an impossible kernel is refused here
    return kde.log_prob


def _whitened(points: Tensor, sums_over: Callable[[Tensor], Sums]) -> Sums:
    """Log density by sums that take one width only: they are given whitened points."""
    kde = GaussianKDE().to(points.device).fit(points)
    whiten, mean = kde.bw_transform.float(), kde.mean.float()
    offset = float(kde.log_norm) - math.log(len(points))
    sums = sums_over(kde.dataset.float())
    return lambda queries: sums((queries - mean) @ whiten) + offset


def _triton(points: Tensor, differences: bool) -> Sums:
    _require_cuda(points)
    if differences and points.shape[1] > _MOST_DIFFERENCES:
        raise ValueError(f"not tried in more than {_MOST_DIFFERENCES} dimensions")
    from kdeviz.model.kernels.triton_kernel import TritonKernel

    return TritonKernel(points, differences).sums


def attention_sums(points: Tensor, attention: Attention, width: int) -> Sums:
    """log sum_j exp(-|x - y_j|^2 / 2) by the log-sum-exp of attention over `width` columns."""
    keys = _extended(points, -points.square().sum(1) / 2, width)

    def sums(queries: Tensor) -> Tensor:
        extended = _extended(queries, queries.new_ones(len(queries)), width)
        found = attention(extended[None, None], keys[None, None], keys[None, None])
        return found.flatten()[: len(queries)] - queries.square().sum(1) / 2

    return sums


def _extended(x: Tensor, last: Tensor, width: int) -> Tensor:
    """x, one more column, and zeros."""
    return torch.cat([x, last[:, None], x.new_zeros(len(x), width - x.shape[1] - 1)], 1)


def _efficient(points: Tensor) -> Sums:
    def log_sum_exp(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        # Its rows are padded: to a multiple of 32 in torch 2.13.
        return torch.ops.aten._scaled_dot_product_efficient_attention(
            query, key, value[..., :8], None, True, scale=1.0
        )[1]

    _require_cuda(points)
    return attention_sums(points, log_sum_exp, points.shape[1] // 8 * 8 + 8)


def flex_log_sum_exp(query: Tensor, key: Tensor, value: Tensor, **options: str) -> Tensor:
    """Of the scores, by the public operator."""
    auxiliary = flex_attention(
        query, key, value, scale=1.0, kernel_options=options or None, return_aux=AuxRequest(lse=True)
    )[1]
    return auxiliary.lse


def _flex(points: Tensor, **options: str) -> Sums:
    _require_cuda(points)
    torch.compiler.reset()  # every k is another program, and torch keeps few: then it would not compile
    compiled = torch.compile(partial(flex_log_sum_exp, **options))
    return attention_sums(points, compiled, max(1 << points.shape[1].bit_length(), 16))


def _require_cuda(points: Tensor) -> None:
    if points.device.type != "cuda":
        raise ValueError("needs a CUDA device")


SUMS: dict[str, Callable[[Tensor], Sums]] = {
    "Triton, differences, no repairs": partial(_triton, differences=True),
    "Triton, products, no repairs": partial(_triton, differences=False),
    "memory-efficient attention": _efficient,
    "flex_attention": _flex,
    "flex_attention, tf32x3": partial(_flex, FLOAT32_PRECISION="'tf32x3'"),
    "KeOps": peers.keops_sums,
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    for table in run(parser.parse_args().device):
        print(markdown(table))


if __name__ == "__main__":
    main()
