"""Scoring: 40 000 training points, 16 components, float32, against the peers (fewer queries for them)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.stats import gaussian_kde
from sklearn.neighbors import KernelDensity

from benchmarks.timing import Row, paired
from kdeviz.kde import GaussianKDE

POINTS, COMPONENTS, QUERIES, SLOW_QUERIES = 40_000, 16, 8192, 64


def run() -> list[Row]:
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(POINTS, COMPONENTS, generator=generator)
    queries = torch.randn(QUERIES, COMPONENTS, generator=generator)
    kde, blocked = GaussianKDE().fit(points), GaussianKDE().fit(points)
    blocked.kernel = "blocked"
    scorer = kde.scorer(torch.float32)
    rows = paired(
        f"score {QUERIES} queries, {POINTS} points, k = {COMPONENTS}",
        {
            "kdeviz": lambda: kde.log_prob(queries),
            "kdeviz, blocked": lambda: blocked.log_prob(queries),
            "kdeviz, leave-one-out of as many points": lambda: [
                scorer.leave_one_out(start, start + 4096) for start in range(0, QUERIES, 4096)
            ],
        },
    )
    few = queries[:SLOW_QUERIES]
    many = max(QUERIES // SLOW_QUERIES, 1)
    slow = paired(
        f"score, per query (peers {SLOW_QUERIES}, kdeviz {QUERIES} queries)",
        {"kdeviz": lambda: kde.log_prob(queries), **_peers(points, few)},
    )
    return (
        rows
        + [slow[0]]
        + [
            row._replace(
                seconds=row.seconds * many, low=row.low * many, high=row.high * many, ratio=row.ratio * many
            )
            for row in slow[1:]
        ]
    )


def _peers(points: torch.Tensor, queries: torch.Tensor) -> dict[str, Callable[[], object]]:
    scipy_kde = gaussian_kde(points.numpy().T)
    width = POINTS ** (-1 / (COMPONENTS + 4))
    tree = KernelDensity(bandwidth=width).fit(points.numpy())
    whitened = points / width

    def reference_loop() -> list[torch.Tensor]:
        """The per-query loop of anomalib 2.7.0, in float32."""
        return [(-((whitened - query / width) ** 2).sum(1) / 2).exp().mean() for query in queries]

    return {
        "scipy gaussian_kde.logpdf": lambda: scipy_kde.logpdf(queries.numpy().T),
        "anomalib's loop, written out": reference_loop,
        "scikit-learn KernelDensity": lambda: tree.score_samples(np.asarray(queries)),
    }
