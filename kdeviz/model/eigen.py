"""Every eigenvalue and the strongest eigenvectors of a symmetric matrix, from one reduction by LAPACK."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 64  # columns that LAPACK's blocked code takes at a time


def product(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m, k) times (k, n) in the threads of this module's other work.

    After each call these threads stay awake for some 25 ms, in which another library's would wait for a core.
    """
    from scipy.linalg import blas

    return np.asarray(blas.dgemm(1.0, left, right))


class Tridiagonal:
    """A symmetric matrix as Q T Qᵀ, T tridiagonal.

    The reduction is most of the work of an eigendecomposition; values and any number of vectors follow
    from it at little cost, which `scipy.linalg.eigh` does not offer: it gives all of both, or only as many
    values as vectors.

    Args:
        matrix: (m, m) float64; only its upper triangle is read, and it is overwritten.
    """

    def __init__(self, matrix: NDArray[np.float64]) -> None:
        from scipy.linalg import lapack  # slow to import, and needed for a fit alone

        size = len(matrix)
        # The transpose of a C-ordered matrix is what Fortran reads without a copy.
        self._factor, self._diagonal, self._beside, self._scales, _ = lapack.dsytrd(
            matrix.T, lower=1, lwork=size * _BLOCK, overwrite_a=1
        )

    def values(self) -> NDArray[np.float64]:
        """(m,) eigenvalues, largest first."""
        from scipy.linalg import eigvalsh_tridiagonal

        return np.array(eigvalsh_tridiagonal(self._diagonal, self._beside)[::-1])

    def vectors(self, count: int) -> NDArray[np.float64]:
        """(m, count) orthonormal eigenvectors of the largest eigenvalues, largest first."""
        from scipy.linalg import eigh_tridiagonal

        size = len(self._diagonal)
        _, inner = eigh_tridiagonal(
            self._diagonal, self._beside, select="i", select_range=(size - count, size - 1)
        )
        return self._rotated(inner[:, ::-1])

    def _rotated(self, inner: NDArray[Any]) -> NDArray[np.float64]:
        """Q times these columns. Q leaves the first row alone: its reflectors start at the second."""
        from scipy.linalg import lapack

        rotated: NDArray[np.float64] = inner.copy(order="F")
        if len(rotated) > 1:
            rotated[1:], _, _ = lapack.dormqr(
                "L", "N", self._factor[1:, :-1], self._scales, rotated[1:], _BLOCK * inner.shape[1]
            )
        return rotated
