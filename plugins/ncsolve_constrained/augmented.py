"""The augmented Lagrangian as an oracle: exact derivatives for any solver of problems without constraints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import ProblemError
from ncsolve.graph.structure import Structure
from ncsolve.oracle import Oracle

if TYPE_CHECKING:
    from ncsolve.constraints import Constraints

Vector = NDArray[np.float64]

FILLED = 0.1  # part of J^T J that may be non-zero while it is sparse


class AugmentedOracle(Oracle):
    """A(x) = f + lambda^T h + rho/2 |h|^2 + (|max(0, mu + rho c)|^2 - |mu|^2) / (2 rho). [Rockafellar 1974]

    With the first-order multipliers y = (lambda + rho h, max(0, mu + rho c)) at x its gradient is that of the
    Lagrangian L(x, y), and its Hessian that of L plus rho J^T J over the rows of h and those with y > 0; so nothing is
    derived again when multipliers or rho change. Evaluations are those of f, counted and limited by the outer oracle.
    """

    def __init__(self, outer: Oracle, multipliers: Vector, rho: float) -> None:
        super().__init__(outer.problem.unconstrained(), outer.evaluator.choice)
        assert outer.constraints is not None
        self.outer = outer
        self.held: Constraints = outer.constraints
        self.multipliers, self.rho = multipliers, rho
        self.counts = outer.counts

    def __copy__(self) -> AugmentedOracle:
        return AugmentedOracle(copy(self.outer), self.multipliers, self.rho)

    # -- evaluation ----------------------------------------------------------------------------------------------------

    def value(self, x: Any, rows: Any = None) -> Any:
        x = self._whole(x, rows)
        if x.ndim == 2:
            return np.array([self.value(each) for each in x])
        return self.outer.value(x) + self._added(self.held.values(x))

    def value_and_gradient(self, x: Any, rows: Any = None) -> tuple[Any, Vector]:
        x = self._whole(x, rows)
        if x.ndim == 2:
            pairs = [self.value_and_gradient(each) for each in x]
            return np.array([f for f, _ in pairs]), np.array([g for _, g in pairs])
        f, g = self.outer.value_and_gradient(x)
        c = self.held.values(x)
        return f + self._added(c), g + self.held.push(x, self.first_order(c))

    def hessian(self, x: Any, dense: bool = False, rows: Any = None) -> Any:
        x = self._whole(x, rows)
        if x.ndim == 2:
            return np.array([self.hessian(each, dense=True) for each in x])
        y = self.first_order(self.held.values(x))
        f, (added, J) = self.outer.hessian(x), self.held.second(x, y)
        J = J[self._rows_that_push(y)]
        parts = [f, added, self.rho * (J.T @ J)]
        if dense or not self.structure.sparse:
            return sum(part if isinstance(part, np.ndarray) else part.toarray() for part in parts)
        return sum(parts[1:], parts[0]).tocsr()

    def hvp(self, x: Any, v: Any, rows: Any = None) -> Vector:
        x, v = self._whole(x, rows), self._whole(v, rows)
        if x.ndim == 2 or v.ndim == 2:
            m = max(len(a) for a in (x, v) if a.ndim == 2)
            pairs = zip(np.broadcast_to(x, (m, self.n)), np.broadcast_to(v, (m, self.n)), strict=True)
            return np.array([self.hvp(*pair) for pair in pairs])
        y = self.first_order(self.held.values(x))
        pushed = np.where(self._rows_that_push(y), self.rho * self.held.tangent(x, v), 0.0)
        return self.outer.hvp(x, v) + self.held.curve(x, y, v) + self.held.push(x, pushed)

    def directional(self, x: Any, *directions: Any) -> Any:
        raise ProblemError("an augmented Lagrangian has no derivatives beyond the second")

    # -- its parts -----------------------------------------------------------------------------------------------------

    def first_order(self, c: Vector) -> Vector:
        """The multipliers that the values c of the constraints ask for."""
        y: Vector = self.multipliers + self.rho * c
        y[self.held.equalities :] = np.maximum(y[self.held.equalities :], 0.0)
        return y

    def _added(self, c: Vector) -> float:
        k, y, rho = self.held.equalities, self.multipliers, self.rho
        mu, pushed = y[k:], self.first_order(c)[k:]
        equal = y[:k] @ c[:k] + rho / 2 * (c[:k] @ c[:k])
        return float(equal + ((pushed - mu) @ (pushed + mu)) / (2 * rho))

    def _rows_that_push(self, y: Vector) -> NDArray[np.bool_]:
        return (np.arange(len(y)) < self.held.equalities) | (y > 0)

    def _whole(self, x: Any, rows: Any) -> Vector:
        if rows is not None:
            raise ProblemError("an augmented Lagrangian cannot be evaluated by rows")
        return self._checked(x)

    # -- what an oracle knows besides ----------------------------------------------------------------------------------

    @property
    def points(self) -> int:
        return self.outer.points

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        with self.outer.uncounted():
            yield

    @cached_property
    def structure(self) -> Structure:
        """That of f where the constraints keep it: no finite sum, no sum of squares, and sparse where all parts are."""
        known = {each.name: getattr(self.outer.structure, each.name) for each in fields(Structure) if each.init}
        lost = {"samples": None, "rows": 0, "least_squares": False, "backend": _Sparsity(self._is_sparse())}
        return _Structure(**{**known, **lost})

    clustering = None
    """A sum of distances to centres it is no longer."""

    def _is_sparse(self) -> bool:
        if not self.outer.structure.sparse:
            return False
        J = self.held.jacobian(np.ones(self.n))
        if isinstance(J, np.ndarray):
            return False
        return bool((np.diff(J.indptr).astype(float) ** 2).sum() <= FILLED * self.n**2)


@dataclass(frozen=True)
class _Sparsity:
    sparse: bool


@dataclass(frozen=True)
class _Structure(Structure):
    """Of which only what `Structure` declares as a field is known."""

    @cached_property
    def quadratic(self) -> bool:
        return False

    @cached_property
    def pattern(self) -> None:
        return None

    @cached_property
    def blocks(self) -> tuple[()]:
        return ()
