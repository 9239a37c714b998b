"""Newton's method with gradient regularisation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_second_order.factor import cholesky, largest_entry
from ncsolve_second_order.line_search import NOISE
from ncsolve_second_order.paths import free_direction, held_by_bounds, inside, norm
from ncsolve_second_order.ratio import too_short, try_step

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

GROWTH = 4.0


@dataclass(frozen=True)
class RegularizedNewtonState:
    x: Vector
    objective: float
    gradient: Vector
    constant: float
    """H: half of the Hessian's Lipschitz constant, or its estimate."""
    stalled: bool = False


@dataclass(frozen=True)
class RegularizedNewton:
    """Newton's method with lambda = sqrt(H |g|). [Mishchenko 2023, Alg. 1 and 2 (AdaN)]

    x+ = x - (f''(x) + lambda I)^-1 g. For convex f whose Hessian is 2H-Lipschitz, every step has f(x+) <= f(x) -
    (2/3) lambda r^2 and |g(x+)| <= 2 lambda r, r = |x+ - x|, so that f(x_k) - f* = O(1/k^2) [Thm 1] and convergence
    is superlinear at the end [Thm 2]. Without a known H, the smallest of H/4, H, 4H, ... is taken for which both hold
    [AdaN]. Where f is not convex, H grows until f''(x) + lambda I is positive definite as well. With bounds the step
    is taken in the variables that they leave free and projected.
    """

    regularization: float | None = option(
        None, "H, half of the Hessian's Lipschitz constant; every step is taken then. none: found on the way", above=0
    )

    name: ClassVar[str] = "regularized-newton"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hessian", "bounds"})
    state_type: ClassVar[type] = RegularizedNewtonState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> RegularizedNewtonState:
        f, g = oracle.value_and_gradient(x0)
        constant = self.regularization or norm(g) / max(1.0, float(np.abs(x0).max())) ** 2 or 1.0
        return RegularizedNewtonState(x0, f, g, constant)

    def step(self, oracle: Oracle, state: RegularizedNewtonState, rng: np.random.Generator) -> RegularizedNewtonState:
        x, f, g = state.x, state.objective, state.gradient
        H = oracle.hessian(x)
        if not math.isfinite(largest_entry(H)):
            H = np.zeros((1, 1)) if len(x) == 1 else 0 * np.eye(len(x))
        held, size = held_by_bounds(oracle, x, g), norm(inside(oracle, x, -g))
        known = self.regularization is not None
        constant = state.constant if known else state.constant / GROWTH
        while math.isfinite(constant):
            multiplier = math.sqrt(constant) * math.sqrt(size)
            d = shifted_direction(g, H, held, multiplier)
            if d is not None:
                y = oracle.project(x + d)
                length = float(np.linalg.norm(y - x))
                if known:
                    return RegularizedNewtonState(y, *oracle.value_and_gradient(y), constant)
                if too_short(length, x):
                    break
                trial = try_step(oracle, x, f, g, y - x, 2 / 3 * multiplier * length**2)
                if trial.rho >= 1 and self.is_flat(oracle, trial.x, 2 * multiplier * length, state):
                    return RegularizedNewtonState(trial.x, trial.f, oracle.gradient(trial.x), constant)
            constant *= GROWTH
        return replace(state, stalled=True)

    def is_flat(self, oracle: Oracle, y: Vector, allowed: float, state: RegularizedNewtonState) -> bool:
        """|g(x+)| <= 2 lambda r, in what the bounds leave free."""
        g = oracle.gradient(y)
        rounding = NOISE * norm(state.gradient)
        return norm(inside(oracle, y, -g)) <= allowed + rounding


def shifted_direction(g: Vector, H: Any, held: Any, multiplier: float) -> Vector | None:
    """-(H + lambda I)^-1 g in the free variables, or None if H + lambda I is not positive definite there."""
    definite = True

    def solve(g: Vector, H: Any) -> Vector:
        nonlocal definite
        size = max(largest_entry(H), multiplier) or 1.0
        factor = cholesky(H / size, multiplier / size)
        definite = factor is not None
        return -g if factor is None else -factor(g) / size

    d = free_direction(g, H, held, solve)
    return d if definite and np.isfinite(d).all() else None
