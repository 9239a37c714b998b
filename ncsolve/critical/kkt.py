"""The conditions of Karush, Kuhn and Tucker at a point: how far they are from holding, and with which multipliers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.face import NEAR

if TYPE_CHECKING:
    from ncsolve.constraints import Constraints
    from ncsolve.oracle import Oracle

__all__ = ["KKT", "conditions", "estimate", "violation_slope"]

Vector = NDArray[np.float64]

FEW = 300  # active constraints up to which multipliers are found by factorisations
ROUNDS = 10


@dataclass(frozen=True, eq=False)
class KKT:
    """Residuals in the infinity norm, for L(x, y) = f(x) + y^T (h(x), c(x)). [Nocedal & Wright 2006, Thm 12.1]"""

    stationarity: float
    """Of the gradient of L in x, projected onto the bounds."""
    feasibility: float
    """The largest |h_i| or max(c_j, 0)."""
    complementarity: float
    """The largest |min(-c_j, mu_j)|: a multiplier is zero where its inequality is not active, and never negative."""
    multipliers: Vector
    """y = (lambda, mu), shape (m,): of the equalities, then of the inequalities."""

    @property
    def residual(self) -> float:
        """The largest of the three; nan where one is not defined."""
        return float(np.max([self.stationarity, self.feasibility, self.complementarity]))

    def __str__(self) -> str:
        return (
            f"stationarity {self.stationarity:.2g}, feasibility {self.feasibility:.2g}, "
            f"complementarity {self.complementarity:.2g}"
        )

    def to_dict(self) -> dict[str, Any]:
        """By name."""
        return {
            "stationarity": self.stationarity,
            "feasibility": self.feasibility,
            "complementarity": self.complementarity,
            "multipliers": self.multipliers,
        }


def conditions(oracle: Oracle, x: Vector, gradient: Vector, multipliers: Vector) -> KKT:
    """The residuals at x with these multipliers."""
    constraints = constraints_of(oracle)
    values = constraints.values(x)
    slope = within_bounds(oracle, x, gradient + constraints.push(x, multipliers))
    slack = np.maximum(-values[constraints.equalities :], 0.0)
    pairs = np.minimum(slack, multipliers[constraints.equalities :])
    return KKT(_size(slope), _size(constraints.violation(values)), _size(pairs), multipliers)


def estimate(oracle: Oracle, x: Vector, gradient: Vector, guess: Any = None, enough: float = 0.0) -> KKT:
    """The residuals with those multipliers guessed, if they are small `enough`, or the best of them and these:

    Least squares over the equalities and the inequalities that are active or violated, mu >= 0, in the variables that
    no bound holds.
    """
    guessed = None if guess is None else conditions(oracle, x, gradient, np.asarray(guess, dtype=float))
    if guessed is not None and guessed.residual <= max(guessed.feasibility, enough):
        return guessed  # other multipliers would not change that
    found = conditions(oracle, x, gradient, _least_squares(oracle, x, gradient))
    return found if guessed is None or found.residual <= guessed.residual else guessed


def constraints_of(oracle: Oracle) -> Constraints:
    assert oracle.constraints is not None
    return oracle.constraints


def within_bounds(oracle: Oracle, x: Vector, slope: Vector) -> Vector:
    """x - P(x - slope): what is left of a slope that the bounds do not hold back."""
    if oracle.lower is None or oracle.upper is None:
        return slope
    return np.clip(slope, x - oracle.upper, x - oracle.lower)


def violation_slope(oracle: Oracle, x: Vector) -> float:
    """Size of the projected gradient of |(h, max(c, 0))|^2 / 2 over that of (h, max(c, 0)).

    A point that violates constraints and where this vanishes is infeasible, and nothing close by is better.
    """
    constraints = constraints_of(oracle)
    violation = constraints.violation(constraints.values(x))
    slope = within_bounds(oracle, x, constraints.push(x, violation))
    return _size(slope) / (_size(violation) or 1.0)


def active(oracle: Oracle, x: Vector, values: Vector, jacobian: Any) -> NDArray[np.intp]:
    """The equalities, and the inequalities that are violated or whose boundary is within NEAR (1 + |x|)."""
    equalities = constraints_of(oracle).equalities
    near = NEAR * (1 + float(np.abs(x).max(initial=0.0)))
    steepness = np.sqrt(np.asarray((jacobian * jacobian).sum(axis=1)).ravel())
    return np.flatnonzero((np.arange(len(values)) < equalities) | (values >= -near * np.maximum(1.0, steepness)))


def _least_squares(oracle: Oracle, x: Vector, gradient: Vector) -> Vector:
    constraints = constraints_of(oracle)
    values = constraints.values(x)
    multipliers = np.zeros(constraints.m)
    J = constraints.jacobian(x)
    rows = active(oracle, x, values, J)
    J = J[rows]
    free = np.ones(len(x), bool)
    if oracle.lower is not None and oracle.upper is not None:
        near = NEAR * (1 + np.abs(x))
        free = (x - oracle.lower > near) & (oracle.upper - x > near)
    A, b = J[:, free].T, -gradient[free]
    finite = np.isfinite(A if isinstance(A, np.ndarray) else A.data).all() and np.isfinite(b).all()
    if rows.size and free.any() and finite:
        multipliers[rows] = _solve(A, b, rows >= constraints.equalities)
    return multipliers


def _solve(A: Any, b: Vector, signed: NDArray[np.bool_]) -> Vector:
    """min |A y - b| with y >= 0 where `signed`; with many columns, those that come out negative are left out."""
    if A.shape[1] <= FEW:
        A = A if isinstance(A, np.ndarray) else A.toarray()
        y: Vector = np.linalg.lstsq(A, b)[0]
        if (y[signed] >= 0).all():
            return y
        from scipy.optimize import lsq_linear

        return np.asarray(lsq_linear(A, b, (np.where(signed, 0.0, -np.inf), np.inf), method="bvls").x)
    from scipy.sparse.linalg import lsqr

    y, kept = np.zeros(A.shape[1]), np.ones(A.shape[1], bool)
    for _ in range(ROUNDS):
        y[kept] = lsqr(A[:, kept], b, atol=1e-14, btol=1e-14)[0]
        negative = signed & (y < 0)
        kept, y = kept & ~negative, np.where(negative, 0.0, y)
        if not negative.any():
            break
    return y


def _size(v: Vector) -> float:
    return float(np.abs(v).max(initial=0.0))
