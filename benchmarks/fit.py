"""Fitting: the exact float64 PCA against scikit-learn's; a whole fit; another component count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

import torch
from sklearn import decomposition
from torch import Tensor

from benchmarks import memory, reference
from benchmarks.peers import ANOMALIB
from benchmarks.tables import Table
from benchmarks.timing import Work, comparison, paired
from kdeviz.model import PCA, AxesCache, KDEClassifier
from kdeviz.settings import components_in_words

COMPONENTS = 16
PCA_SHAPES = (
    (40_000, 512, "covariance_eigh", 7),
    (40_000, 2048, "covariance_eigh", 3),
    (1000, 2048, "auto", 7),
)
COUNTS = (16, 32, 33, 100, 128, 0.95)
_SVD_ROWS = 8192


def run(
    pca_shapes: Iterable[tuple[int, int, str, int]] = PCA_SHAPES,
    whole: tuple[int, int] = (10_000, 512),
    again: Iterable[tuple[int, int]] = ((40_000, 512), (6000, 2048)),
    counts: Sequence[int | float] = COUNTS,
    rounds: int = 5,
    download: bool = True,
) -> Iterator[Table]:
    """Every table; a shape of `pca_shapes` is (rows, dimensions, scikit-learn's solver, rounds)."""
    shapes = list(pca_shapes)
    yield from (pca(*shape) for shape in shapes)
    yield accuracy([shape[:2] for shape in shapes])
    yield whole_fit(*whole, rounds, download)
    yield whole_fit_memory(*whole)
    yield from (another_count(*shape, counts, rounds) for shape in again)


def pca(n: int, d: int, solver: str, rounds: int) -> Table:
    """kdeviz in float64 against scikit-learn on the same float32 rows."""
    features = _features(n, d)
    array = features.numpy()
    works = {
        f"scikit-learn {solver} (float32)": Work(
            lambda: decomposition.PCA(COMPONENTS, svd_solver=solver).fit(array)
        ),
        "kdeviz (float64)": Work(lambda: PCA(COMPONENTS).fit(features)),
    }
    note = "The ratio is each time over scikit-learn's."
    return comparison(f"PCA fit: {n} x {d}", paired(works, rounds), "ms", 1e3, note=note)


def accuracy(shapes: Iterable[tuple[int, int]]) -> Table:
    """Sine of the largest angle between the axes and those of a float64 singular value decomposition."""
    rows = []
    for n, d in shapes:
        features = _features(min(n, _SVD_ROWS), d)
        exact = features.double() - features.double().mean(0)
        right = torch.linalg.svd(exact, full_matrices=False)[2][:COMPONENTS].T
        errors = []
        for vectors in (
            PCA(COMPONENTS).fit(features).singular_vectors,
            torch.from_numpy(decomposition.PCA(COMPONENTS).fit(features.numpy()).components_).T.double(),
        ):
            rest = vectors - right @ (right.T @ vectors)
            errors.append(f"{float(torch.linalg.matrix_norm(rest, 2)):.1e}")
        rows.append([len(features), d, *errors])
    header = ("rows", "dimensions", "kdeviz (float64)", "scikit-learn auto (float32)")
    note = "Sine of the largest angle to a float64 SVD. For wide rows scikit-learn's auto is randomised."
    return Table(f"PCA fit: error of the {COMPONENTS}-dimensional subspace", header, rows, note)


def whole_fit(n: int, d: int, rounds: int, download: bool) -> Table:
    """KDEClassifier.fit against the reference's full SVD."""
    features = _features(n, d)
    works = {
        "kdeviz": Work(lambda: KDEClassifier().fit(features)),
        "full SVD, as in the reference": Work(lambda: reference.fit(features)),
    }
    skipped = {}
    name = ANOMALIB.replace("GaussianKDE", "KDEClassifier")
    try:
        if not download:
            raise ImportError("not asked for")
        package = reference.package()
        # It changes what it is given.
        works[name] = Work(lambda: package.KDEClassifier().fit(features.clone()))
    except ImportError as error:
        skipped[name] = str(error)
    return comparison(f"Whole fit: {n} x {d}", paired(works, rounds), "ms", 1e3, skipped)


def whole_fit_memory(n: int, d: int) -> Table:
    """Peak memory above the rows."""
    names = {"kdeviz": "fit", "full SVD, as in the reference": "reference_fit"}
    rows = [[name, memory.extra_mebibytes(case, n, d)] for name, case in names.items()]
    return Table(f"Whole fit: {n} x {d}, peak memory above the rows", ("", "MiB"), rows)


def another_count(n: int, d: int, counts: Sequence[int | float], rounds: int) -> Table:
    """Fits with several component counts: of new data, and of data that were fitted with another count."""
    features, known = _features(n, d), AxesCache()

    def fit(count: int | float, cache: AxesCache) -> None:
        KDEClassifier(count).fit_report(features, axes_of=cache.of("rows"), digest="known")

    fit(1, known)
    rows = []
    for count in counts:
        works = {
            "new": Work(lambda count=count: fit(count, AxesCache())),
            "known": Work(lambda count=count: fit(count, known)),
        }
        times = {name: 1e3 * median(seconds) for name, seconds in paired(works, rounds).items()}
        name = components_in_words(count)
        rows.append([name, times["new"], times["known"], times["known"] / times["new"]])
    header = ("components", "new data, ms", "other count before, ms", "ratio")
    note = "With another count before, a fit costs no PCA: it projects the rows and prepares the density."
    return Table(f"Another component count: {n} x {d}", header, rows, note)


def _features(n: int, d: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, d, generator=generator) * torch.logspace(0, -2, d)
