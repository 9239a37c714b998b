"""Eigenvalues of a symmetric Hessian near zero, their number below it, and solves: by LAPACK, or by a sparse factorisation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["COMPLETE", "EPS", "SAFETY", "Spectrum", "dense_spectrum", "spectrum_of", "with_zeros"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

SAFETY = 4.0
"""A quantity is trusted to be nonzero when it exceeds its estimated error this many times.

As a bound on the change of H between x and the critical point, relative to H, it is the constant of Newton-Kantorovich's test:
h = |H^-1| |H^-1 g| Lip(H) <= 1/4. At x near the degenerate root of t^k, h = (k-2)/(k-1) >= 1/2 at any distance, so that it fails there.
"""

COMPLETE = 300  # up to this size all eigenvalues and vectors are computed
LAPACK = 3000  # up to this size all are computed when some are near zero
EPS = float(np.finfo(float).eps)


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Of H (m, m): V^T H V = diag(values) with V = `vectors` (m, k), where k = m or the k values are those nearest to zero.

    V is orthogonal, or a scaling of the variables times that: signs and zeros stay the same (Sylvester), and small eigenvalues of a
    badly scaled H become visible above rounding.
    """

    values: Vector
    vectors: Matrix
    size: int
    negative: int
    rounding: float
    eigenvalues: Vector
    invert: Callable[[Vector], Vector]
    lowest: Vector

    @property
    def complete(self) -> bool:
        return self.values.size == self.size

    @cached_property
    def flat(self) -> NDArray[np.bool_]:
        """Which values are rounding error."""
        return np.abs(self.values) <= self.rounding

    @cached_property
    def inverse(self) -> Vector:
        """1 / values, and 0 where they are rounding error."""
        return np.divide(1.0, self.values, out=np.zeros_like(self.values), where=~self.flat)

    def solve(self, b: Vector, suspects: NDArray[np.bool_] | None = None) -> Vector:
        """H^+ b: without the eigenvalues that are rounding error, or without the suspects."""
        drop = self.flat if suspects is None else suspects
        if self.complete:
            inverse = self.inverse if suspects is None else np.where(suspects, 0.0, self.inverse)
            return self.vectors @ (inverse * (self.vectors.T @ b))
        null = self.vectors[:, drop]
        inside = self.invert(b - null @ (null.T @ b))
        return inside - null @ (null.T @ inside)

    def spread(self, error: Vector) -> Vector:
        """How far a gradient error (m,) moves the solution of Newton's equation, all eigendirections at their worst."""
        if not self.complete:
            return self.solve(error * np.where(np.arange(self.size) % 2, -1.0, 1.0))
        return self.vectors @ (np.abs(self.inverse) * (np.abs(self.vectors).T @ error))

    def suspects(self, change: Any) -> NDArray[np.bool_]:
        """Which `values` a change of H could turn into zero or past it, with safety factor 4.

        With Z = |values|^(-1/2) V^T change V |values|^(-1/2), inertia stays while |Z| < 1; the smallest values are dropped until
        the Frobenius norm of the rest of Z is at most 1/4.
        """
        magnitude = np.abs(self.values)
        if not self.complete:
            norm = np.linalg.norm(change) if isinstance(change, np.ndarray) else abs(change).sum(axis=0).max()
            return np.asarray(magnitude <= self.rounding + SAFETY * norm)
        order = np.argsort(magnitude)
        kept = order[magnitude[order] > self.rounding]
        suspect = np.ones(self.size, bool)
        if kept.size:
            V = self.vectors[:, kept] / np.sqrt(magnitude[kept])
            Z2 = (V.T @ change @ V) ** 2
            # square of the Frobenius norm of Z without its first j rows and columns
            rest = np.cumsum(2 * np.triu(Z2, 1).sum(axis=1)[::-1] + np.diag(Z2)[::-1])[::-1]
            suspect[kept[rest <= SAFETY**-2]] = False
        return suspect

    def tolerance(self, nullity: int) -> float:
        """The size that separates the `nullity` smallest eigenvalues from the others, at least rounding where there is room."""
        magnitude = np.sort(np.abs(self.eigenvalues))
        if not magnitude.size:
            return 0.0
        rounding = SAFETY * self.size * EPS * float(magnitude[-1])
        largest_zero = float(magnitude[nullity - 1]) if 0 < nullity <= magnitude.size else 0.0
        smallest_other = float(magnitude[nullity]) if nullity < magnitude.size else np.inf
        return max(largest_zero, min(rounding, smallest_other / 2))


def spectrum_of(hessian: Any) -> Spectrum:
    """The spectrum of a dense or scipy.sparse symmetric matrix, complete up to 300 variables."""
    size = hessian.shape[0]
    if size <= COMPLETE:
        return dense_spectrum(hessian)
    from ncsolve.critical.factor import nearest_to_zero

    return nearest_to_zero(hessian)


def with_zeros(spectrum: Spectrum, hessian: Any) -> Spectrum:
    """The same spectrum, complete if that is affordable: for when some eigenvalues are near zero."""
    if spectrum.complete:
        return spectrum
    if spectrum.size <= LAPACK:
        return dense_spectrum(hessian if isinstance(hessian, np.ndarray) else hessian.toarray())
    from ncsolve.critical.factor import nearest_to_zero

    return nearest_to_zero(hessian, count=32)


def dense_spectrum(hessian: Matrix) -> Spectrum:
    """All eigenvalues; in variables scaled to equal size when some of the eigenvalues drown in rounding."""
    size = hessian.shape[0]
    eigenvalues, vectors = np.linalg.eigh(hessian)
    values = eigenvalues
    rounding = _rounding(eigenvalues)
    if size and np.abs(eigenvalues).min() <= rounding < np.abs(eigenvalues).max():
        scale = _equilibrate(hessian)
        values, vectors = np.linalg.eigh(hessian * scale * scale[:, None])
        vectors = scale[:, None] * vectors
        drowned = np.abs(eigenvalues) <= rounding
        rounding = _rounding(values)
        if np.abs(values).min() > rounding:
            small = 1 / np.linalg.eigvalsh((vectors / values) @ vectors.T)
            small = small[np.argsort(np.abs(small))[: np.count_nonzero(drowned)]]
            eigenvalues = np.sort(np.concatenate([eigenvalues[~drowned], small]))
    negative = int(np.count_nonzero(values < 0))
    return Spectrum(values, vectors, size, negative, rounding, eigenvalues, _unused, vectors[:, :1].ravel())


def _unused(b: Vector) -> Vector:
    raise AssertionError("a complete spectrum solves with its eigenvectors")


def _rounding(values: Vector) -> float:
    return SAFETY * values.size * EPS * float(np.abs(values).max(initial=0.0))


def _equilibrate(hessian: Matrix) -> Vector:
    """Scales d with which every row of d H d has a largest entry near 1. [Ruiz 2001]"""
    scale = np.ones(hessian.shape[0])
    for _ in range(5):
        largest = np.abs(hessian * scale * scale[:, None]).max(axis=1)
        scale /= np.sqrt(np.where(largest > 0, largest, 1.0))
    return scale

