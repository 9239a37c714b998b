"""Constraints as SciPy's methods want them, with exact derivatives, sparse where they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ncsolve_scipy.base import Functions, Vector

if TYPE_CHECKING:
    from ncsolve.constraints import Constraints


def constraints_for(method: str, functions: Functions) -> Any:
    """For SLSQP dictionaries with fun >= 0; for the others one or two NonlinearConstraint."""
    held = functions.oracle.constraints
    assert held is not None
    if method == "SLSQP":
        return _dictionaries(held, functions)
    from scipy.optimize import NonlinearConstraint

    k, m = held.equalities, held.m
    low = np.where(np.arange(m) < k, 0.0, -np.inf)
    return NonlinearConstraint(
        lambda x: held.values(functions.frozen(x)),
        low,
        np.zeros(m),
        jac=lambda x: held.jacobian(functions.frozen(x)),
        hess=lambda x, y: held.second(functions.frozen(x), y)[0],
    )


def _dictionaries(held: Constraints, functions: Functions) -> list[dict[str, Any]]:
    k = held.equalities

    def part(chosen: slice, sign: float) -> dict[str, Any]:
        return {
            "type": "eq" if sign > 0 else "ineq",
            "fun": lambda x: sign * held.values(functions.frozen(x))[chosen],
            "jac": lambda x: sign * _dense(held.jacobian(functions.frozen(x)))[chosen],
        }

    both = [part(slice(0, k), 1.0), part(slice(k, None), -1.0)]
    return [each for each, size in zip(both, (k, held.m - k), strict=True) if size]


def operator_for(functions: Functions, hvp: Callable[[Vector, Vector], Vector]) -> Callable[[Vector], Any]:
    """A Hessian by its products."""
    from scipy.sparse.linalg import LinearOperator

    n = functions.oracle.n
    return lambda x: LinearOperator((n, n), matvec=lambda v: hvp(x, np.ravel(v)))


def _dense(matrix: Any) -> Any:
    return matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
