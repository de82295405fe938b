"""Eigenvectors of symmetric matrices: all of them, or the leading few."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from kdeviz.threads import threads_sleep

# With fewer dimensions than this many times the block, all eigenvectors are found as fast as a few.
_WORTHWHILE = 8
_SMALL = 256
_SPARE = 8
_ROUNDS, _STEPS = 8, 4
# Of the gap behind the last eigenvalue: the sine of the largest angle to the exact span.
_TOLERANCE = 1e-7


def eigenvectors(gram: Tensor) -> tuple[Tensor, Tensor]:
    """All eigenvalues, ascending, and eigenvectors of a matrix whose upper triangle is filled.

    On the CPU by numpy: torch's threads wait for each other thousands of times. Measured, that takes up to
    twice as long where they sleep meanwhile (as in the app), and ten times where they share busy cores. But
    where they do not sleep, they are in the way of numpy's: three times as long for small matrices. scipy's
    is numpy's routine, but lets no other thread of Python run until it is done.
    """
    if gram.device.type != "cpu" or (len(gram) <= _SMALL and not threads_sleep()):
        values, vectors = torch.linalg.eigh(gram, UPLO="U")
        return values, vectors
    values, vectors = map(torch.from_numpy, np.linalg.eigh(gram.numpy(), UPLO="U"))
    return values, vectors


def krylov_block(k: int) -> int:
    """How many columns to search for k eigenvectors with."""
    return k + _SPARE + k // 4


def is_searched(d: int, k: int) -> bool:
    """Whether k eigenvectors of a (d, d) matrix are searched for; otherwise all are found."""
    return d > _WORTHWHILE * krylov_block(k)


def leading_eigenvectors(gram: Tensor, k: int, start: Tensor) -> tuple[Tensor, Tensor]:
    """The k largest eigenvalues, descending, and their eigenvectors (d, k).

    Rounds of a block Krylov space with Rayleigh-Ritz (Saad, Numerical Methods for Large Eigenvalue Problems,
    2011, chapters 5 and 6) from a guess; where they do not come to rest, all eigenvectors are found. So the
    guess decides how long it takes, and not what comes out.

    Args:
        gram: (d, d), both triangles filled.
        k: at most d.
        start: (d, b) independent columns, b > k.
    """
    b = start.shape[1]
    if len(gram) > _WORTHWHILE * b and k < b:
        block = _orthonormal(start)
        for _ in range(_ROUNDS):
            values, block, error = _round(gram, block, k)
            if error <= _TOLERANCE * float(values[k - 1] - values[k]):
                return values[:k], block[:, :k].contiguous()
    values, vectors = eigenvectors(gram)
    return values.flip(0)[:k], vectors[:, -k:].flip(1)


def _round(gram: Tensor, block: Tensor, k: int) -> tuple[Tensor, Tensor, float]:
    """Better eigenvalues and eigenvectors, descending, and the largest residual of the first k."""
    spaces = [block]
    for _ in range(_STEPS):
        spaces.append(_orthonormal(gram @ spaces[-1]))
    basis = _orthonormal(torch.cat(spaces, 1))
    image = gram @ basis
    values, weights = eigenvectors(basis.T @ image)
    values, weights = values.flip(0)[: block.shape[1]], weights.flip(1)[:, : block.shape[1]]
    block = basis @ weights
    residual = image @ weights[:, :k] - block[:, :k] * values[:k]
    return values, block, float(torch.linalg.vector_norm(residual, dim=0).max())


def _orthonormal(columns: Tensor) -> Tensor:
    basis: Tensor = torch.linalg.qr(columns).Q
    return basis
