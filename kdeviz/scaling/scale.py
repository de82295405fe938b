"""Lengths count too."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from kdeviz.scaling.scaling import Scaling, or_one

if TYPE_CHECKING:
    from torch import Tensor


class Scale(Scaling):
    """Divides every row by the largest length seen in training."""

    name = "scale"
    is_unit = True
    title = "Keep lengths (scale)"
    effect = "keeps its distance from the average"
    formula = r"$z / \max_i |z_i|$"

    def apply(self, scores: Tensor, longest: Tensor) -> Tensor:
        """Training rows of length 1 at most."""
        return scores / or_one(longest)

    def jacobian(self, scores: Tensor, longest: Tensor) -> Tensor:
        """1 / L."""
        return (scores.new_ones(len(scores)) / or_one(longest)).diag()

    def log_volume(self, k: int, longest: Tensor) -> float:
        """Of 1 / L in every dimension."""
        return -k * math.log(float(longest))
