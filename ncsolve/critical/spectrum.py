"""Signs of the eigenvalues of a symmetric Hessian, and its inverse where they are not zero."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["COMPLETE", "EPS", "LAPACK", "SAFETY", "Dense", "Separation", "Spectrum", "spectrum_of"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

SAFETY = 4.0
"""A quantity is trusted to be nonzero when it exceeds its estimated error this many times.

As a bound on the change of H between x and the critical point, relative to H, it is Newton-Kantorovich's constant:
h = |H^-1| |H^-1 g| Lip(H) <= 1/4. Close to a degenerate t^k, h = (k-2)/(k-1) >= 1/2 at any distance: it fails there.
"""

GAP = 1e-3  # of two neighbouring eigenvalues, from which the smaller and all below may be none
COMPLETE = 300  # up to this size all eigenvalues and vectors are computed
LAPACK = 600  # up to this size they are when some eigenvalues are near zero
EPS = float(np.finfo(float).eps)


@dataclass(frozen=True, eq=False)
class Separation:
    """Eigenvalues that are surely `negative`, those that may be zero with the basis `null` (m, d) of their space, and
    `solve`: b -> H^+ b on the complement of that space.
    """

    negative: int
    null: Matrix
    solve: Callable[[Vector], Vector]

    @property
    def nullity(self) -> int:
        return int(self.null.shape[1])


class Spectrum(Protocol):
    """What is known of a symmetric H (m, m)."""

    size: int
    negative: int

    @property
    def eigenvalues(self) -> Vector:
        """All of H's, ascending, or the lowest, the one nearest to zero and the highest."""

    @property
    def lowest(self) -> Vector:
        """An eigenvector of the lowest eigenvalue, (m,)."""

    @property
    def complete(self) -> bool:
        """Whether all eigenvalues are known."""

    @property
    def flat(self) -> Matrix:
        """Directions (m, d) whose eigenvalues are rounding error."""

    @property
    def rounding(self) -> float:
        """The size of that error."""

    @property
    def rank(self) -> int | None:
        """How many eigenvalues stand out, where a gap separates them from others that are not just rounding."""

    def solve(self, b: Vector, rank: int | None = None) -> Vector:
        """H^+ b, without eigenvalues that are rounding error, or with so many of the largest ones."""

    def spread(self, error: Vector) -> Vector:
        """How far a gradient error (m,) moves the solution of Newton's equation."""

    def separate(self, change: Any) -> Separation:
        """Which eigenvalues keep their sign when H changes by `change`, with safety factor 4."""


class Dense:
    """All eigenvalues: V^T H V = diag(values).

    V is orthogonal, or a scaling of the variables times that where it brings all eigenvalues of a badly scaled H above
    rounding: signs stay the same (Sylvester).
    """

    complete = True

    def __init__(self, hessian: Matrix) -> None:
        self.size = hessian.shape[0]
        self.eigenvalues, self.vectors = np.linalg.eigh(hessian)
        self.values = self.eigenvalues
        self.rounding = _rounding(self.values)
        self.lowest = self.vectors[:, :1].ravel()
        self.zero = np.abs(self.values) <= self.rounding
        if self.zero.any() and not self.zero.all():
            self._scale(hessian)
        self.negative = int(np.count_nonzero(self.values < 0))
        self.inverse = np.divide(1.0, self.values, out=np.zeros(self.size), where=~self.zero)

    def _scale(self, hessian: Matrix) -> None:
        scale = _equilibrate(hessian)
        values, vectors = np.linalg.eigh(hessian * scale * scale[:, None])
        if np.abs(values).min() <= _rounding(values):
            return
        self.values, self.vectors, self.rounding = values, scale[:, None] * vectors, _rounding(values)
        self.lowest = self.vectors[:, 0]
        # what drowned in H is at the other end of H^-1, where it is accurate
        small = 1 / np.linalg.eigvalsh((self.vectors / values) @ self.vectors.T)
        small = small[np.argsort(np.abs(small))[: np.count_nonzero(self.zero)]]
        self.eigenvalues = np.sort(np.concatenate([self.eigenvalues[~self.zero], small]))
        self.zero = np.zeros(self.size, bool)

    @property
    def flat(self) -> Matrix:
        return self.vectors[:, self.zero]

    @property
    def rank(self) -> int | None:
        magnitude = np.sort(np.abs(self.values))[::-1]
        ratios = magnitude[1:] / np.maximum(magnitude[:-1], np.finfo(float).tiny)
        if not ratios.size or ratios.min() > GAP:
            return None
        return int(np.argmax(ratios <= GAP)) + 1

    def solve(self, b: Vector, rank: int | None = None) -> Vector:
        inverse = self.inverse
        if rank is not None:
            inverse = np.where(np.argsort(np.argsort(-np.abs(self.values))) < rank, inverse, 0.0)
        return np.asarray(self.vectors @ (inverse * (self.vectors.T @ b)))

    def spread(self, error: Vector) -> Vector:
        """All eigendirections at their worst."""
        return np.asarray(self.vectors @ (np.abs(self.inverse) * (np.abs(self.vectors).T @ error)))

    def separate(self, change: Matrix) -> Separation:
        """With Z = |values|^(-1/2) V^T change V |values|^(-1/2), signs stay while |Z| < 1.

        The smallest values are dropped until the Frobenius norm of the rest of Z is at most 1/4.
        """
        magnitude = np.abs(self.values)
        order = np.argsort(magnitude)
        kept = order[magnitude[order] > self.rounding]
        suspect = np.ones(self.size, bool)
        if kept.size:
            V = self.vectors[:, kept] / np.sqrt(magnitude[kept])
            Z2 = (V.T @ change @ V) ** 2
            # square of the Frobenius norm of Z without its first j rows and columns
            rest = np.cumsum((2 * np.triu(Z2, 1).sum(axis=1) + np.diag(Z2))[::-1])[::-1]
            suspect[kept[rest <= SAFETY**-2]] = False
        inverse = np.where(suspect, 0.0, self.inverse)
        return Separation(
            int(np.count_nonzero(self.values[~suspect] < 0)),
            self.vectors[:, suspect],
            lambda b: np.asarray(self.vectors @ (inverse * (self.vectors.T @ b))),
        )


def spectrum_of(hessian: Any, all_of_it: bool = False) -> Spectrum:
    """The spectrum of a dense or scipy.sparse H (m, m): complete up to m = 300, with `all_of_it` up to 600."""
    size = hessian.shape[0]
    if size <= (LAPACK if all_of_it else COMPLETE):
        return Dense(hessian if isinstance(hessian, np.ndarray) else hessian.toarray())
    from ncsolve.critical.factor import Factored

    return Factored(hessian)


def _rounding(values: Vector) -> float:
    return SAFETY * values.size * EPS * float(np.abs(values).max(initial=0.0))


def _equilibrate(hessian: Matrix) -> Vector:
    """Scales d with which every row of d H d has a largest entry near 1. [Ruiz 2001]"""
    scale = np.ones(hessian.shape[0])
    for _ in range(5):
        largest = np.abs(hessian * scale * scale[:, None]).max(axis=1)
        scale /= np.sqrt(np.where(largest > 0, largest, 1.0))
    return scale
