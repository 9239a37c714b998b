"""Newton's method with a line search."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_second_order.factor import cholesky, largest_entry, modified_solve, shifted_cholesky
from ncsolve_second_order.paths import free_direction, held_by_bounds, search

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class DescentState:
    """A point of a method that searches along lines."""

    x: Vector
    objective: float
    gradient: Vector
    stalled: bool = False


@dataclass(frozen=True)
class Newton:
    """Newton's method with a modified factorisation. [Cheng & Higham 1998; Nocedal & Wright 2006, section 3.4]

    d = -B^-1 g, where B = H if that is positive definite, else H with the factors of L D L' made positive; of a
    sparse H, H + tau I. t = 1 is tried first in x + t d, and the strong Wolfe conditions decide. Limit points are
    critical where the condition of B stays bounded [Nocedal & Wright 2006, Thm 3.8]; near a minimum with H > 0
    convergence is quadratic [Thm 3.5]. With bounds the search follows P(x + t d), and variables that a bound holds
    back keep out of B [Bertsekas 1982].

    Without a line search t = 1, the method of the local theory, which converges to saddles and maxima as well: there
    d = -H^-1 g, whatever the signature of H. The damped step t = 1/(1 + lambda), lambda^2 = g'H^-1 g, needs no search
    where f is convex and self-concordant: f falls by lambda - log(1 + lambda) [Nesterov & Nemirovski 1994, Thm 2.2.1].
    """

    line_search: Literal["wolfe", "damped"] | None = option(
        "wolfe", "how the length t of a step is found; damped: t = 1/(1 + lambda); none: t = 1"
    )

    name: ClassVar[str] = "newton"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hessian", "bounds"})
    state_type: ClassVar[type] = DescentState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> DescentState:
        return DescentState(x0, *oracle.value_and_gradient(x0))

    def step(self, oracle: Oracle, state: DescentState, rng: np.random.Generator) -> DescentState:
        if self.line_search is None:
            return jump(oracle, state, full_direction(state.gradient, oracle.hessian(state.x)))
        held = held_by_bounds(oracle, state.x, state.gradient)
        d = free_direction(state.gradient, oracle.hessian(state.x), held, newton_direction)
        if self.line_search == "damped":
            return jump(oracle, state, d / (1 + math.sqrt(max(-float(state.gradient.dot(d)), 0.0))))
        return descend(oracle, state, d)


def full_direction(g: Vector, H: Any) -> Vector:
    """-H^-1 g, H of any signature, or -g where it is singular."""
    size = largest_entry(H)
    if not 0 < size < math.inf:
        return -g
    try:
        if isinstance(H, np.ndarray):
            return -np.asarray(np.linalg.solve(H / size, g / size))
        from scipy.sparse.linalg import splu

        return -np.asarray(splu((H / size).tocsc()).solve(g / size))
    except (np.linalg.LinAlgError, RuntimeError):
        return -g


def jump(oracle: Oracle, state: DescentState, d: Vector) -> DescentState:
    """P(x + d), whatever f says; the last one where the gradient is not finite there."""
    y = oracle.project(state.x + d)
    f, g = oracle.value_and_gradient(y)
    return DescentState(y, f, g, stalled=bool((y == state.x).all() or not np.isfinite(g).all()))


def newton_direction(g: Vector, H: Any) -> Vector:
    """-B^-1 g"""
    size = largest_entry(H)
    if not np.isfinite(size) or size == 0:
        return -g
    solve = cholesky(H / size)
    if solve is None:
        solve = modified_solve(H / size) if isinstance(H, np.ndarray) else shifted_cholesky(H / size)[0]
    return -solve(g) / size


def descend(oracle: Oracle, state: DescentState, d: Vector) -> DescentState:
    """A lower point along d, or along -g if d does not lead to one."""
    x, f, g = state.x, state.objective, state.gradient
    found = search(oracle, x, f, g, d) if np.isfinite(d).all() else None
    found = found or search(oracle, x, f, g, -g)
    return replace(state, stalled=True) if found is None else DescentState(found.x, found.f, found.g)
