"""Eigenvectors of symmetric matrices: all of them, or the leading few."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from kdeviz.data import threads_sleep

# On two cores torch needs half as much processor time again as one thread: it pays where there are more.
_SMALL, _LARGE = 256, 2048
_STEPS, _MOST_ROUNDS = 4, 8
_SPARE = 8
# Of the gap behind the last eigenvalue: the sine of the largest angle to the exact span.
_TOLERANCE = 1e-7


def eigenvectors(gram: Tensor) -> tuple[Tensor, Tensor]:
    """All eigenvalues, ascending, and eigenvectors of a matrix whose upper triangle is filled.

    On the CPU by numpy with one thread, or by torch with several where that is faster, if threads were set up
    by `sleep_while_waiting`. Otherwise those of both spin when they wait, and are in each other's way: torch
    decomposes what is small, numpy the rest. scipy's routine is numpy's, but lets no other thread of Python
    run until it is done.
    """
    by_torch = len(gram) > _LARGE if threads_sleep() else len(gram) <= _SMALL
    if gram.device.type != "cpu" or by_torch:
        values, vectors = torch.linalg.eigh(gram, UPLO="U")
        return values, vectors
    values, vectors = map(torch.from_numpy, np.linalg.eigh(gram.numpy(), UPLO="U"))
    return values, vectors


def krylov_block(k: int) -> int:
    """How many columns to search for k eigenvectors with."""
    return k + _SPARE + k // 4


def is_searched(d: int, k: int) -> bool:
    """Whether k eigenvectors of a (d, d) matrix are searched for; otherwise all are found."""
    return _rounds(d, krylov_block(k)) > 1


def leading_eigenvectors(gram: Tensor, k: int, start: Tensor) -> tuple[Tensor, Tensor]:
    """The k largest eigenvalues, descending, and their eigenvectors (d, k).

    Rounds of a block Krylov space with Rayleigh-Ritz (Saad, Numerical Methods for Large Eigenvalue Problems,
    2011, chapters 5 and 6) from a guess; where they will not come to rest in time, as in noise without
    structure, all eigenvectors are found. So the guess decides how long it takes, and not what comes out.

    Args:
        gram: (d, d), of which the upper triangle is filled.
        k: at most d.
        start: (d, b) independent columns, b > k.
    """
    b = start.shape[1]
    rounds = _rounds(len(gram), b)
    if rounds > 1 and k < b:
        gram, block, last = both_triangles(gram), _orthonormal(start), math.inf
        for rounds_left in reversed(range(rounds)):
            values, block, error = _round(gram, block, k)
            enough = _TOLERANCE * float(values[k - 1] - values[k])
            if error <= enough:
                return values[:k], block[:, :k].contiguous()
            if error * (error / last) ** rounds_left > enough:
                break
            last = error
    values, vectors = eigenvectors(gram)
    return values.flip(0)[:k], vectors[:, -k:].flip(1)


def both_triangles(gram: Tensor) -> Tensor:
    """The symmetric matrix with this upper triangle."""
    return gram.triu() + gram.triu(1).T


def _rounds(d: int, b: int) -> int:
    """How many rounds with a block of b columns take less time than all eigenvectors.

    Measured: a round takes as large a share of that time as it searches of the space.
    """
    return min(d // ((_STEPS + 1) * b), _MOST_ROUNDS)


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
