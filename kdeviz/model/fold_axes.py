"""Principal axes of all rows but a fold, for every fold, from what one pass over the rows gave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.data import Rows
from kdeviz.model.eigenvectors import krylov_block, leading_eigenvectors
from kdeviz.model.standardising import deviations_of, weights_of

_PANEL = 128
# Where all squares are so many times those outside a fold, a difference of the two would lose their digits.
_FAR_OUT = 1e6


class FoldAxes(NamedTuple):
    """The first k principal axes of the rows outside one fold."""

    variances: Tensor
    """(k,), as in `PrincipalAxes`."""
    mean: Tensor | None
    """(D,); None where the Gram matrix of the rows gave the scores themselves."""
    vectors: Tensor | None
    """(D, k)"""
    others: Tensor | None = None
    """(n - m, k) PCA scores of the rows outside the fold, where these are known already."""
    fold: Tensor | None = None
    """(m, k) PCA scores of the fold's rows."""
    deviations: Tensor | None = None
    """(D,), as in `PrincipalAxes`, of the rows outside the fold; None also where the scores are known."""

    @property
    def projection(self) -> Tensor:
        """(D, k) what centred rows are multiplied by."""
        assert self.vectors is not None
        return (
            self.vectors if self.deviations is None else weights_of(self.deviations)[:, None] * self.vectors
        )


class TallGrams:
    """Sums over the parts of (N, D) rows, N >= D.

    Args:
        shift: (D,), near the mean, in `unit`.
        parts: how many.
        unit: of the rows, see `PrincipalAxes`; (D,) where features are standardised.
        floor: (D,) see `deviations_of`; then features are standardised.
        kept: how many of the parts, the last ones, belong to no fold.
    """

    def __init__(
        self, shift: Tensor, parts: int, unit: float | Tensor, floor: Tensor | None = None, kept: int = 0
    ) -> None:
        d, self._folds = len(shift), parts - kept
        self._shift, self.unit, self._floor = shift, unit, floor
        self._counts = shift.new_zeros(parts)
        self._totals = shift.new_zeros(parts, d)
        self._grams = shift.new_zeros(parts, d, d)  # upper triangles

    @property
    def nbytes(self) -> int:
        """Of all matrices."""
        return int(self._grams.nbytes)

    def add(self, block: Tensor, numbers: NDArray[np.int64]) -> Tensor:
        """Add (B, D) rows to the parts with these (B,) numbers; the block is overwritten.

        Returns:
            (B,) the lengths of the rows in `unit`.
        """
        lengths: Tensor = torch.linalg.vector_norm(block.div_(self.unit), dim=1)
        block.sub_(self._shift)
        for number in np.unique(numbers):
            mine = np.flatnonzero(numbers == number)
            rows = block if len(mine) == len(block) else block[torch.from_numpy(mine).to(block.device)]
            self._counts[number] += len(rows)
            self._totals[number] += rows.sum(0)
            add_products(self._grams[number], rows)
        return lengths

    def merge(self, other: TallGrams) -> None:
        """Add the rows that another one has of the same parts, about the same shift."""
        self._counts += other._counts
        self._totals += other._totals
        self._grams += other._grams

    def with_folds(self, rows: Rows, numbers: NDArray[np.int64]) -> TallGrams:
        """The same rows, of which these (n, D) are held out in these (n,) folds, and all others never."""
        sums = TallGrams(self._shift, int(numbers.max()) + 2, self.unit, self._floor, kept=1)
        for place, block in rows.stream(self._shift.dtype, self._shift.device):
            sums.add(block, numbers[place])
        for own, whole in (
            (sums._counts, self._counts), (sums._totals, self._totals), (sums._grams, self._grams)
        ):  # fmt: skip
            own[-1] = whole.sum(0) - own[:-1].sum(0)
        return sums

    @property
    def count(self) -> int:
        """How many rows there are."""
        return int(self._counts.sum())

    def whole(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """Of all rows their mean, their centred Gram matrix, and their deviations if they are standardised.

        The upper triangle is filled, in `unit` or, of standardised features, in no unit.
        """
        gram = self._grams[0] if len(self._grams) == 1 else self._grams.sum(0)
        return self._centred(gram, self._totals.sum(0), float(self._counts.sum()))

    def _centred(self, gram: Tensor, total: Tensor, count: float) -> tuple[Tensor, Tensor, Tensor | None]:
        rest, raw = total / count, gram.diagonal().clone()
        mean, gram = (self._shift + rest) * self.unit, gram.sub_(torch.outer(rest, total))
        if self._floor is None:
            return mean, gram, None
        deviations = deviations_of(gram.diagonal(), raw, count, self._floor)
        weights = weights_of(deviations)
        return mean, gram.mul_(weights).mul_(weights[:, None]), deviations * self.unit

    def axes(self, basis: Tensor, k: int) -> Iterator[FoldAxes]:
        """The axes without each fold in turn.

        Args:
            basis: of all rows, as in `PrincipalAxes`; what is searched from.
            k: at most the rank of the rows.
        """
        gram, total, count = self._grams.sum(0), self._totals.sum(0), float(self._counts.sum())
        for number, fold in enumerate(self._grams[: self._folds]):
            left = count - float(self._counts[number])
            rest, sums = gram - fold, total - self._totals[number]
            if self._floor is not None and (gram.diagonal() > _FAR_OUT * rest.diagonal()).any():
                others = torch.arange(len(self._grams), device=gram.device) != number
                rest, sums = self._grams[others].sum(0), self._totals[others].sum(0)
            mean, without, deviations = self._centred(rest, sums, left)
            squares, vectors = leading_eigenvectors(without, k, basis[:, : krylov_block(k)])
            yield FoldAxes(squares / (left - 1), mean, vectors, deviations=deviations)


class WideGram(NamedTuple):
    """Inner products of (N, D) rows, N < D: all that their PCA scores depend on."""

    grams: tuple[Tensor, ...]
    """(N, N), both triangles filled: one; or, of standardised features, one for every fold, with the
    deviations of the rows outside it."""
    folds: NDArray[np.int64]
    """(N,)"""
    unit: float
    """Of the rows; see `PrincipalAxes`."""

    @property
    def nbytes(self) -> int:
        """Of the matrices."""
        return sum(int(gram.nbytes) for gram in self.grams)

    def axes(self, basis: Tensor, k: int) -> Iterator[FoldAxes]:
        """See `TallGrams.axes`."""
        for number in range(int(self.folds.max()) + 1):
            gram = self.grams[number if len(self.grams) > 1 else 0]
            inside = torch.from_numpy(self.folds == number).to(gram.device)
            own, cross = gram[~inside][:, ~inside], gram[inside][:, ~inside]
            mean = own.mean(0)
            cross = cross - cross.mean(1, keepdim=True) - (mean - mean.mean())
            own = own - mean - (mean - mean.mean())[:, None]
            squares, vectors = leading_eigenvectors(own, k, basis[~inside, : krylov_block(k)])
            lengths = squares.clamp_min(0).sqrt()
            variances = squares / (len(own) - 1)
            others, fold = vectors * lengths * self.unit, cross @ vectors / lengths * self.unit
            yield FoldAxes(variances, None, None, others, fold)


FoldGrams = TallGrams | WideGram
"""Gram matrices from which the axes without a fold are found."""


def add_products(gram: Tensor, block: Tensor) -> None:
    """Add blockᵀ block to the upper triangle: panel by panel, near half the work of the whole."""
    for start in range(0, len(gram), _PANEL):
        gram[start : start + _PANEL, start:].addmm_(block[:, start : start + _PANEL].T, block[:, start:])
