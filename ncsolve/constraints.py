"""The constraints of a problem at a point: values, Jacobian, and their part in the derivatives of the Lagrangian.

With multipliers y = (lambda, mu) the Lagrangian is L(x, y) = f(x) + lambda^T h(x) + mu^T c(x), mu >= 0. What the
constraints add to f is a problem in (x, y) of its own, whose derivatives are exact and sparse like all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.problem.constraints import multiplied

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["Constraints"]

Vector = NDArray[np.float64]


class Constraints:
    """The m constraints of an oracle's problem: `equalities` times h(x) = 0 first, then c(x) <= 0.

    They are evaluated where the objective is, so that only evaluations of the objective are counted.
    """

    def __init__(self, oracle: Oracle) -> None:
        from ncsolve.oracle import Oracle

        problem = oracle.problem
        terms = problem.once("constraints", lambda: multiplied(problem))
        terms = terms.with_parameters({symbol: problem.parameters[symbol] for symbol in terms.parameters})
        self.oracle = oracle
        self.terms = Oracle(terms, oracle.evaluator.choice)
        self.n = oracle.n
        self.m = self.terms.n - self.n
        self.equalities = sum(constraint.size for constraint in problem.equal)
        self._zero = np.zeros(self.m)

    def values(self, x: Vector) -> Vector:
        """h(x) and c(x): (m,), or (p, m) at p points."""
        zero = np.broadcast_to(self._zero, (*x.shape[:-1], self.m))
        return self.terms.gradient(np.concatenate([x, zero], axis=-1))[..., self.n :]

    def jacobian(self, x: Vector) -> Any:
        """Their gradients as rows (m, n): dense, or a CSR array where most of it is zero."""
        return self.second(x, self._zero)[1]

    def push(self, x: Vector, y: Vector) -> Vector:
        """J(x)^T y, shape (n,): what the constraints add to the gradient of the Lagrangian."""
        return self.terms.gradient(np.concatenate([x, y]))[: self.n]

    def second(self, x: Vector, y: Vector) -> tuple[Any, Any]:
        """What they add to the Hessian of the Lagrangian (n, n), and the Jacobian (m, n)."""
        whole = self.terms.hessian(np.concatenate([x, y]))
        if isinstance(whole, np.ndarray):
            return whole[: self.n, : self.n], whole[self.n :, : self.n]
        whole = whole.tocsr()
        return whole[: self.n, : self.n], whole[self.n :, : self.n]

    def hessian(self, x: Vector, y: Vector) -> Any:
        """The Hessian of the Lagrangian with respect to x: sparse where both of its parts are."""
        added, f = self.second(x, y)[0], self.oracle.hessian(x)
        return f + added if isinstance(f, np.ndarray) == isinstance(added, np.ndarray) else _dense(f) + _dense(added)

    def curve(self, x: Vector, y: Vector, v: Vector) -> Vector:
        """What they add to the product of the Lagrangian's Hessian with v."""
        product = self.terms.hvp(np.concatenate([x, y]), np.concatenate([v, self._zero]))
        return product[: self.n]

    def tangent(self, x: Vector, v: Vector) -> Vector:
        """J(x) v, shape (m,)."""
        return self.terms.hvp(np.concatenate([x, self._zero]), np.concatenate([v, self._zero]))[self.n :]

    def pushes(self, points: Vector, y: Vector) -> Vector:
        """J(x)^T y at each of the points (p, n), with its own y (p, m)."""
        return self.terms.gradient(np.concatenate([points, y], axis=1))[:, : self.n]

    def violation(self, values: Vector) -> Vector:
        """h and max(c, 0), given the values."""
        return np.concatenate([values[: self.equalities], np.maximum(values[self.equalities :], 0.0)])


def _dense(matrix: Any) -> Vector:
    dense: Vector = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
    return dense
