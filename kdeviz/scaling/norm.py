"""Directions only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kdeviz.scaling.scaling import Scaling, or_one, row_lengths

if TYPE_CHECKING:
    from torch import Tensor


class Norm(Scaling):
    """Divides each row by its own length; a row of length zero stays zero."""

    name = "norm"
    title = "Directions only (norm)"
    of_directions = True
    effect = "keeps only its direction"
    formula = r"$z / |z|$"

    def apply(self, scores: Tensor, longest: Tensor) -> Tensor:
        """Rows of length 1."""
        return scores / or_one(row_lengths(scores))

    def jacobian(self, scores: Tensor, longest: Tensor) -> Tensor:
        """(1 - x xᵀ) / |s| at x = s / |s|; 0 where there is no direction."""
        length = row_lengths(scores[None])[0, 0]
        if length <= 0:
            return scores.new_zeros(len(scores), len(scores))
        point = scores / length
        return (point.new_ones(len(point)).diag() - point.outer(point)) / length

    def remarks(self, scores: Tensor) -> Iterator[str]:
        """How many rows have no direction."""
        if count := int((scores == 0).all(1).sum()):
            rows = "1 training row lies" if count == 1 else f"{count} training rows lie"
            yield f"{rows} at the mean, up to rounding, without a direction: kept at zero"
