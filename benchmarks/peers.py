"""Other implementations of the same sum, each made ready once on (N, k) float32 points.

scipy and anomalib estimate the full covariance; the others take one width, which suits the benchmarks'
uncorrelated data. scipy and scikit-learn compute in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import gaussian_kde
from sklearn.neighbors import KernelDensity
from torch import Tensor

from benchmarks import reference

__all__ = ["ANOMALIB", "LOOP", "PEERS", "SCIPY", "SKLEARN", "keops_sums", "prepare", "reason", "width"]

Scorer = Callable[[Tensor], Any]
"""(M, k) queries to (M,) log densities."""

SCIPY, SKLEARN = "scipy gaussian_kde.logpdf", "scikit-learn KernelDensity"
LOOP, ANOMALIB = "anomalib's loop, written out", f"anomalib {reference.VERSION} GaussianKDE"


class Peer(NamedTuple):
    """How to make a peer ready, and how many queries to time it with: enough for its best speed."""

    ready: Callable[[Tensor], Scorer]
    queries: int


def width(points: Tensor) -> float:
    """Scott's factor."""
    n, k = points.shape
    return float(n ** (-1 / (k + 4)))


def prepare(names: Iterable[str], points: Tensor) -> tuple[dict[str, Scorer], dict[str, str]]:
    """Those that work here, and why the others do not."""
    scorers, skipped = {}, {}
    for name in names:
        try:
            scorer = PEERS[name].ready(points)
            scorer(points[:2])
        except Exception as error:  # whatever an optional package does wrong
            skipped[name] = reason(error)
        else:
            scorers[name] = scorer
    return scorers, skipped


def reason(error: Exception) -> str:
    """Why it did not work, on one line."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _scipy(points: Tensor) -> Scorer:
    kde = gaussian_kde(points.numpy().T)
    return lambda queries: kde.logpdf(queries.numpy().T)


def _sklearn(points: Tensor) -> Scorer:
    tree = KernelDensity(bandwidth=width(points)).fit(points.numpy())
    return lambda queries: tree.score_samples(queries.numpy())


def _loop(points: Tensor) -> Scorer:
    transform, dataset = reference.whitened(points)
    return lambda queries: reference.score(queries, transform, dataset).log()


def _anomalib(points: Tensor) -> Scorer:
    kde = reference.package().GaussianKDE()
    kde.fit(points.clone())  # it changes what it is given
    return lambda queries: kde(queries).log()


def _keops(points: Tensor) -> Scorer:
    n, k = points.shape
    h = width(points)
    offset = math.log(n) + k * math.log(h) + k / 2 * math.log(2 * math.pi)
    sums = keops_sums(points / h)
    return lambda queries: sums(queries / h) - offset


def keops_sums(points: Tensor) -> Scorer:
    """log sum_j exp(-|x - y_j|^2 / 2) by KeOps, on the device of the points."""
    if points.device.type not in ("cpu", "cuda"):
        raise ValueError(f"KeOps has no kernels for {points.device.type}")
    import pykeops
    from pykeops.torch import LazyTensor

    pykeops.set_verbose(False)
    keys = LazyTensor(points[None].contiguous())
    return lambda x: (-((LazyTensor(x[:, None].contiguous()) - keys) ** 2).sum(-1) / 2).logsumexp(dim=1)[:, 0]


def _torch_kde(points: Tensor) -> Scorer:
    from torchkde import KernelDensity as TorchKDE

    kde = TorchKDE(bandwidth=width(points)).fit(points)
    return lambda queries: kde.score_samples(queries)


def _pyod(points: Tensor) -> Scorer:
    from pyod.models.kde import KDE

    # Its fit scores every training point, which takes minutes; the scoring timed here does not need that.
    detector = KDE(bandwidth=width(points)).fit(points[:32].numpy())
    detector.kde_.fit(points.numpy())
    return lambda queries: -np.asarray(detector.decision_function(queries.numpy()))


PEERS = {
    SCIPY: Peer(_scipy, 256),
    LOOP: Peer(_loop, 256),
    ANOMALIB: Peer(_anomalib, 256),
    SKLEARN: Peer(_sklearn, 64),
    "KeOps on the CPU": Peer(_keops, 1024),
    "torch-kde": Peer(_torch_kde, 128),
    "pyod KDE": Peer(_pyod, 64),
}
