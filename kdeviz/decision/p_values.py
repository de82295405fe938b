"""p-values of scores: how seldom a new normal sample scores so low."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.decision.given import given_mask, given_numbers
from kdeviz.errors import DataError


def p_values(
    calibration: NDArray[Any], scores: NDArray[Any], known: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """(M,) conformal p-values, (1 + calibration scores at or below the score) / (c + 1).

    A new normal row is as likely to have any place among the c held-out scores, whatever their distribution:
    of such rows at most a share p has a p-value up to p (Vovk, Gammerman and Shafer, Algorithmic Learning in
    a Random World, 2005). So none is below 1 / (c + 1).

    Args:
        calibration: (c,) held-out log densities, ascending; equal rows once.
        scores: (M,) log densities.
        known: (M,) whether a row's own score is one of the calibration's; it does not count then.

    Raises:
        DataError: an array is not of its kind, has another length, or the calibration is not sorted.
    """
    calibration, scores = given_numbers(calibration, "calibration scores"), given_numbers(scores)
    if (calibration[1:] < calibration[:-1]).any():
        raise DataError("calibration scores need to be in ascending order: sort them first")
    if known is not None and len(known := given_mask(known, "known")) != len(scores):
        raise DataError(f"{len(scores)} scores, and {len(known)} values of known: give one per score")
    below = np.searchsorted(calibration, scores, side="right").astype(np.float64)
    own = np.zeros(len(scores)) if known is None else known.astype(np.float64)
    found: NDArray[np.float64] = (1 + below - own) / (len(calibration) + 1 - own)
    return np.clip(found, 1 / (len(calibration) + 1), 1.0)
