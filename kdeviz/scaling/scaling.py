"""What a scaling method is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import Tensor


class Scaling(ABC):
    """One way to scale PCA scores. All that a method may learn in training is the largest row length."""

    name: ClassVar[str]
    """As in `Settings.feature_scaling_method`, in commands and in files."""
    title: ClassVar[str]
    """As the app offers it."""
    is_unit: ClassVar[bool] = False
    """Whether it divides all rows by one length, and so only changes the unit."""
    of_directions: ClassVar[bool] = False
    """Whether a row of any length counts like another, and one that only rounding keeps from 0 must be 0."""
    effect: ClassVar[str]
    """What it does to a sample, to follow its name in a sentence."""
    formula: ClassVar[str] = ""
    """The same in LaTeX, for a row z of PCA scores."""

    @abstractmethod
    def apply(self, scores: Tensor, longest: Tensor) -> Tensor:
        """(M, k) PCA scores to (M, k) scaled ones, without changing them.

        Args:
            scores: floating-point numbers.
            longest: (), the largest row length seen in training; 0 if there were no rows.
        """

    @abstractmethod
    def jacobian(self, scores: Tensor, longest: Tensor) -> Tensor:
        """(k, k) derivatives of the scaled row, down, by the (k,) PCA scores of one row, across."""

    def log_volume(self, k: int, longest: Tensor) -> float:
        """Log determinant of the Jacobian in k dimensions, in nats, where it is the same for every row.

        The log density of the scores before scaling is the model's plus this. Otherwise 0: then log densities
        are those of the scaled scores.
        """
        return 0.0

    def remarks(self, scores: Tensor) -> Iterator[str]:
        """What a person should know about these (n, k) PCA scores of the training rows, a sentence each."""
        yield from ()


def row_lengths(scores: Tensor) -> Tensor:
    """(M, 1) lengths of the rows; divided by the largest entry first, no square overflows or vanishes."""
    largest = scores.abs().amax(1, keepdim=True)
    shares = scores / or_one(largest)
    lengths: Tensor = largest * shares.square().sum(1, keepdim=True).sqrt()
    return lengths


def or_one(divisor: Tensor) -> Tensor:
    """The divisor, but 1 where it is 0: what has no length stays as it is."""
    return divisor.masked_fill(divisor <= 0, 1)
