"""Held-out scores: every training row as a model sees it that has seen neither the row nor its copies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.data import OnBlock, Rows, working_dtype
from kdeviz.errors import DataError
from kdeviz.model.fold_axes import FoldAxes
from kdeviz.model.kde import GaussianKDE
from kdeviz.model.pca import without_rounding
from kdeviz.model.principal_axes import ALL, PrincipalAxes, principal_axes
from kdeviz.scaling import row_lengths

if TYPE_CHECKING:
    from kdeviz.model.classifier import KDEClassifier

_COLUMNS = 512


class HeldOut(NamedTuple):
    """What holding out the training rows gave."""

    scores: Tensor
    """(n,) log densities in nats."""
    axes: tuple[FoldAxes | None, ...]
    """Per fold; None where they would have to be found again."""


@torch.no_grad()
def hold_out(
    classifier: KDEClassifier,
    rows: Rows,
    folds: NDArray[np.int64],
    axes: PrincipalAxes,
    on_block: OnBlock | None = None,
) -> HeldOut:
    """Score the rows of each fold with a model of all the others: their axes, their scaling, their density.

    Every fold keeps as many components as the whole model did. Where the scaling only changes the unit of
    length, log densities are in the unit of the whole model, in which new rows are scored.

    Args:
        classifier: the model of all rows.
        rows: (n, D) those it was fitted on.
        folds: (n,) see `fold_numbers`.
        axes: of all rows; found with these folds, a second pass over the rows is not needed.
        on_block: called after each block of rows.

    Raises:
        DataError: the rows without a fold cannot carry so many components.
    """
    k, done = classifier.n_components_, 0
    scores = classifier.max_length.new_empty(len(rows), dtype=classifier.result_dtype)
    found = _axes(rows, folds, axes, k)
    density = GaussianKDE(classifier.settings.bandwidth).to(classifier.device)
    density.kernel = classifier.kde_model.kernel
    floor = classifier.pca_model.floor(rows) if classifier.settings.scaling.of_directions else None
    for number, (others, fold) in enumerate(_places(rows, folds, found, k)):
        inside = torch.from_numpy(np.flatnonzero(folds == number)).to(scores.device)
        if floor is not None:
            outside = torch.from_numpy(np.flatnonzero(folds != number)).to(scores.device)
            # Axes of all rows are on the CPU, whatever device the model is on.
            others = without_rounding(others, floor[outside].to(others.device))
            fold = without_rounding(fold, floor[inside].to(fold.device))
        told = None if on_block is None else _part(on_block, done, len(rows))
        scores[inside] = _scored(classifier, density, others, fold, told)
        done += len(fold)
    return HeldOut(scores, tuple(None if each.vectors is None else each for each in found))


def _axes(rows: Rows, folds: NDArray[np.int64], axes: PrincipalAxes, k: int) -> list[FoldAxes]:
    """Of every fold; DataError if one has fewer than k."""
    numbers = range(int(folds.max()) + 1)
    if len(numbers) > 1 and axes.grams is not None:
        found = list(axes.grams.axes(axes.basis, k))
        if not any(_too_weak(each, axes, rows) for each in found):
            return found
    elif len(numbers) > 1:
        parts = [rows.select(np.flatnonzero(folds != number)) for number in numbers]
        with suppress(DataError):  # all rows of one are equal, or there is only one
            standardise = axes.deviations is not None
            own = [principal_axes(part, axes.mean.device, k, standardise=standardise) for part in parts]
            if all(each.rank >= k for each in own):
                return [_leading(each, part, k) for each, part in zip(own, parts, strict=True)]
    raise DataError(f"without some of its {len(rows)} rows the model would keep fewer than {k} components")


def _leading(axes: PrincipalAxes, rows: Rows, k: int) -> FoldAxes:
    return FoldAxes(axes.variances[:k], axes.mean, axes.vectors(rows, k), deviations=axes.deviations)


def _too_weak(fold: FoldAxes, axes: PrincipalAxes, rows: Rows) -> bool:
    """Whether the last component of a fold is one of rounding."""
    if not torch.isfinite(fold.variances).all():
        return True
    highest, lowest = fold.variances.clamp_min(0).sqrt()[[0, -1]].tolist()
    return bool(lowest <= axes.floor(rows, highest))


def _places(
    rows: Rows, folds: NDArray[np.int64], found: list[FoldAxes], k: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """For each fold the PCA scores of the other rows and of its own; the rows are read once for several."""
    if found[0].vectors is None:
        for each in found:
            assert each.others is not None and each.fold is not None
            yield each.others, each.fold
        return
    at_once = max(_COLUMNS // k, 1)
    for first in range(0, len(found), at_once):
        some = found[first : first + at_once]
        scores = _projected(rows, some, k)
        for i in range(len(some)):
            own, inside = scores[:, i * k : i * k + k], folds == first + i
            others, fold = (
                torch.from_numpy(np.flatnonzero(part)).to(own.device) for part in (~inside, inside)
            )
            yield own.index_select(0, others), own.index_select(0, fold)


def _projected(rows: Rows, some: list[FoldAxes], k: int) -> Tensor:
    """(n, k F) PCA scores of the rows by each of the axes."""
    vectors = torch.cat([each.projection for each in some], 1)
    means = torch.stack([each.mean for each in some if each.mean is not None])
    shift = means.mean(0)
    origins = torch.cat([(mean - shift) @ vectors[:, i * k : i * k + k] for i, mean in enumerate(means)])
    scores = vectors.new_empty(len(rows), vectors.shape[1])
    for place, block in rows.stream(vectors.dtype, vectors.device):
        scores[place] = torch.addmm(-origins, block.sub_(shift), vectors)
    return scores


def _scored(
    classifier: KDEClassifier, density: GaussianKDE, others: Tensor, fold: Tensor, on_block: OnBlock | None
) -> Tensor:
    """(m,) log densities of the fold's PCA scores under the density of the others', which is fitted here."""
    device, scaling = classifier.device, classifier.settings.scaling
    others, fold = (each.to(device, working_dtype(device)) for each in (others, fold))
    longest = _longest(classifier, others)
    density.fit(scaling.apply(others, longest))
    scorer, queries = density.scorer(classifier.result_dtype), scaling.apply(fold, longest)
    spans = Rows(queries).spans(on_block, density.rows_per_block)
    return torch.cat([scorer.log_prob(queries[start:stop]) for start, stop in spans])


def _longest(classifier: KDEClassifier, others: Tensor) -> Tensor:
    """The largest length of the other rows; of all rows where that is but the unit."""
    return classifier.max_length if classifier.settings.scaling.is_unit else row_lengths(others).max()


@torch.no_grad()
def fold_model(classifier: KDEClassifier, rows: Rows, known: FoldAxes | None) -> KDEClassifier:
    """The model of all rows but a fold, from whose density the fold has its held-out scores.

    Args:
        classifier: the model of all rows.
        rows: (n - m, D) those outside the fold.
        known: their axes; found again if None.
    """
    k = classifier.n_components_
    settings = replace(classifier.settings, n_pca_components=k)
    model = type(classifier)(**settings.to_dict()).to(classifier.device)
    if known is None or known.mean is None or known.vectors is None:
        axes = principal_axes(rows, classifier.device, k, standardise=settings.standardise)
    else:
        axes = PrincipalAxes(
            known.mean, known.variances, known.vectors, ALL, 0.0, deviations=known.deviations
        )
    stack, _ = model.take(axes, rows, classifier.pca_model.rounding)
    longest = _longest(classifier, stack)
    if longest != model.max_length:
        model.max_length = longest
        model.kde_model.fit(model.settings.scaling.apply(stack, longest))
    model.result_dtype, model.kernel = classifier.result_dtype, classifier.kde_model.kernel
    return model


def _part(on_block: OnBlock, before: int, total: int) -> OnBlock:
    """Progress in a part, told as progress in the whole."""
    return lambda done, _: on_block(before + done, total)
