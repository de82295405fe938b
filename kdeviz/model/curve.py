"""ProbabilityCurve: from log density to a probability of being anomalous."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.errors import DataError, OptionError
from kdeviz.settings import as_python_number, is_between
from kdeviz.wording import shown

_LARGEST = sys.float_info.max
Values = TypeVar("Values", Tensor, NDArray[Any])


@dataclass(frozen=True)
class ProbabilityCurve:
    """Probability of being anomalous = 1 / (1 + exp(steepness (log density - midpoint))).

    An uncalibrated logistic curve; the defaults are anomalib's. In float32 it is exactly 1 below a log
    density of about -321, so rankings and thresholds use the log density itself.

    Attributes:
        midpoint: the log density, in nats, that gets probability 1/2.
        steepness: per nat, positive: lower density means more probably anomalous.
    """

    midpoint: float = 12.0
    steepness: float = 0.05

    def __post_init__(self) -> None:
        if not is_between(self.midpoint, -_LARGEST, _LARGEST):
            raise OptionError(f"midpoint={shown(self.midpoint)} is not possible: give a finite log density")
        if not is_between(self.steepness, 0, _LARGEST) or not self.steepness:
            raise OptionError(
                f"steepness={shown(self.steepness)} is not possible: give a positive number per nat"
            )
        object.__setattr__(self, "midpoint", as_python_number(self.midpoint))
        object.__setattr__(self, "steepness", as_python_number(self.steepness))

    @property
    def is_default(self) -> bool:
        """Whether it is the curve of anomalib, which nothing about the data has chosen."""
        return self == ProbabilityCurve()

    @property
    def name(self) -> str:
        """What to call its values: with the default curve nobody may take them for shares of samples."""
        return "uncalibrated probability" if self.is_default else "probability"

    @property
    def about(self) -> str:
        """What its values are, and what they are not."""
        rough = " Uncalibrated: nothing about these data chose that curve, so take it as rough."
        return "The probability of being anomalous, read off the probability curve." + rough * self.is_default

    def __call__(self, log_density: Values) -> Values:
        """Probabilities, elementwise, of the same kind, shape and dtype (whole numbers give float64).

        Computed in float64, one number like the other, so that a probability is the same wherever it is
        asked for, down to the smallest that the dtype holds.

        Raises:
            DataError: not real numbers.
        """
        if isinstance(log_density, Tensor):
            values = log_density.detach().cpu()
            found = torch.from_numpy(np.asarray(self._of(values.double().numpy())))
            dtype = values.dtype if values.is_floating_point() else torch.float64
            return found.to(dtype).to(log_density.device)
        try:
            values = np.asarray(log_density)
        except ValueError as error:  # rows of unequal length
            raise DataError(f"log densities cannot be read as an array: {error}") from None
        if values.dtype.kind not in "fiub":
            raise DataError(f"log densities need to be real numbers, got {values.dtype}: convert them first")
        return self._of(values.astype(np.float64)).astype(values.dtype if values.dtype.kind == "f" else float)

    def _of(self, log_density: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(over="ignore"):
            return logistic(self.steepness * (self.midpoint - log_density))

    def inverse(self, probability: float) -> float:
        """The log density that has this probability; 0 and 1 give +inf and -inf."""
        if not is_between(probability, 0, 1):
            raise OptionError(f"probability={shown(probability)} is not possible: give a number from 0 to 1")
        if probability in (0, 1):
            return math.inf if probability == 0 else -math.inf
        return self.midpoint - math.log(probability / (1 - probability)) / self.steepness


def logistic(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + exp(-z)) to full relative precision: a small probability is not what is left of 1."""
    small = np.exp(-np.abs(log_odds))
    return np.asarray(np.where(log_odds > 0, 1.0, small) / (1 + small))
