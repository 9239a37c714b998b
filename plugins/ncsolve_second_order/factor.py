"""Cholesky factorisations of shifted Hessians, dense and sparse."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Solve = Callable[[Vector], Vector]


BAND = 64
"""Up to this bandwidth a Cholesky factorisation of the band is far cheaper than a general one."""


def cholesky(H: Any, shift: float = 0.0) -> Solve | None:
    """b -> (H + shift I)^-1 b, or None where H + shift I is not positive definite. H (n, n) is dense or sparse."""
    return shifts_of(H)(shift)


def shifts_of(H: Any) -> Callable[[float], Solve | None]:
    """shift -> cholesky(H, shift), for several shifts of one H."""
    if isinstance(H, np.ndarray):
        return lambda shift: _dense(H, shift)
    rows, columns = H.tocoo().coords
    width = int(np.abs(rows - columns).max(initial=0))
    return (_Banded if width <= min(BAND, H.shape[0] // 4) else _Sparse)(H, rows, columns)


def _dense(H: NDArray[np.float64], shift: float) -> Solve | None:
    from scipy.linalg.lapack import dpotrf, dpotrs

    shifted = H.copy(order="F")
    shifted.flat[:: len(H) + 1] += shift
    factor, failed = dpotrf(shifted, lower=1, overwrite_a=1)
    return None if failed else lambda b: np.asarray(dpotrs(factor, b, lower=1)[0])


class _Banded:
    """The lower half of the band, band[i - j, j] = H[i, j]."""

    def __init__(self, H: Any, rows: NDArray[np.integer[Any]], columns: NDArray[np.integer[Any]]) -> None:
        lower = rows >= columns
        below = rows[lower] - columns[lower]
        self.band = np.zeros((int(below.max(initial=0)) + 1, H.shape[0]), order="F")
        self.band[below, columns[lower]] = H.tocoo().data[lower]

    def __call__(self, shift: float) -> Solve | None:
        from scipy.linalg.lapack import dpbtrf, dpbtrs

        shifted = self.band.copy(order="F")
        shifted[0] += shift
        factor, failed = dpbtrf(shifted, lower=1, overwrite_ab=1)
        return None if failed else lambda b: np.asarray(dpbtrs(factor, b, lower=1)[0])


class _Sparse:
    """SciPy has no sparse Cholesky: SuperLU keeps its pivots on the diagonal instead, and they must all be positive."""

    def __init__(self, H: Any, rows: NDArray[np.integer[Any]], columns: NDArray[np.integer[Any]]) -> None:
        from scipy.sparse import coo_array

        n = H.shape[0]
        diagonal = np.arange(n)
        entries = np.concatenate([H.tocoo().data, np.zeros(n)])
        places = np.concatenate([rows, diagonal]), np.concatenate([columns, diagonal])
        self.H = coo_array((entries, places), shape=(n, n)).tocsc()
        self.on_diagonal = self.H.indices == np.repeat(diagonal, np.diff(self.H.indptr))

    def __call__(self, shift: float) -> Solve | None:
        from scipy.sparse.linalg import splu

        shifted = self.H.copy()
        shifted.data[self.on_diagonal] += shift
        try:
            lu = splu(shifted, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        except RuntimeError:  # exactly singular
            return None
        positive = np.array_equal(lu.perm_r, lu.perm_c) and bool((lu.U.diagonal() > 0).all())
        return lu.solve if positive else None


def row_sums(H: Any) -> Vector:
    """The sums of |H_ij| over each row i."""
    return np.asarray(abs(H).sum(axis=1), dtype=float).ravel()


def largest_entry(H: Any) -> float:
    """max |H_ij|; nan where an entry is."""
    entries = H if isinstance(H, np.ndarray) else H.data
    return float(np.abs(entries).max(initial=0.0))


def shifted_cholesky(H: Any, growth: float = 4.0) -> tuple[Solve, float]:
    """b -> (H + tau I)^-1 b with the first tau = 0, t, 4t, 16t, ... for which H + tau I is positive definite.

    t is half of the least diagonal entry's distance to positive values, and at least 1e-3 of the largest entry [Nocedal
    & Wright 2006, Alg. 3.3].
    """
    lowest, largest = float(H.diagonal().min()), largest_entry(H)
    tau, shifted = 0.0 if lowest > 0 else -lowest + 1e-3 * (largest or 1.0), shifts_of(H)
    while (solve := shifted(tau)) is None:
        tau = max(growth * tau, 1e-3 * largest)
    return solve, tau


def modified_solve(H: NDArray[np.float64]) -> Solve:
    """b -> B^-1 b, where B is H with the blocks of its factorisation L D L' made positive [Cheng & Higham 1998].

    Eigenvalues of D below delta = sqrt(eps) |H| become their absolute value, or delta if that is larger.
    """
    from scipy.linalg import ldl, solve_triangular

    L, D, order = ldl(H)
    if not (np.isfinite(L).all() and np.isfinite(D).all()):  # pivots of 1e-300
        return shifted_cholesky(H)[0]
    L = L[order]
    w, V = np.linalg.eigh(D)  # D has blocks of 1 or 2, and so has V
    w = np.maximum(np.abs(w), math.sqrt(np.finfo(float).eps) * (largest_entry(H) or 1.0))

    def solve(b: Vector) -> Vector:
        z = solve_triangular(L, b[order], lower=True, unit_diagonal=True)
        z = V @ ((V.T @ z) / w)
        x = np.empty_like(b)
        x[order] = solve_triangular(L, z, lower=True, trans=1, unit_diagonal=True)
        return x

    return solve
