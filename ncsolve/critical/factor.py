"""The signs of the eigenvalues of a large Hessian by symmetric factorisations of H - shift I."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.products import Ritz, lanczos
from ncsolve.critical.spectrum import EPS, SAFETY, Separation

__all__ = ["Factored"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

STEPS = 20  # of Lanczos, for the eigenvalues that are told
ITERATIONS = 40  # for a null space, at most
SETTLED = 1e-11  # change of the null space by one of them
GROWTH = 1e6  # of a factor's entries, beyond which signs of pivots are not believed


class Factors(NamedTuple):
    """L D L^T = H - shift I: its solve, and the number of negative pivots = of eigenvalues of H below the shift."""

    solve: Callable[[Vector], Vector]
    below: int


class Factored:
    """Inertia by Sylvester's law: D of L D L^T = H - shift I has as many negative entries as H has eigenvalues < shift.

    Dense: Bunch-Kaufman, or Cholesky where that works. Sparse: SuperLU with its pivots kept on the diagonal.
    """

    complete = False

    def __init__(self, hessian: Any) -> None:
        self.hessian = hessian
        self.size = int(hessian.shape[0])
        self.rounding = SAFETY * self.size * EPS * _norm(hessian)
        self.factors = self._factorise(0.0)
        self.negative = self.factors.below

    @cached_property
    def near(self) -> Ritz:
        """The ends of H^-1's spectrum."""
        return lanczos(self.factors.solve, self.size, STEPS)

    @cached_property
    def ends(self) -> Ritz:
        """The ends of H's spectrum."""
        return lanczos(lambda v: self.hessian @ v, self.size, STEPS)

    @cached_property
    def eigenvalues(self) -> Vector:
        reciprocals = self.near.values[[0, -1]]
        nearest = 1 / reciprocals[np.argmax(np.abs(reciprocals))]
        return np.sort([self.ends.values[0], nearest, self.ends.values[-1]])

    @cached_property
    def lowest(self) -> Vector:
        """Of H^-1 if the lowest that is seen is close to zero, else of H."""
        inner = self.near.values[0] < 0 and 1 / self.near.values[0] < self.ends.values[0]
        return self.near.lowest if inner else self.ends.lowest

    @property
    def flat(self) -> Matrix:
        return self.separate(0 * self.hessian).null

    @property
    def rank(self) -> int | None:
        return None

    def solve(self, b: Vector, rank: int | None = None) -> Vector:
        return self.factors.solve(b)

    def spread(self, error: Vector) -> Vector:
        return self.factors.solve(error * np.where(np.arange(self.size) % 2, -1.0, 1.0))

    def separate(self, change: Any) -> Separation:
        """Those in [-t, t] with t = rounding + 4 |change| may be zero; their space by inverse subspace iteration."""
        t = self.rounding + SAFETY * _norm(change)
        above = self._factorise(t)
        surely = self._factorise(-t).below if self.negative else 0
        nullity = above.below - surely
        if not nullity:
            return Separation(surely, np.empty((self.size, 0)), self.solve)
        basis = np.random.default_rng(0).standard_normal((self.size, nullity))
        for _ in range(ITERATIONS):
            before, basis = basis, np.linalg.qr(np.column_stack([above.solve(column) for column in basis.T]))[0]
            if np.linalg.norm(basis - before @ (before.T @ basis)) <= SETTLED:
                break

        def solve(b: Vector) -> Vector:
            inside = self.factors.solve(b - basis @ (basis.T @ b))
            return np.asarray(inside - basis @ (basis.T @ inside))

        return Separation(surely, basis, solve)

    def _factorise(self, shift: float) -> Factors:
        """By this shift, or by one that rounding cannot tell from it where H - shift I is singular."""
        factorise = _dense if isinstance(self.hessian, np.ndarray) else _sparse
        for nudge in (0.0, 0.5, -0.5, 2.0, -2.0, 16.0, -16.0):
            factors = factorise(self.hessian, shift + nudge * self.rounding)
            if factors is not None:
                return factors
        raise np.linalg.LinAlgError(f"no shift near {shift:g} makes the Hessian invertible")


def _norm(matrix: Any) -> float:
    """An upper bound of the largest |eigenvalue|: the largest row sum."""
    return float(abs(matrix).sum(axis=0).max())


def _dense(hessian: Matrix, shift: float) -> Factors | None:
    from scipy.linalg import cho_solve
    from scipy.linalg.lapack import dsytrf, dsytrf_lwork, dsytrs

    size = hessian.shape[0]
    shifted = hessian - shift * np.eye(size)
    try:
        triangle = np.linalg.cholesky(shifted)
        return Factors(lambda b: cho_solve((triangle, True), b, check_finite=False), 0)
    except np.linalg.LinAlgError:
        pass
    factor, pivots, info = dsytrf(shifted, lower=1, lwork=int(dsytrf_lwork(size, lower=1)[0]), overwrite_a=1)
    if info != 0:
        return None
    single = pivots > 0  # a 2 x 2 pivot, marked by two negative entries, has one eigenvalue of either sign
    below = np.count_nonzero(np.diag(factor)[single] < 0) + np.count_nonzero(~single) // 2
    return Factors(lambda b: dsytrs(factor, pivots, b, lower=1)[0].ravel(), int(below))


def _sparse(hessian: Any, shift: float) -> Factors | None:
    from scipy.sparse import eye_array
    from scipy.sparse.linalg import splu

    shifted = (hessian - shift * eye_array(hessian.shape[0])).tocsc()
    try:
        lu = splu(shifted, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    except RuntimeError:  # exactly singular
        return None
    upper = lu.U
    if not np.array_equal(lu.perm_r, lu.perm_c) or not np.abs(upper.data).max() < GROWTH * np.abs(shifted.data).max():
        return None
    return Factors(lu.solve, int(np.count_nonzero(upper.diagonal() < 0)))
