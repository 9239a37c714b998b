"""BFGS."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_second_order.exact_search import exact_search
from ncsolve_second_order.factor import cholesky
from ncsolve_second_order.line_search import Trial
from ncsolve_second_order.paths import free_direction, held_by_bounds, norm, search

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

DAMPING = 0.2


@dataclass(frozen=True)
class BFGSState:
    x: Vector
    objective: float
    gradient: Vector
    B: Matrix
    """Approximate Hessian, (n, n); empty before the first step."""
    stalled: bool = False


@dataclass(frozen=True)
class BFGS:
    """BFGS with a line search and Powell's damping. [Nocedal & Wright 2006, Alg. 6.1; Powell 1978]

    x+ = x - t B^-1 g, and B+ is the matrix nearest to B with B+ s = y, s = x+ - x, y = g+ - g: B+ > 0 since s'y > 0.
    Where s'y < s'Bs / 5, y gives way to a mixture with Bs. B_0 = (y'y / s'y) I. Near a minimum with H > 0 convergence
    is superlinear [Nocedal & Wright 2006, Thm 6.6]. With an exact search the iterates on a convex quadratic are those
    of conjugate gradients, and B_n = H [ibid., Thm 6.4]. With bounds the search follows P(x + t d), and variables that
    a bound holds back keep out of B [Bertsekas 1982].
    """

    line_search: Literal["wolfe", "exact"] = option("wolfe", "how the length t of a step is found")

    name: ClassVar[str] = "bfgs"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})
    state_type: ClassVar[type] = BFGSState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> BFGSState:
        return BFGSState(x0, *oracle.value_and_gradient(x0), np.empty((0, 0)))

    def step(self, oracle: Oracle, state: BFGSState, rng: np.random.Generator) -> BFGSState:
        x, f, g, B = state.x, state.objective, state.gradient, state.B
        held = held_by_bounds(oracle, x, g)
        directions = [free_direction(g, B, held, quasi_newton)] if len(B) else []
        for d in [*directions, -g / norm(g)]:
            found = self.searched(oracle, x, f, g, d) if np.isfinite(d).all() else None
            if found is not None:
                return BFGSState(found.x, found.f, found.g, updated(B, found.x - x, found.g - g))
            B = np.empty((0, 0))
        return replace(state, stalled=True)

    def searched(self, oracle: Oracle, x: Vector, f: float, g: Vector, d: Vector) -> Trial | None:
        """The point that is taken along d."""
        found = exact_search(oracle, x, f, d) if self.line_search == "exact" else None
        return found or search(oracle, x, f, g, d)


def quasi_newton(g: Vector, B: Matrix) -> Vector:
    """-B^-1 g, or -g where rounding has cost B its definiteness."""
    solve = cholesky(B)
    return -g if solve is None else -solve(g)


def updated(B: Matrix, s: Vector, y: Vector) -> Matrix:
    """B+ = B - Bs s'B / s'Bs + y y' / s'y, with Powell's y."""
    sy = float(s.dot(y))
    if not len(B):
        if not sy > np.finfo(float).eps * norm(s) * norm(y):
            return B
        B = np.eye(len(s)) * (norm(y) / sy * norm(y))
    Bs = B @ s
    sBs = float(s.dot(Bs))
    if not sBs > 0:
        return B
    if sy < DAMPING * sBs:
        part = (1 - DAMPING) * sBs / (sBs - sy)
        y = part * y + (1 - part) * Bs
        sy = float(s.dot(y))
    change = np.outer(y / sy, y) - np.outer(Bs / sBs, Bs)
    return B + change if np.isfinite(change).all() else np.empty((0, 0))
