"""analyse: settings and data in, scores out. The one function that the app, the CLI and the exports call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz import __version__
from kdeviz.axes_cache import AxesCache
from kdeviz.classifier import KDEClassifier
from kdeviz.data import EmbeddingSet
from kdeviz.devices import device_name, is_out_of_memory, resolve_device
from kdeviz.errors import Cancelled, DataError
from kdeviz.kernel_sums import KernelSums
from kdeviz.labels import ANOMALOUS
from kdeviz.rows import Features, OnBlock, working_dtype
from kdeviz.scoring import log_densities
from kdeviz.settings import Settings

__all__ = ["Analysis", "Estimate", "analyse", "estimate"]

OnProgress = Callable[[str, float], None]
"""Called with (stage in words, fraction of that stage done, 0 to 1)."""

_ROWS_PER_COMPONENT = 30
_AXES = AxesCache()

FITTING = "Finding the principal components"
SCORING_TRAINING = "Scoring the training samples"
SCORING = "Scoring the other samples"


@dataclass(frozen=True, eq=False)
class Analysis:
    """A fitted model and everything it says about the data.

    Attributes:
        settings: what was asked for.
        classifier: the fitted model.
        train: the rows given for training.
        inspected: the rows that `scores` are about: the score set, or the training rows if there was none.
        fitted_on: (n,) which of `train` the model was fitted on, in the order of its points.
        train_scores: (n,) leave-one-out log densities of those rows.
        scores: (M,) log densities of the inspected rows; leave-one-out for those the model was fitted on.
        warnings: what a person should know about this fit, one sentence each.
        timings: seconds per stage.
        provenance: data digests, seed, versions, device and time, ready for JSON.
    """

    settings: Settings
    classifier: KDEClassifier
    train: EmbeddingSet
    inspected: EmbeddingSet
    fitted_on: NDArray[np.int64]
    train_scores: NDArray[Any]
    scores: NDArray[Any]
    warnings: tuple[str, ...]
    timings: dict[str, float]
    provenance: dict[str, Any]

    @property
    def inspects_training(self) -> bool:
        """Whether the inspected rows are the training rows themselves."""
        return self.inspected is self.train

    @property
    def scored(self) -> EmbeddingSet | None:
        """The rows that were given to be scored; None if the training rows themselves are inspected."""
        return None if self.inspects_training else self.inspected

    @cached_property
    def coordinates(self) -> NDArray[Any]:
        """(M, k) scaled PCA scores of the inspected rows: where the model sees them."""
        if not self.inspects_training:
            return _array(self.classifier.transform(self.inspected.features))
        known, others = self.train_coordinates, np.ones(len(self.train), dtype=bool)
        if np.array_equal(self.fitted_on, np.arange(len(others))):
            return known
        others[self.fitted_on] = False
        coordinates = np.empty((len(others), known.shape[1]), known.dtype)
        coordinates[self.fitted_on] = known
        if others.any():
            coordinates[others] = _array(self.classifier.transform(self.train.features[others]))
        return coordinates

    @cached_property
    def train_coordinates(self) -> NDArray[Any]:
        """(n, k) scaled PCA scores of the rows the model was fitted on."""
        return _array(self.classifier.transform(self.train.features[self.fitted_on]))

    def relabelled(self, labels: NDArray[np.int8]) -> Analysis:
        """The same analysis with other (M,) labels of the inspected rows."""
        inspected = replace(self.inspected, labels=labels)
        other = replace(self, inspected=inspected, train=inspected if self.inspects_training else self.train)
        for name in ("coordinates", "train_coordinates"):
            if name in vars(self):
                vars(other)[name] = vars(self)[name]
        return other


class Estimate(NamedTuple):
    """What a fit will cost."""

    seconds: float
    """Fitting, leave-one-out scores and scores."""
    bytes: int
    """Peak memory above the data itself."""


def analyse(
    train: EmbeddingSet | Features,
    score: EmbeddingSet | Features | None = None,
    settings: Settings | None = None,
    device: str | torch.device = "auto",
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Analysis:
    """Fit on `train`, score `score` (or, without one, `train` itself, each row left out of its own score).

    Args:
        train: (N, D) rows, mostly normal.
        score: (M, D) rows to inspect.
        settings: the model's knobs; the defaults if None.
        device: "auto" picks CUDA, then Apple's GPU, then the CPU. When a GPU's memory runs out, blocks are
            halved first, and then the CPU takes over, with a warning.
        on_progress: told after every block of rows.
        cancelled: asked after every block of rows.

    Raises:
        DataError: the data cannot be fitted or scored.
        Cancelled: `cancelled` said yes.
    """
    train, score = _as_set(train, "training data"), None if score is None else _as_set(score, "scored data")
    settings = settings or Settings()
    chosen = resolve_device(device)
    watch = _Watch(on_progress, cancelled)
    try:
        return _analyse(train, score, settings, chosen, watch, ())
    except RuntimeError as error:
        if chosen.type == "cpu" or not is_out_of_memory(error):
            raise
        note = f"{device_name(chosen)} ran out of memory: computed on the CPU"
    return _analyse(train, score, settings, torch.device("cpu"), watch, (note,))


def _analyse(
    train: EmbeddingSet,
    score: EmbeddingSet | None,
    settings: Settings,
    device: torch.device,
    watch: _Watch,
    notes: tuple[str, ...],
) -> Analysis:
    timings: dict[str, float] = {}
    classifier, fitted = KDEClassifier(**settings.to_dict()).to(device), train.to_fit
    if score is not None and len(score) == 0:
        raise DataError(f"{score.name}: there are no rows to score: load some, or score the training rows")
    with _timed(timings, "fit"), watch.stage(FITTING) as on_block:
        subset = (settings.max_training_points, settings.seed)
        axes_of = _AXES.of((fitted.digest, subset if len(fitted) > subset[0] else None))
        report = classifier.fit_report(
            fitted.features, axes_of=axes_of, digest=fitted.digest, on_block=on_block
        )
    if not report.fitted:
        raise DataError(
            f"{train.name}: {len(fitted)} rows are fewer than {settings.n_pca_components} components: "
            "load more rows or lower the number of components"
        )
    fitted_on = _array(classifier.training_rows)
    if fitted is not train and train.excluded is not None:
        fitted_on = np.flatnonzero(~train.excluded)[fitted_on]
    with _timed(timings, "leave_one_out"), watch.stage(SCORING_TRAINING) as on_block:
        train_scores = _array(classifier.leave_one_out_scores(on_block=on_block))
    with _timed(timings, "score"), watch.stage(SCORING) as on_block:
        if score is None:
            scores = log_densities(classifier, train, fitted_on, on_block, train_scores)
        else:
            scores = log_densities(classifier, score, fitted_on[:0], on_block)
    analysis = Analysis(
        settings=settings,
        classifier=classifier,
        train=train,
        inspected=train if score is None else score,
        fitted_on=fitted_on,
        train_scores=train_scores,
        scores=scores,
        warnings=(*notes, *report.warnings, *_contamination(train, fitted_on), *_optimism(classifier)),
        timings=timings,
        provenance=_provenance(classifier, train, score, device),
    )
    if report.points is not None:
        vars(analysis)["train_coordinates"] = _array(report.points.to(classifier.result_dtype))
    return analysis


def _contamination(train: EmbeddingSet, fitted_on: NDArray[np.int64]) -> tuple[str, ...]:
    labelled = 0 if train.labels is None else int((train.labels[fitted_on] == ANOMALOUS).sum())
    if not labelled:
        return ()
    return (
        f"{labelled} of the {len(fitted_on)} training rows are labelled anomalous: the model learns them as "
        "normal, and the alarm budget counts them",
    )


def _optimism(classifier: KDEClassifier) -> tuple[str, ...]:
    """Leaving one row out leaves its share in the axes and the covariance, which shows when rows are few.

    Measured with Gaussian rows: a budget of 5 % gave 5 to 6 % at 60 rows per component, up to 9 % at 30.
    """
    n, k = len(classifier.training_rows), classifier.n_components_
    if n >= _ROWS_PER_COMPONENT * k:
        return ()
    return (
        f"only {n} training rows for {k} components: expect more false alarms than shown; "
        "use fewer components or more rows",
    )


def estimate(
    n: int, d: int, settings: Settings, device: str | torch.device = "auto", scored: int = 0
) -> Estimate:
    """Predict what `analyse` costs for (n, d) training rows and `scored` others, before it runs.

    The speeds are measured once per device, in some milliseconds; expect a factor of two either way.
    """
    chosen = resolve_device(device)
    points = min(n, settings.max_training_points)
    asked = settings.n_pca_components
    k = min(asked if isinstance(asked, int) else 32, d, points)
    # Near component counts share a measurement: a slider passes through many.
    gram, pairs = _speeds(chosen, 1 << (k - 1).bit_length())
    smaller = min(points, d)
    rows = points + (scored or n - points)
    multiply_adds = points * d * smaller + 10 * smaller**3 + 2 * rows * d * k
    seconds = multiply_adds / gram + rows * points / pairs
    # Measured: an eigendecomposition peaks at some seven Gram matrices; rows wider than many are held whole.
    numbers = 8 * smaller**2 + (3 * points * d if points < d else 0) + 4 * points * k
    return Estimate(seconds, 8 * numbers + 100 * 2**20)


@lru_cache(maxsize=64)
def _speeds(device: torch.device, k: int) -> tuple[float, float]:
    """(multiply-adds per second of a Gram matrix, kernel pairs per second in k dimensions)."""
    generator = torch.Generator().manual_seed(0)
    block = torch.randn(2048, 256, dtype=working_dtype(device), generator=generator).to(device)
    points = torch.randn(4096, k, dtype=working_dtype(device), generator=generator).to(device)
    gram = _seconds(lambda: block.T @ block, device)
    pairs = _seconds(lambda: KernelSums(points, torch.float32).at(points[:1024]), device)
    return block.numel() * 256 / gram, 1024 * 4096 / pairs


def _seconds(work: Callable[[], Tensor], device: torch.device) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        work().flatten()[0].item()  # waits for the device
        best = min(best, time.perf_counter() - start)
    return best


class _Watch:
    """Passes progress on, and turns the caller's `cancelled()` into an exception."""

    def __init__(self, on_progress: OnProgress | None, cancelled: Callable[[], bool] | None) -> None:
        self._on_progress = on_progress
        self._cancelled = cancelled

    @contextmanager
    def stage(self, name: str) -> Iterator[OnBlock]:
        """Reports 0 at the start, 1 at the end, and whatever the blocks in between say."""
        reported = -1.0

        def on_block(done: int, total: int) -> None:
            nonlocal reported
            if self._cancelled is not None and self._cancelled():
                raise Cancelled(f"cancelled while {name[0].lower()}{name[1:]}")
            reported = done / max(total, 1)
            if self._on_progress is not None:
                self._on_progress(name, reported)

        on_block(0, 1)
        yield on_block
        if reported < 1:
            on_block(1, 1)


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[name] = time.perf_counter() - start


def _as_set(rows: EmbeddingSet | Features, name: str) -> EmbeddingSet:
    if isinstance(rows, EmbeddingSet):
        return rows
    if isinstance(rows, Tensor):
        # numpy has no bfloat16.
        rows = (rows.float() if rows.dtype == torch.bfloat16 else rows).detach().cpu().numpy()
    return EmbeddingSet.from_array(np.atleast_1d(rows), name)


def _array(values: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = values.cpu().numpy()
    return array


def _provenance(
    classifier: KDEClassifier, train: EmbeddingSet, score: EmbeddingSet | None, device: torch.device
) -> dict[str, Any]:
    return {
        "train_name": train.name,
        "train_digest": classifier.data_digest,
        "train_shape": list(train.features.shape),
        "train_changes": list(train.changes),
        "score_name": None if score is None else score.name,
        "score_digest": None if score is None else score.digest,
        "seed": classifier.settings.seed,
        "device": device_name(device),
        "kdeviz_version": __version__,
        "torch_version": torch.__version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
